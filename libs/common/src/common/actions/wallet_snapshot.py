"""Contract of `wallet_snapshot`: what a wallet holds, and what it did, at one block."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator

from common.actions.contract import Action, ActionPayload
from common.actions.thresholds import resolve_thresholds
from common.addresses import normalize_address
from common.errors import PayloadError
from common.models import CamelModel, Number
from common.results.envelope import ActionResult
from common.results.wallet_changes import WalletChanges
from common.results.wallet_snapshot import (
    Counterparty,
    Cursor,
    DisputedNft,
    NativeBalance,
    NftCollection,
    NftHolding,
    TokenHolding,
    WalletAccount,
    WalletTokenTransfer,
    WalletTotals,
    WalletTransactions,
    Wrap,
)


class WalletThresholds(CamelModel):
    """From where on something is marked or alerted.

    Attributes:
        spam_score: Score from which a token counts as spam.
        look_alike_digits: Equal hex digits at the start and at the end that make two addresses
            look alike; wallets usually show four of each.
        zero_value_transfers: Zero-value transfers with one address, or transfers of the token in
            the transaction of one, that make an alert even when it looks like nobody else.
        poisoning_fake_transfers: Transfers of one counterfeit in one transaction that mark it.
        poisoning_dust_transfers: Transfers of one well-known token in one transaction from which on
            small change among them, with the first digits of a real amount, is marked.
        unexplained_balance_pct: Percentage of a token's balance (or of what was received or sent,
            if larger) that its transfers may leave unexplained without an alert.
        mass_send_transfers: Transfers of one token in one transaction above which it counts as
            sent to the many.
        balance_change_pct: Change of a balance since the previous snapshot, in percent of it,
            from which on it is alerted.
    """

    spam_score: float = Field(default=0.5, gt=0, le=1)
    look_alike_digits: int = Field(default=4, ge=2, le=19)
    zero_value_transfers: int = Field(default=3, ge=1)
    poisoning_fake_transfers: int = Field(default=5, ge=3)
    poisoning_dust_transfers: int = Field(default=10, ge=3)
    unexplained_balance_pct: float = Field(default=0.0, ge=0, le=100)
    mass_send_transfers: int = Field(default=50, ge=8)
    balance_change_pct: float = Field(default=20.0, gt=0, le=1e9)


class WalletSnapshotOptions(CamelModel):
    """Each switch leaves out the work, not only the output."""

    include_transactions: bool = Field(
        default=True, description="token transfers, wraps, counterparties and transactions"
    )
    include_token_balances: bool = Field(default=True, description="ERC-20 balances and metadata")
    include_nfts: bool = Field(
        default=True, alias="includeNFTs", description="ERC-721 and ERC-1155 holdings"
    )
    at_block: int | None = Field(
        default=None, ge=0, description="a past block; the newest final one when absent"
    )
    native_search_calls: int = Field(
        default=500,
        ge=0,
        le=100_000,
        description="most calls spent on finding transactions that moved no token; 0 for none",
    )
    quiet_balances: int = Field(
        default=100,
        ge=0,
        le=100_000,
        description="most balances read again of tokens that did not move since they were last"
        " read, and as many of NFT ids, those not read for longest first; 0 for all",
    )
    thresholds: dict[str, Number] = Field(
        default={}, description="camelCase name to value, over the configured ones"
    )

    @field_validator("thresholds")
    @classmethod
    def _known_thresholds(cls, requested: dict[str, Number]) -> dict[str, Number]:
        try:
            resolve_thresholds(WalletThresholds, {}, requested)
        except PayloadError as error:
            raise ValueError(str(error)) from error
        return requested


_ENS_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def _normalize_wallet(value: str) -> str:
    name = value.lower()
    if value.isascii() and len(name) <= 255 and _ENS_NAME.fullmatch(name):
        return name
    try:
        return normalize_address(value)
    except ValueError:
        raise ValueError(
            "expected an address of 0x and 40 hex digits, or an ENS name of ASCII letters such as"
            f" name.eth, got {value[:80]!r}"
        ) from None


WalletName = Annotated[
    str,
    AfterValidator(_normalize_wallet),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(0[xX][0-9a-fA-F]{40}|([A-Za-z0-9_-]+\.)+[A-Za-z]{2,})$",
            "description": "EVM address, or an ENS name where the chain has ENS",
        }
    ),
]
"""ENS names are resolved at the block of each run; letters beyond ASCII are refused because many
only look like others."""


class WalletSnapshotPayload(ActionPayload):
    """Which wallet to look at."""

    wallet: WalletName
    options: WalletSnapshotOptions = WalletSnapshotOptions()

    def requested_block(self) -> int | None:
        """Return the past block that the options name, if they do."""
        return self.options.at_block

    @field_validator("wallet")
    @classmethod
    def _somebody(cls, wallet: str) -> str:
        if wallet == "0x" + "0" * 40:
            raise ValueError(
                "the zero address is nobody's wallet: every mint and burn of the chain names it; "
                "give the address of an account or a contract"
            )
        return wallet


class WalletSnapshot(ActionResult):
    """A wallet at one block; see `common.results.wallet_snapshot` for null and empty lists.

    Attributes:
        tokens: Balance above zero, or one that the contract does not state. Spam last, otherwise
            the most recently moved first.
        past_tokens: Held once and gone, or named in transfers without ever arriving.
        disputed_nfts: The logs give them to the wallet, their contracts do not.
        token_transfers: Newest first, as are `wraps`.
        counterparties: Most transfers first.
        cursor: Null when no events were read.
        changes_since_previous: Null without an earlier snapshot of the same job, wallet and
            chain at this block or before, and when a reorg has undone that one's block.
    """

    wallet: WalletAccount
    native: NativeBalance
    totals: WalletTotals = WalletTotals()
    tokens: list[TokenHolding] | None = None
    tokens_total: int | None = None
    past_tokens: list[TokenHolding] | None = None
    past_tokens_total: int | None = None
    nfts: list[NftHolding] | None = None
    nfts_total: int | None = None
    disputed_nfts: list[DisputedNft] | None = None
    disputed_nfts_total: int | None = None
    nft_collections: list[NftCollection] | None = None
    nft_collections_total: int | None = None
    transactions: WalletTransactions | None = None
    token_transfers: list[WalletTokenTransfer] | None = None
    token_transfers_total: int | None = None
    wraps: list[Wrap] | None = None
    wraps_total: int | None = None
    counterparties: list[Counterparty] | None = None
    counterparties_total: int | None = None
    changes_since_previous: WalletChanges | None = None
    cursor: Cursor | None = None


WALLET_SNAPSHOT = Action(
    name="wallet_snapshot",
    title="Wallet snapshot",
    description="What a wallet holds, and what it did, at one block.",
    service="wallet-worker",
    thresholds=WalletThresholds,
    payload=WalletSnapshotPayload,
    result=WalletSnapshot,
    results_collection="wallet_snapshots",
    default_interval_minutes=15,
    timeout_seconds=300,
    example={
        "wallet": "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6",
        "options": {"includeTransactions": True, "includeTokenBalances": True, "includeNFTs": True},
    },
)
