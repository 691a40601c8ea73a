"""Transfers over time, and the spans of time that stand out."""

from dataclasses import dataclass

import numpy as np

from common.chain.types import ZERO_ADDRESS
from common.models import from_millis
from common.results.coin_flows import ActivityBucket
from token_worker.analysis.deviation import BASELINE_BUCKETS, Deviation, measure_deviation
from token_worker.analysis.exact import distinct
from token_worker.analysis.table import TransferTable

BUCKET_CAP = 1_000
"""Only the newest buckets are looked at: an old token has tens of thousands of hours."""


@dataclass(frozen=True)
class Bucket:
    """A span of time; `count` and `volume` tell how it compares with those before it."""

    start: int
    complete: bool
    transfers: int
    volume_raw: int
    active_addresses: int
    count: Deviation | None
    volume: Deviation | None


@dataclass(frozen=True)
class Counted:
    """What consecutive buckets hold; buckets are numbered by multiples of their length since 1970.

    Attributes:
        oldest: Bucket of the first transfer of all.
        first: The first bucket counted here.
        transfers: Of each bucket.
        volumes: Raw, of each bucket.
        active: Distinct addresses of each bucket, without the zero address.
    """

    oldest: int
    first: int
    transfers: list[int]
    volumes: list[int]
    active: list[int]

    @property
    def end(self) -> int:
        """The bucket after the last one."""
        return self.first + len(self.transfers)

    def part(self, first: int, end: int) -> "Counted":
        """Return some of these buckets."""
        chosen = slice(max(0, first - self.first), max(0, end - self.first))
        return Counted(
            self.oldest,
            max(first, self.first),
            self.transfers[chosen],
            self.volumes[chosen],
            self.active[chosen],
        )

    def followed_by(self, newer: "Counted") -> "Counted":
        """Return these buckets and the ones that follow them."""
        return Counted(
            self.oldest,
            self.first if self.transfers else newer.first,
            self.transfers + newer.transfers,
            self.volumes + newer.volumes,
            self.active + newer.active,
        )


@dataclass(frozen=True)
class Activity:
    """The newest buckets, oldest first, and how many there are in the whole window.

    `counted` are they and those they are compared with; None without transfers.
    """

    bucket_seconds: int
    buckets: list[Bucket]
    total: int
    counted: Counted | None = None


def measure_activity(
    table: TransferTable,
    bucket_seconds: int,
    window_start: int | None,
    window_end: int,
    past: Counted | None = None,
) -> Activity:
    """Count transfers in equal spans of time from the first transfer to the end of the window.

    Buckets begin at multiples of their length since 1970. The last one is incomplete, as the window
    ends inside it, and so is the first one when the window begins inside it: it is no part of a
    baseline.

    Args:
        table: Transfers of the window; all of those after `past`.
        bucket_seconds: Length of a bucket.
        window_start: Unix seconds at which the window begins; None when no older transfers exist.
        window_end: Unix seconds of the pinned block.
        past: Buckets that have been counted before and were over then.
    """
    if past is None and not len(table):
        return Activity(bucket_seconds, [], 0)
    oldest = past.oldest if past else int(table.timestamps.min()) // bucket_seconds
    newest = window_end // bucket_seconds
    first = max(oldest, newest - BUCKET_CAP - BASELINE_BUCKETS + 1)
    known = past.part(first, past.end) if past else Counted(oldest, first, [], [], [])
    start = max(first, past.end) if past else first
    counted = known.followed_by(
        Counted(oldest, start, *_fill_buckets(table, bucket_seconds, start, newest - start + 1))
    )
    counts, volumes = counted.transfers, counted.volumes
    cut_off = window_start is not None and window_start > first * bucket_seconds
    baseline_from = 1 if cut_off else 0
    buckets = [
        Bucket(
            start=(first + position) * bucket_seconds,
            complete=baseline_from <= position < len(counts) - 1,
            transfers=counts[position],
            volume_raw=volumes[position],
            active_addresses=counted.active[position],
            count=measure_deviation(counts[position], counts[baseline_from:position]),
            volume=measure_deviation(volumes[position], volumes[baseline_from:position]),
        )
        for position in range(len(counts))
    ]
    return Activity(bucket_seconds, buckets[-BUCKET_CAP:], newest - oldest + 1, counted)


def describe_bucket(bucket: Bucket) -> ActivityBucket:
    """Return a bucket for a reader."""
    return ActivityBucket(
        bucket_start=from_millis(bucket.start * 1000),
        complete=bucket.complete,
        transfers=bucket.transfers,
        volume_raw=str(bucket.volume_raw),
        active_addresses=bucket.active_addresses,
        pct_vs_baseline=bucket.count.pct if bucket.count else None,
        z_score=bucket.count.z_score if bucket.count else None,
        volume_pct_vs_baseline=bucket.volume.pct if bucket.volume else None,
        volume_z_score=bucket.volume.z_score if bucket.volume else None,
    )


def _fill_buckets(
    table: TransferTable, bucket_seconds: int, first: int, count: int
) -> tuple[list[int], list[int], list[int]]:
    """Transfers, raw volume and distinct addresses (without the zero address) of each bucket."""
    rows = np.flatnonzero(table.timestamps >= first * bucket_seconds)
    groups = table.timestamps[rows] // bucket_seconds - first
    addresses = max(1, len(table.packed))
    base = groups * addresses
    pairs = np.concatenate([base + table.senders[rows], base + table.recipients[rows]])
    present = distinct(pairs)
    present = present[present % addresses != table.code(ZERO_ADDRESS)]
    return (
        np.bincount(groups, minlength=count).tolist(),
        table.sum_by(groups, count, rows),
        np.bincount(present // addresses, minlength=count).tolist(),
    )
