"""How large the transfers are."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from common.results.coin_flows import SizeBin, SizeDistribution


def describe_sizes(amounts: Sequence[int]) -> SizeDistribution:
    """Return mean, median, percentiles and histogram of raw amounts, all exact integers."""
    ordered = sorted(amounts)
    if not ordered:
        return SizeDistribution(
            mean_raw=None,
            median_raw=None,
            p90_raw=None,
            p95_raw=None,
            p99_raw=None,
            max_raw=None,
            histogram=[],
        )
    return SizeDistribution(
        mean_raw=str(sum(ordered) // len(ordered)),
        median_raw=str(median(ordered)),
        p90_raw=str(percentile(ordered, 90)),
        p95_raw=str(percentile(ordered, 95)),
        p99_raw=str(percentile(ordered, 99)),
        max_raw=str(ordered[-1]),
        histogram=_histogram(ordered),
    )


def median(ordered: Sequence[int]) -> int:
    """Return the middle of ascending values; of an even number, the mean of two, rounded down.

    Raises:
        IndexError: There are no values.
    """
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) // 2


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile: the least value with `percent` % at or below it.

    Always one of the values, so exact. Source: Hyndman and Fan (1996), definition 1.

    Args:
        ordered: Ascending, not empty.
        percent: 1..100.
    """
    rank = -(-len(ordered) * percent // 100)
    return ordered[rank - 1]


def _histogram(ordered: Sequence[int]) -> list[SizeBin]:
    """Bins [0, 1), [1, 10), [10, 100) ... of ascending values; empty ones are left out."""
    edges = [0, *(10**exponent for exponent in range(len(str(ordered[-1])) + 1))]
    bins: list[SizeBin] = []
    for lower, upper in pairwise(edges):
        inside = ordered[bisect_left(ordered, lower) : bisect_left(ordered, upper)]
        if inside:
            bins.append(
                SizeBin(
                    lower_raw=str(lower),
                    upper_raw=str(upper),
                    count=len(inside),
                    volume_raw=str(sum(inside)),
                )
            )
    return bins
