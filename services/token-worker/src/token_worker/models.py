"""Records between the reading half and the analysing half."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.chain.types import Address, Block, TokenMetadata
from common.labels.label import Label
from common.prices.price import Price
from common.results.envelope import Reason
from token_worker.analysis.table import TransferTable
from token_worker.analysis.trends import PreviousReport

if TYPE_CHECKING:
    from token_worker.analysis.digest import Digest
    from token_worker.analysis.sums import Sums
    from token_worker.history.digests import DigestStore


@dataclass(frozen=True)
class Sampled:
    """What is known of one address from two sides, raw.

    Attributes:
        before: `balanceOf` right before the window; 0 before a whole history.
        actual: `balanceOf` at its end.
    """

    before: int
    actual: int


@dataclass(frozen=True)
class TokenFlowReading:
    """All that one run has read, at one block.

    Attributes:
        chain_id: EIP-155 id.
        block: The pinned block.
        token: What the token says about itself.
        total_supply: Raw; None when the token does not tell.
        from_block: First block of the window, which ends at `block`.
        truncated: Older transfers exist below `from_block`.
        table: Transfers of the window: all of them, or beside `past` the ones that matter.
        unread_logs: Transfer events of the window that are none of a fungible token.
        window_start: Unix seconds of `from_block`.
        balances: Raw balance at `block` of every address seen in the window, of the zero and the
            dead address and of the token itself; None where the token does not tell. Of a whole
            history they follow from the transfers if the token agrees for a sample.
        sample: What the transfers should have made of some balances, for comparison with
            `balances`; empty where balances before the window are unknown.
        labels: Who owns an address, where that is known.
        previous: The previous report of the same job.
        contracts: Whether an address has code, for the largest holders only.
        past: What is known of the transfers before `new_from`; its rows are rows of `table`.
        new_from: Row from which on transfers are in no other figure yet and none is missing.
        sums: Of all transfers, where they are known already.
        balances_are_sums: The token's own answers are what all of its transfers add up to.
        digests: Where this run should leave a digest for later ones; None where it need not.
        wraps_native: The token gives wrapped coins for native ones; its Deposit and Withdrawal
            events are mints and burns of `table`.
        implementation: The contract whose code the token runs, if it is a proxy.
        price: In USD; None where no feed is known or none answers.
        counterfeit: Why the token seems to imitate a well-known one.
    """

    chain_id: int
    block: Block
    token: TokenMetadata
    total_supply: int | None
    from_block: int
    truncated: bool
    table: TransferTable
    unread_logs: int
    window_start: int
    balances: Mapping[Address, int | None]
    contracts: Mapping[Address, bool]
    past: "Digest | None" = None
    new_from: int = 0
    sums: "Sums | None" = None
    balances_are_sums: bool = False
    digests: "DigestStore | None" = None
    wraps_native: bool = False
    implementation: Address | None = None
    price: Price | None = None
    counterfeit: Reason | None = None
    sample: Mapping[Address, Sampled] = field(default_factory=dict)
    labels: Mapping[Address, Label] = field(default_factory=dict)
    previous: PreviousReport | None = None
