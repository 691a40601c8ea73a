"""Who sent to whom, how often and how much: the edges of the graph of all transfers."""

from dataclasses import dataclass

import numpy as np

from token_worker.analysis.exact import (
    IntArray,
    LimbArray,
    largest_rows,
    sum_runs,
    to_floats,
    to_ints,
    to_limbs,
    widened,
)
from token_worker.analysis.packed import PackedAddresses, distinct_packed
from token_worker.analysis.table import TransferTable

_CODE_BITS = 32


@dataclass(frozen=True, eq=False)
class Edges:
    """Sums over all transfers from one address to another one; transfers to oneself are no edge.

    Attributes:
        packed: Addresses, sorted; a place is an address's code.
        keys: Ascending, of each edge: code of the source, then code of the target.
        counts: Transfers of each edge.
        limbs: Their raw sum, see `to_limbs`.
    """

    packed: PackedAddresses
    keys: IntArray
    counts: IntArray
    limbs: LimbArray

    @classmethod
    def of(cls, table: TransferTable) -> "Edges":
        """Return the edges of some transfers; codes are those of the table."""
        rows = np.flatnonzero(table.senders != table.recipients)
        keys = (table.senders[rows] << _CODE_BITS) | table.recipients[rows]
        order = np.argsort(keys)
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        return cls(
            packed=table.packed,
            keys=keys[order[starts]],
            counts=np.diff(starts, append=rows.size),
            limbs=sum_runs(table.limbs, rows[order], starts),
        )

    def followed_by(self, newer: "Edges") -> "Edges":
        """Return the edges of these transfers and of others."""
        packed = distinct_packed(np.concatenate([self.packed, newer.packed]))
        keys, later = self.keys_in(packed), newer.keys_in(packed)
        places = np.searchsorted(keys, later)
        known = np.append(keys, -1)[places] == later
        both = [
            older + more
            for older, more in zip(
                to_ints(self.limbs[places[known]]), to_ints(newer.limbs[known]), strict=True
            )
        ]
        sums = to_limbs(both)
        width = max(each.shape[1] for each in (self.limbs, newer.limbs, sums))
        counts, limbs = self.counts.copy(), widened(self.limbs, width).copy()
        counts[places[known]] += newer.counts[known]
        limbs[places[known]] = widened(sums, width)
        before = places[~known]
        return Edges(
            packed=packed,
            keys=np.insert(keys, before, later[~known]),
            counts=np.insert(counts, before, newer.counts[~known]),
            limbs=np.insert(limbs, before, widened(newer.limbs, width)[~known], axis=0),
        )

    def __len__(self) -> int:
        return int(self.keys.size)

    def amounts(self, edges: IntArray) -> list[int]:
        """Return the raw sums of some edges."""
        return to_ints(self.limbs[edges])

    def keys_in(self, packed: PackedAddresses) -> IntArray:
        """Return the keys by the codes of other addresses, all of these among them."""
        codes = np.searchsorted(packed, self.packed)
        return (codes[self.sources] << _CODE_BITS) | codes[self.targets]

    @property
    def sources(self) -> IntArray:
        """Code of the source of each edge."""
        return self.keys >> _CODE_BITS

    @property
    def targets(self) -> IntArray:
        """Code of the target of each edge."""
        return self.keys & ((1 << _CODE_BITS) - 1)

    def widest(self, count: int) -> list[tuple[int, int]]:
        """Return the edges that carry most, with their sums; the first of equals first."""
        edges = largest_rows(self.limbs, to_floats(self.limbs), count)
        return list(zip(edges, self.amounts(np.array(edges, dtype=np.int64)), strict=True))
