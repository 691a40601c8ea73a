"""Statistics of amounts: concentration, percentiles and robust deviation.

Of integers, results are exact up to the final float, whatever their size. Floats are accepted where
a ratio is the result: they are faster, and a million of them lose less than 1e-10 of it.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import fsum
from operator import mul
from statistics import median

MAD_TO_SIGMA = 0.6745
"""Median absolute deviation of a normal distribution, in standard deviations."""

MEAN_DEVIATION_TO_SIGMA = 1.2533
"""Standard deviation of a normal distribution, in mean absolute deviations: sqrt(pi / 2)."""


def gini(ordered: Sequence[float]) -> float | None:
    """Return the population Gini coefficient `2 sum(i x_i) / (n S) - (n + 1) / n`.

    Args:
        ordered: Ascending values >= 0; i counts from 1, S is their sum.

    Returns:
        0 (all equal) to (n - 1) / n (one has it all), None where there is nothing to
        spread: no values, or a sum of 0.

    Source: Sen (1973), On Economic Inequality, from the area under the Lorenz curve.
    """
    count, total = len(ordered), sum(ordered)
    if total == 0:
        return None
    weighted = sum(accumulate(reversed(ordered)))  # the i-th largest is in n + 1 - i of the sums
    return (2 * weighted - (count + 1) * total) / (count * total)


def hhi(values: Sequence[float]) -> float | None:
    """Return the Herfindahl-Hirschman index `sum((x / S)^2)`, 1/n to 1 (one has it all).

    Args:
        values: Values >= 0 in any order; S is their sum.

    Returns:
        Times 10,000 it is on the usual scale; within 1e-15 of it, relatively. None where S is 0.

    Source: Rhoades (1993), The Herfindahl-Hirschman Index, Federal Reserve Bulletin 79.
    """
    total = sum(values)
    if total == 0:
        return None
    shares = [value / total for value in values]
    return fsum(map(mul, shares, shares))


def nakamoto(ordered: Sequence[int]) -> int | None:
    """Return the least number of values whose sum is more than half of all.

    Args:
        ordered: Ascending values >= 0.

    Returns:
        At least 1; None where the sum is 0. Exactly half is no majority.

    Source: Srinivasan and Lee (2017), Quantifying Decentralization.
    """
    total = sum(ordered)
    tops = accumulate(reversed(ordered))
    return next((count for count, top in enumerate(tops, 1) if 2 * top > total), None)


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank percentile: the least value with `percent` % at or below it.

    Always one of the values, so exact.

    Args:
        ordered: Ascending values, at least one.
        percent: 1 to 100.

    Raises:
        IndexError: There are no values.

    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 1.
    """
    rank = -(-len(ordered) * percent // 100)
    return ordered[rank - 1]


def robust_z(value: float, baseline: Sequence[float]) -> float | None:
    """Return how far a value lies from the median of its baseline, in robust deviations.

    Args:
        value: The value to judge.
        baseline: The values to judge it by, in any order, at least one.

    Returns:
        0.6745 (x - median) / MAD with the median absolute deviation MAD; where MAD is 0, most
        values being equal, (x - median) / (1.2533 mean absolute deviation); None where the
        baseline never varies.

    Raises:
        statistics.StatisticsError: The baseline is empty.

    Source: Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers.
    """
    middle = median(baseline)
    distances = [abs(other - middle) for other in baseline]
    spread = median(distances) / MAD_TO_SIGMA
    if spread == 0:
        spread = MEAN_DEVIATION_TO_SIGMA * (sum(distances) / len(distances))
    return (value - middle) / spread if spread else None
