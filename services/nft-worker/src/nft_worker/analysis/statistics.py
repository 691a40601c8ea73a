"""Order statistics, concentration and robust deviation."""

from collections.abc import Sequence


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """Return the least value with at least `percent` % of all values at or below it.

    Args:
        ordered: Values, ascending, at least one.
        percent: 1 to 100.

    Source: the nearest-rank percentile; exact, always one of the values.
    """
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def median(ordered: Sequence[float]) -> float:
    """Return the median of ascending values, at least one."""
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def gini(ordered: Sequence[int]) -> float | None:
    """Return the population Gini coefficient of ascending values >= 0; None for a sum of 0.

    0 when all are equal, towards 1 when one has all. Exact up to the final division.
    Source: G = 2 * sum(i * x_i) / (n * sum(x)) - (n + 1) / n, i from 1 in ascending order.
    """
    count, total = len(ordered), sum(ordered)
    if total == 0:
        return None
    weighted = sum(rank * value for rank, value in enumerate(ordered, start=1))
    return (2 * weighted - (count + 1) * total) / (count * total)


def robust_z_score(value: float, baseline: Sequence[float]) -> float | None:
    """Return how far a value lies from the median of its baseline, in robust deviations.

    Args:
        value: The value judged.
        baseline: At least one earlier value.

    Returns:
        0.6745 * (value - median) / MAD; with MAD = 0, (value - median) / (1.2533 * mean absolute
        deviation); None when the baseline never varies.

    Source: Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers.
    """
    middle = median(sorted(baseline))
    deviations = sorted(abs(other - middle) for other in baseline)
    spread = median(deviations)
    if spread > 0:
        return 0.6745 * (value - middle) / spread
    mean_deviation = sum(deviations) / len(deviations)
    return (value - middle) / (1.2533 * mean_deviation) if mean_deviation > 0 else None
