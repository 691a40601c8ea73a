"""How large the transfers are."""

from itertools import pairwise

import numpy as np

from common.results.coin_flows import SizeBin, SizeDistribution
from token_worker.analysis.exact import IntArray
from token_worker.analysis.table import TransferTable


def describe_sizes(table: TransferTable) -> SizeDistribution:
    """Return mean, median, percentiles and histogram of raw amounts, all exact integers.

    Percentiles are by nearest rank, see `common.statistics.percentile`.
    """
    count = len(table)
    if not count:
        return SizeDistribution(
            mean_raw=None,
            median_raw=None,
            p90_raw=None,
            p95_raw=None,
            p99_raw=None,
            max_raw=None,
            histogram=[],
        )
    order = np.argsort(table.sizes, kind="stable")

    def at(place: int) -> int:
        return _order_statistic(table, order, place)

    def percentile(percent: int) -> str:
        return str(at(-(-count * percent // 100) - 1))

    total = table.sum_by(np.zeros(count, dtype=np.int64), 1)[0]
    return SizeDistribution(
        mean_raw=str(total // count),
        median_raw=str((at((count - 1) // 2) + at(count // 2)) // 2),
        p90_raw=percentile(90),
        p95_raw=percentile(95),
        p99_raw=percentile(99),
        max_raw=str(at(count - 1)),
        histogram=_histogram(table, order),
    )


def _order_statistic(table: TransferTable, order: IntArray, place: int) -> int:
    """The amount at a place of the ascending order.

    Floats order nearly all amounts rightly; those too close to the one at the place to be told
    apart are sorted exactly.
    """
    size = float(table.sizes[order[place]])
    first, last = _between(table, order, size * (1 - 1e-14), size * (1 + 1e-14))
    return sorted(table.amounts(order[first:last]))[place - first]


def _histogram(table: TransferTable, order: IntArray) -> list[SizeBin]:
    """Bins [0, 1), [1, 10), [10, 100) ... of ascending values; empty ones are left out."""
    largest = max(table.amounts(order[-1:]))
    edges = [0, *(10**exponent for exponent in range(len(str(largest)) + 2))]
    places = [_place_of(table, order, edge) for edge in edges]
    groups = np.repeat(np.arange(len(edges) - 1), np.diff(places))
    sums = table.sum_by(groups, len(edges) - 1, order)
    return [
        SizeBin(
            lower_raw=str(lower), upper_raw=str(upper), count=end - start, volume_raw=str(volume)
        )
        for (lower, upper), (start, end), volume in zip(
            pairwise(edges), pairwise(places), sums, strict=True
        )
        if end > start
    ]


def _place_of(table: TransferTable, order: IntArray, edge: int) -> int:
    """How many amounts are below `edge`, exactly."""
    first, last = _between(table, order, edge * (1 - 1e-14), edge * (1 + 1e-14))
    return first + sum(amount < edge for amount in table.amounts(order[first:last]))


def _between(table: TransferTable, order: IntArray, lower: float, upper: float) -> tuple[int, int]:
    first = np.searchsorted(table.sizes, lower, side="left", sorter=order)
    last = np.searchsorted(table.sizes, upper, side="right", sorter=order)
    return int(first), int(last)
