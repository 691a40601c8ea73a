"""Strongly connected transfers within spans of time, for all spans of a length at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import rustworkx

from token_worker.analysis.exact import BoolArray, IntArray, distinct
from token_worker.analysis.table import TransferTable

SPARSE = 4
"""More possible nodes for each edge than this are numbered without gaps."""
TimeArray = npt.NDArray[np.int32]

_NEVER = np.iinfo(np.int32).max // 2
"""Seconds before or after everything: 34 years."""


@dataclass(frozen=True)
class Neighbours:
    """Times at which the two ends of some rows could be part of a circle.

    A circle through a row needs its sender to receive, and its recipient to send, within the same
    span of time. Of each, the nearest time before and after the row tells whether it does.

    Attributes:
        rows: Rows of the table.
        times: Seconds of each row since `epoch`.
        received_before: When its sender last received before it; far in the past if never.
        received_after: When its sender next receives after it; far in the future if never.
        sent_before: When its recipient last sent before it.
        sent_after: When its recipient next sends after it.
        epoch: Unix seconds of the first row.
    """

    rows: IntArray
    times: TimeArray
    received_before: TimeArray
    received_after: TimeArray
    sent_before: TimeArray
    sent_after: TimeArray
    epoch: int

    @classmethod
    def of(cls, table: TransferTable, rows: IntArray) -> "Neighbours":
        """Return the neighbours of some rows among these rows."""
        count = rows.size
        epoch = int(table.timestamps[rows[0]]) if count else 0
        times = (table.timestamps[rows] - epoch).astype(np.int32)
        # One entry for each end of each row, by address, then in chain order.
        bits = (2 * count).bit_length()
        numbers = 2 * np.arange(count)
        entries = np.concatenate(
            [
                (table.senders[rows] << bits) + numbers,
                (table.recipients[rows] << bits) + numbers + 1,
            ]
        )
        entries.sort()
        place = entries & ((1 << bits) - 1)
        row, is_received = place >> 1, (place & 1).astype(bool)
        when = times[row]
        starts = np.flatnonzero(np.diff(entries >> bits, prepend=-1)).astype(np.int32)
        sizes = np.diff(starts, append=entries.size)
        first = np.repeat(starts, sizes)
        last = np.repeat(starts + sizes - 1, sizes)
        found = np.empty((4, count), dtype=np.int32)
        for target, wanted in ((0, is_received), (2, ~is_received)):
            own = np.flatnonzero(~wanted)
            before = _latest_before(when, wanted, first)
            mirrored = _latest_before(-when[::-1], wanted[::-1], (entries.size - 1 - last)[::-1])
            found[target, row[own]] = before[own]
            found[target + 1, row[own]] = -mirrored[::-1][own]
        return cls(rows, times, found[0], found[1], found[2], found[3], epoch)

    def within(self, seconds: int, shift: int, first: int) -> BoolArray:
        """Tell which rows have both neighbours in their span: all others are in no circle.

        Args:
            seconds: Length of a span.
            shift: Where the first span after 1970 begins.
            first: Unix seconds at which the first span to look at begins.
        """
        offset = np.int32((shift - self.epoch) % seconds - seconds)
        start = (self.times - offset) // np.int32(seconds) * np.int32(seconds) + offset
        end = start + np.int32(seconds)
        return (
            ((self.received_before >= start) | (self.received_after < end))
            & ((self.sent_before >= start) | (self.sent_after < end))
            & (self.times >= max(first - self.epoch, -_NEVER))
        )


def _latest_before(when: TimeArray, wanted: BoolArray, first: TimeArray) -> TimeArray:
    """For each entry the time of the latest wanted one up to it, not before place `first`."""
    places = np.arange(when.size, dtype=np.int32)
    latest = np.maximum.accumulate(np.where(wanted, places, np.int32(-1)))
    return np.where(latest >= first, when[latest], np.int32(-_NEVER))


def connected_rows(
    table: TransferTable, neighbours: Neighbours, seconds: int, shift: int, first: int
) -> Iterator[list[int]]:
    """Yield the rows within each strongly connected component of each span, in chain order.

    One graph serves all spans: a node is an address in a span, so that no edge crosses spans.

    Args:
        table: The transfers.
        neighbours: Of the rows to look at.
        seconds: Length of a span.
        shift: Where the first span after 1970 begins.
        first: Unix seconds at which the first span to look at begins.
    """
    rows = neighbours.rows[neighbours.within(seconds, shift, first)]
    if rows.size == 0:
        return
    spans = (table.timestamps[rows] - shift) // seconds
    spans -= spans.min()
    sources, targets, node_count = _numbered(
        spans * len(table.packed) + table.senders[rows],
        spans * len(table.packed) + table.recipients[rows],
    )
    kept = _without_loose_ends(sources, targets, node_count)
    rows, sources, targets = rows[kept], sources[kept], targets[kept]
    components = _components(sources, targets, node_count)
    inside = np.flatnonzero(
        (components[sources] >= 0) & (components[sources] == components[targets])
    )
    owners = components[sources[inside]]
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    parts = np.split(rows[inside[order]], starts[1:]) if order.size else []
    yield from sorted(part.tolist() for part in parts)


def _numbered(sources: IntArray, targets: IntArray) -> tuple[IntArray, IntArray, int]:
    """Ends of edges, numbered from 0, and how many numbers there are; not all need be used.

    Numbers that leave few gaps stay as they are: to find the gaps takes a sort.
    """
    largest = max(int(sources.max()), int(targets.max()))
    if largest < SPARSE * sources.size:
        return sources, targets, largest + 1
    nodes, ends = np.unique(np.concatenate([sources, targets]), return_inverse=True)
    return ends[: sources.size], ends[sources.size :], nodes.size


def _without_loose_ends(sources: IntArray, targets: IntArray, node_count: int) -> IntArray:
    """Edges left when those from nodes nobody leads to, and to dead ends, are gone for good."""
    kept = np.arange(sources.size)
    while True:
        entered, left = np.zeros(node_count, dtype=bool), np.zeros(node_count, dtype=bool)
        entered[targets[kept]] = True
        left[sources[kept]] = True
        through = entered & left
        still = through[sources[kept]] & through[targets[kept]]
        if still.all():
            return kept
        kept = kept[still]


def _components(sources: IntArray, targets: IntArray, node_count: int) -> IntArray:
    """Number of each node's strongly connected component; -1 for a node alone."""
    numbers = np.full(node_count, -1, dtype=np.int64)
    nodes, ends = np.unique(np.concatenate([sources, targets]), return_inverse=True)
    edges = distinct(ends[: sources.size] * nodes.size + ends[sources.size :])
    graph: rustworkx.PyDiGraph[None, None] = rustworkx.PyDiGraph()
    pairs = np.divmod(edges, max(nodes.size, 1))
    graph.extend_from_edge_list(list(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True)))
    for number, members in enumerate(rustworkx.strongly_connected_components(graph)):
        if len(members) > 1:
            numbers[nodes[members]] = number
    return numbers
