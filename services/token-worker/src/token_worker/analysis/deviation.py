"""How far a value lies from what came before it, robust against single outliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from common.statistics import robust_z

BASELINE_BUCKETS = 24
MIN_BASELINE_BUCKETS = 8


@dataclass(frozen=True)
class Deviation:
    """A value against its baseline.

    Attributes:
        baseline: Median of the earlier values.
        pct: 100 (value - median) / median; None where the median is 0.
        z_score: Robust z; None where the earlier values are all equal.
    """

    baseline: float
    pct: float | None
    z_score: float | None


def measure_deviation(value: int, earlier: Sequence[int]) -> Deviation | None:
    """Compare a value with the values before it; None when there are fewer than 8.

    The z score is that of `common.statistics.robust_z`.

    Args:
        value: The value to judge.
        earlier: Values before it, the newest last; the newest 24 count.
    """
    earlier = earlier[-BASELINE_BUCKETS:]
    if len(earlier) < MIN_BASELINE_BUCKETS:
        return None
    middle = median(earlier)
    return Deviation(
        baseline=float(middle),
        pct=100 * (value - middle) / middle if middle else None,
        z_score=robust_z(value, earlier),
    )


def is_spike(deviation: Deviation | None, least_pct: float, least_z: float) -> bool:
    """Tell whether a value is above its baseline by both percent and z.

    A measure that is undefined does not object: from a median of 0 any increase is infinitely many
    percent, and values that never vary leave no room for chance.
    """
    if deviation is None:
        return False
    return (deviation.pct is None or deviation.pct >= least_pct) and (
        deviation.z_score is None or deviation.z_score >= least_z
    )


def is_drop(deviation: Deviation | None, least_pct: float, least_z: float) -> bool:
    """Tell whether a value is below its baseline by both percent and z, see `is_spike`.

    There is no drop from a median of 0.
    """
    if deviation is None or deviation.pct is None:
        return False
    return deviation.pct <= -least_pct and (
        deviation.z_score is None or deviation.z_score <= -least_z
    )
