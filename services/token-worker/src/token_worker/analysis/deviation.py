"""How far a value lies from what came before it, robust against single outliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

BASELINE_BUCKETS = 24
MIN_BASELINE_BUCKETS = 8

_MAD_TO_SIGMA = 0.6745
_MEAN_DEVIATION_TO_SIGMA = 1.2533


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

    z = 0.6745 (x - median) / MAD, with the median absolute deviation MAD. Where MAD is 0, most
    values being equal, z = (x - median) / (1.2533 mean absolute deviation).
    Source: Iglewicz and Hoaglin (1993), How to detect and handle outliers.

    Args:
        value: The value to judge.
        earlier: Values before it, the newest last; the newest 24 count.
    """
    earlier = earlier[-BASELINE_BUCKETS:]
    if len(earlier) < MIN_BASELINE_BUCKETS:
        return None
    middle = median(earlier)
    distances = [abs(other - middle) for other in earlier]
    spread = median(distances) / _MAD_TO_SIGMA
    if spread == 0:
        spread = _MEAN_DEVIATION_TO_SIGMA * (sum(distances) / len(distances))
    return Deviation(
        baseline=float(middle),
        pct=100 * (value - middle) / middle if middle else None,
        z_score=(value - middle) / spread if spread else None,
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
