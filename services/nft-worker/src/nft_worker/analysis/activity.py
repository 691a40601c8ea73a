"""How much happened when: buckets of time, each held against those before it."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import numpy as np

from common.results.nft_movements import NftActivityBucket
from common.statistics import robust_z
from nft_worker.analysis.arrays import Ints, Mask, distinct
from nft_worker.analysis.movement_table import Movements
from nft_worker.analysis.movements import NOBODY

BUCKET_SECONDS = (3_600, 86_400, 604_800)
"""An hour, a day, a week: the shortest one that keeps to MAX_BUCKETS is taken."""

MAX_BUCKETS = 1_000
BASELINE_BUCKETS = 24
BASELINE_LEAST = 8


@dataclass(frozen=True, slots=True)
class Buckets:
    """Spans of time of equal length, oldest first, up to the end of the window.

    Attributes:
        seconds: Length of each.
        numbers: Bucket n holds the Unix seconds from n * seconds to (n + 1) * seconds - 1.
        complete: For each, whether the window holds all of it.
    """

    seconds: int
    numbers: range
    complete: tuple[bool, ...]

    def number_at(self, timestamp: int) -> int:
        """Return the number of the bucket that holds a moment."""
        return timestamp // self.seconds


def window_buckets(first_event: int | None, window_start: int, window_end: int) -> Buckets:
    """Return the newest buckets from the first event to the end of the window.

    Their length is an hour, a day or a week: the shortest with which they are not too many.

    Args:
        first_event: Unix seconds of the oldest event; without one there are no buckets.
        window_start: Unix seconds of the first block of the window.
        window_end: Unix seconds of its last block.
    """
    if first_event is None:
        return Buckets(BUCKET_SECONDS[0], range(0), ())
    seconds = next(
        (
            length
            for length in BUCKET_SECONDS
            if window_end // length - first_event // length < MAX_BUCKETS
        ),
        BUCKET_SECONDS[-1],
    )
    newest = window_end // seconds
    numbers = range(max(first_event // seconds, newest - MAX_BUCKETS + 1), newest + 1)
    complete = tuple(
        window_start <= number * seconds and (number + 1) * seconds <= window_end + 1
        for number in numbers
    )
    return Buckets(seconds, numbers, complete)


def activity_rows(
    logged: Movements, window: Mask, sold: Mask, flagged: Mask, buckets: Buckets
) -> list[NftActivityBucket]:
    """Return what happened in each bucket, oldest first.

    Args:
        logged: All movements.
        window: Which of them lie in the window.
        sold: Which of them delivered a sale.
        flagged: Which of them delivered a sale that counts as a wash trade.
        buckets: The spans of time.
    """
    place = logged.seconds // buckets.seconds - buckets.numbers.start
    window = window & (place >= 0)

    def counted(which: Mask) -> list[int]:
        return _counts(place[window & which], len(buckets.numbers))

    totals = counted(window)
    columns = zip(
        buckets.numbers,
        buckets.complete,
        totals,
        counted(sold & ~logged.is_mint & ~logged.is_burn),
        counted(flagged),
        counted(logged.is_mint),
        counted(logged.is_burn),
        _active_addresses(logged, window, place, buckets),
        _changes_pct(totals, buckets.complete),
        z_scores(totals, buckets.complete),
        strict=True,
    )
    return [
        NftActivityBucket(
            bucket_start=datetime.fromtimestamp(number * buckets.seconds, UTC),
            complete=complete,
            transfers=total,
            sales=sales,
            wash_sales=wash_sales,
            mints=mints,
            burns=burns,
            active_addresses=active,
            pct_vs_baseline=change,
            z_score=z_score,
        )
        for (
            number,
            complete,
            total,
            sales,
            wash_sales,
            mints,
            burns,
            active,
            change,
            z_score,
        ) in columns
    ]


def _active_addresses(logged: Movements, window: Mask, place: Ints, buckets: Buckets) -> list[int]:
    accounts = max(len(logged.accounts), 1)
    seen = distinct(
        np.concatenate(
            [place[window] * accounts + side[window] for side in (logged.sender, logged.recipient)]
        )
    )
    somebody = ~logged.accounts.mask_of(NOBODY)[seen % accounts]
    return _counts(seen[somebody] // accounts, len(buckets.numbers))


def _counts(numbers: Ints, length: int) -> list[int]:
    counts: list[int] = np.bincount(numbers, minlength=length).tolist()
    return counts


def z_scores(values: Sequence[int], complete: Sequence[bool]) -> list[float | None]:
    """Return the robust z of each value against the complete ones before it.

    The baseline is the newest 24 complete buckets before; fewer than 8 tell nothing. A bucket that
    the window cuts is not judged.
    """
    return [
        robust_z(value, baseline) if baseline else None
        for value, baseline in zip(values, _baselines(values, complete), strict=True)
    ]


def _changes_pct(values: Sequence[int], complete: Sequence[bool]) -> list[float | None]:
    changes: list[float | None] = []
    for value, baseline in zip(values, _baselines(values, complete), strict=True):
        usual = median(baseline) if baseline else 0
        changes.append(100 * (value - usual) / usual if usual else None)
    return changes


def _baselines(values: Sequence[int], complete: Sequence[bool]) -> Iterator[Sequence[int]]:
    """Yield what each value is held against; nothing where it is not judged."""
    newest: deque[int] = deque(maxlen=BASELINE_BUCKETS)
    for value, is_complete in zip(values, complete, strict=True):
        yield list(newest) if is_complete and len(newest) >= BASELINE_LEAST else ()
        if is_complete:
            newest.append(value)
