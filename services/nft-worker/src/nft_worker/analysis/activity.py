"""How much happened when: buckets of time, each held against those before it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from common.results.nft_movements import MovementKind, NftActivityBucket
from nft_worker.analysis.movements import NOBODY, movement_kind
from nft_worker.analysis.statistics import median, robust_z_score
from nft_worker.models import Position, Timestamps, position

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


@dataclass(slots=True)
class _Counts:
    kinds: Counter[MovementKind] = field(default_factory=Counter)
    wash_sales: int = 0
    active: set[Address] = field(default_factory=set)


def activity_rows(
    transfers: Iterable[NftTransfer],
    timestamps: Timestamps,
    sold: Collection[Position],
    flagged: Collection[Position],
    buckets: Buckets,
) -> list[NftActivityBucket]:
    """Return what happened in each bucket, oldest first.

    Args:
        transfers: In the order of the chain.
        timestamps: Unix seconds of each block.
        sold: Positions of sales.
        flagged: Positions of sales that count as wash trades.
        buckets: The spans of time.
    """
    counts: defaultdict[int, _Counts] = defaultdict(_Counts)
    for transfer in transfers:
        own = counts[buckets.number_at(timestamps[transfer.block_number])]
        own.kinds[movement_kind(transfer, sold)] += 1
        own.wash_sales += position(transfer) in flagged
        own.active.update((transfer.sender, transfer.recipient))
    totals = [counts[number].kinds.total() for number in buckets.numbers]
    return [
        NftActivityBucket(
            bucket_start=datetime.fromtimestamp(number * buckets.seconds, UTC),
            complete=complete,
            transfers=total,
            sales=counts[number].kinds["sale"],
            wash_sales=counts[number].wash_sales,
            mints=counts[number].kinds["mint"],
            burns=counts[number].kinds["burn"],
            active_addresses=len(counts[number].active - NOBODY),
            pct_vs_baseline=change,
            z_score=z_score,
        )
        for number, complete, total, change, z_score in zip(
            buckets.numbers,
            buckets.complete,
            totals,
            _changes_pct(totals, buckets.complete),
            z_scores(totals, buckets.complete),
            strict=True,
        )
    ]


def z_scores(values: Sequence[int], complete: Sequence[bool]) -> list[float | None]:
    """Return the robust z of each value against the complete ones before it.

    The baseline is the newest 24 complete buckets before; fewer than 8 tell nothing. A bucket that
    the window cuts is not judged.
    """
    return [
        robust_z_score(values[index], baseline) if baseline and complete[index] else None
        for index, baseline in enumerate(_baselines(values, complete))
    ]


def _changes_pct(values: Sequence[int], complete: Sequence[bool]) -> list[float | None]:
    changes: list[float | None] = []
    for index, baseline in enumerate(_baselines(values, complete)):
        usual = median(sorted(baseline)) if baseline and complete[index] else 0
        changes.append(100 * (values[index] - usual) / usual if usual else None)
    return changes


def _baselines(values: Sequence[int], complete: Sequence[bool]) -> list[list[int]]:
    baselines = []
    for index in range(len(values)):
        before = (values[at] for at in range(index - 1, -1, -1) if complete[at])
        newest = list(islice(before, BASELINE_BUCKETS))
        baselines.append(newest if len(newest) >= BASELINE_LEAST else [])
    return baselines
