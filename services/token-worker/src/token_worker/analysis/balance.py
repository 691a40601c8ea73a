"""The longest run of transfers after which everybody has what they had before it."""

from heapq import heapify, heappop, heappush

import numpy as np

from token_worker.analysis.exact import IntArray, fraction_of
from token_worker.analysis.table import TransferTable


def balanced_prefix(
    table: TransferTable, rows: list[int], residual_pct: float
) -> tuple[int, float]:
    """Return how many transfers, from the first on, leave nobody's position changed.

    Transfers are dropped from the last one backwards until every net position is at most
    `residual_pct` percent of the mean transfer.

    Args:
        table: The transfers.
        rows: Rows to look at, in chain order, at least one; no zero amount, no self transfer.
        residual_pct: Net position that may be left, in percent of the mean transfer.

    Returns:
        The length of the longest such prefix and its largest net position in percent of its mean
        transfer; (0, 0.0) when there is none.
    """
    rows = rows[: _last_candidate(table, np.array(rows, dtype=np.int64), residual_pct)]
    net: dict[int, int] = {}
    for row in rows:
        _move(net, table, row, 1)
    largest = [(-abs(position), code) for code, position in net.items()]
    heapify(largest)
    total = sum(table.amount(row) for row in rows)
    margin, unit = fraction_of(residual_pct).as_integer_ratio()
    for count in range(len(rows), 0, -1):
        while -largest[0][0] != abs(net[largest[0][1]]):
            heappop(largest)  # a position that has changed since
        residual = -largest[0][0] * count * 100
        if residual * unit <= margin * total:
            return count, residual / total
        for code in _move(net, table, rows[count - 1], -1):
            heappush(largest, (-abs(net[code]), code))
        total -= table.amount(rows[count - 1])
    return 0, 0.0


def _last_candidate(table: TransferTable, rows: IntArray, residual_pct: float) -> int:
    """An upper bound of the prefix's length, in floating point.

    Between two transfers of an address its position stands still. Where it is larger than what any
    later prefix allows, rounding included, none of the prefixes that end there is balanced. Among
    many transfers that rules out nearly all, and the exact search begins where it may succeed.
    """
    count = rows.size
    amounts = table.sizes[rows]
    members = np.concatenate([table.senders[rows], table.recipients[rows]])
    places = np.tile(np.arange(count), 2)
    order = np.argsort(members * count + places)
    members, places = members[order], places[order]
    changes = np.concatenate([-amounts, amounts])[order]
    first = np.flatnonzero(np.diff(members, prepend=-1))
    running = np.cumsum(changes)
    before = running[first] - changes[first]
    positions = running - np.repeat(before, np.diff(first, append=2 * count))
    until = np.append(places[1:], count)
    until[first[1:] - 1] = count
    totals = np.cumsum(amounts)
    means = totals / np.arange(1, count + 1)
    later_means = np.maximum.accumulate(means[::-1])[::-1]
    rounding = 8 * count * np.finfo(np.float64).eps * totals[-1]
    too_large = np.abs(positions) > residual_pct / 100 * later_means[places] + rounding
    ruled_out = np.zeros(count + 1, dtype=np.int64)
    np.add.at(ruled_out, places[too_large], 1)
    np.add.at(ruled_out, until[too_large], -1)
    possible = np.flatnonzero(np.cumsum(ruled_out[:count]) == 0)
    return int(possible[-1]) + 1 if possible.size else 0


def _move(net: dict[int, int], table: TransferTable, row: int, direction: int) -> tuple[int, int]:
    """Apply (1) or undo (-1) a row; return the codes it touches."""
    sender, recipient = int(table.senders[row]), int(table.recipients[row])
    amount = direction * table.amount(row)
    net[sender] = net.get(sender, 0) - amount
    net[recipient] = net.get(recipient, 0) + amount
    return sender, recipient
