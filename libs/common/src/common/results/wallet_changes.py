"""What changed between two snapshots of a wallet, reconciled asset by asset."""

from typing import Literal

from common.models import CamelModel, RawAmount
from common.results.envelope import Reason

AssetKind = Literal["native", "erc20", "erc721", "erc1155", "cryptopunks"]

Remainder = Literal[
    "rebase",
    "fee_on_transfer",
    "phony_event",
    "implied_mint",
    "implied_burn",
    "not_listed",
    "no_transaction",
    "unknown",
]
"""Why the transfers between two snapshots do not add up to the change of a balance.

`rebase`: it moved without any transfer. `fee_on_transfer`: less arrived than was logged.
`phony_event`: transfers were logged and nothing moved. `implied_mint`, `implied_burn`: more, or
less, than the transfers say. Native coin: `not_listed`: the source of transactions does not list
all of them; `no_transaction`: all are listed, so it came or went otherwise, and no endpoint shows
how: inside a transaction that none can trace, or beside all transactions. `unknown`: one of the
balances is not known.
"""


class AssetReference(CamelModel):
    """One asset; `contract_address` is null for the native coin, `token_id` for ERC-20."""

    kind: AssetKind
    contract_address: str | None
    token_id: str | None
    symbol: str | None


class AssetChange(AssetReference):
    """One asset between two snapshots: begin + in - out + unexplained = end.

    Attributes:
        begin_raw: Balance at the previous snapshot; null when it did not record one.
        in_raw: Sum of what is known to have arrived since.
        out_raw: Sum of what is known to have left since; for the native coin fees included.
        end_raw: Balance now; null when the contract does not answer.
        unexplained_raw: end - (begin + in - out); null when one of the balances is.
        reason: Of the unexplained part; null when there is none.
    """

    decimals: int | None
    begin_raw: RawAmount | None
    in_raw: RawAmount
    out_raw: RawAmount
    end_raw: RawAmount | None
    unexplained_raw: RawAmount | None
    reason: Remainder | None
    is_spam: bool


class WalletChanges(CamelModel):
    """What changed since the newest earlier snapshot of the same job, wallet and chain.

    Attributes:
        previous_snapshot_id: Id of that result.
        previous_block: Its block; transfers after it count.
        assets: Every asset that moved or whose balance changed; native coin first, then the most
            recently moved first, spam last.
        added: Held now and not then.
        removed: Held then and not now.
        not_compared: Which kinds of assets are left out, and why.
    """

    previous_snapshot_id: str
    previous_block: int
    assets: list[AssetChange]
    assets_total: int
    added: list[AssetReference]
    added_total: int
    removed: list[AssetReference]
    removed_total: int
    not_compared: list[Reason]
