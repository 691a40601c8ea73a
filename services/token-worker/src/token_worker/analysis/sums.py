"""All that adds up: sums and counts of transfers, by address, by pair and by size."""

from dataclasses import dataclass

from token_worker.analysis.edges import Edges
from token_worker.analysis.flows import Totals
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.sizes import Sizes
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True, eq=False)
class Sums:
    """What some transfers add up to."""

    totals: Totals
    ledger: Ledger
    edges: Edges
    sizes: Sizes

    @classmethod
    def of(cls, table: TransferTable) -> "Sums":
        """Return the sums of some transfers, whole blocks of them."""
        return cls(Totals.of(table), Ledger.of(table), Edges.of(table), Sizes.of(table))

    def followed_by(self, newer: "Sums") -> "Sums":
        """Return the sums of these transfers and of others, all of which came later."""
        return Sums(
            self.totals.followed_by(newer.totals),
            self.ledger.followed_by(newer.ledger),
            self.edges.followed_by(newer.edges),
            self.sizes.followed_by(newer.sizes),
        )
