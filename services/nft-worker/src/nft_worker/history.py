"""What was read about a collection, as the analysis takes it."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.chain.types import Address, Block
from common.results.envelope import Reason, Window
from nft_worker.analysis.movement_table import Movements
from nft_worker.models import Collection, PaidTransaction


@dataclass(frozen=True, slots=True)
class History:
    """What happened to the collection in the window.

    Attributes:
        moves: Every movement of the window, and before it those of tokens that moved in it, as far
            as they were kept: a path that ends in the window may have begun there.
        transactions: By hash; those that may hold a sale.
        contracts: Accounts with code, of those for which it matters.
        reaches_origin: The window holds every transfer up to its end, of all tokens.
        undecodable_logs: Transfer logs that could not be read.
        window_seconds: Unix seconds of the first and the last block of the window.
        gaps: Why the window holds less than was asked for.
    """

    collection: Collection
    block: Block
    window: Window
    moves: Movements
    transactions: Mapping[str, PaidTransaction]
    contracts: frozenset[Address]
    reaches_origin: bool
    undecodable_logs: int
    window_seconds: tuple[int, int]
    gaps: tuple[Reason, ...] = ()
