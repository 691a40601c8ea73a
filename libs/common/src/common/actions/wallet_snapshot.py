"""Contract of `wallet_snapshot`: what a wallet holds, and what it did, at one block."""

from pydantic import Field

from common.actions.contract import Action, ActionPayload
from common.actions.envelope import ActionResult
from common.addresses import EvmAddress
from common.models import CamelModel


class WalletSnapshotOptions(CamelModel):
    """Each switch leaves out the work, not only the output."""

    include_transactions: bool = True
    include_token_balances: bool = True
    include_nfts: bool = Field(default=True, alias="includeNFTs")


class WalletSnapshotPayload(ActionPayload):
    """Which wallet to look at."""

    wallet: EvmAddress
    options: WalletSnapshotOptions = WalletSnapshotOptions()


class WalletSnapshot(ActionResult):
    """A wallet at one block."""


WALLET_SNAPSHOT = Action(
    name="wallet_snapshot",
    title="Wallet snapshot",
    description="What a wallet holds, and what it did, at one block.",
    service="wallet-worker",
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
