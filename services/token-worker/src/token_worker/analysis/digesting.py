"""Makes the digest that a run leaves for the next one."""

import numpy as np

from token_worker.analysis.activity import BUCKET_CAP
from token_worker.analysis.circles import NO_CIRCLES, final_part, final_until
from token_worker.analysis.deviation import BASELINE_BUCKETS
from token_worker.analysis.digest import SUPPLY_SHRINKS, Digest
from token_worker.analysis.findings import LIST_CAP, Findings
from token_worker.analysis.table import EVIDENCE_CAP, TransferTable

NEWEST_KEPT = 100
"""The newest transfers tell whose balances are asked for first."""


def make_digest(found: Findings) -> Digest | None:
    """Return what a run at a later block needs of the transfers of this one.

    None where a later run cannot rest on it: older transfers are unknown, the supply is, or
    balances are not the sums of transfers.
    """
    reading, activity = found.reading, found.activity
    counted = activity.counted
    if (
        reading.truncated
        or not reading.total_supply
        or counted is None
        or found.candidates is None
        or not reading.balances_are_sums
        or found.sums.ledger.has_debts
    ):
        return None
    starts = final_until(reading.block.timestamp)
    past = reading.past
    closed = counted.part(counted.first, reading.block.timestamp // activity.bucket_seconds)
    whole_from = min(*starts, closed.end * activity.bucket_seconds)
    digest = Digest(
        block_number=reading.block.number,
        supply_floor=found.candidates.supply_floor,
        sums=found.sums,
        counted=closed,
        exchanges=found.exchange_sums,
        circles=final_part(
            found.table, found.circles, past.circles if past else NO_CIRCLES, starts, LIST_CAP
        ),
        circle_starts=starts,
        batches=found.batches,
        batches_total=found.batches_total,
        bait=found.bait,
        bait_total=found.bait_total,
        zero_value_groups=found.zero_value_groups,
        fake_groups=found.fake_groups,
        wakings=found.candidates.wakings,
        movements=found.candidates.movements,
        kept=found.table,
        whole_from=whole_from,
    )
    rows = np.unique([*digest.named_rows(), *_rows_a_report_may_name(found)]).astype(np.int64)
    places = np.searchsorted(rows, np.arange(len(found.table)))
    return digest.renumbered(found.table.select(rows), places)


def supply_floor(found_supply: int, past: Digest | None) -> int:
    """Return the smallest supply that the next digest is to serve for."""
    return max(found_supply // SUPPLY_SHRINKS, past.supply_floor if past else 0)


def _rows_a_report_may_name(found: Findings) -> list[int]:
    table = found.table
    rows = [*found.top_rows, *range(max(0, len(table) - NEWEST_KEPT), len(table))]
    for selected in (
        np.flatnonzero(table.is_mint),
        np.flatnonzero(table.is_burn),
        found.exchange_rows.inflow,
        found.exchange_rows.outflow,
    ):
        rows += table.largest(selected)
        rows += selected[-1:].tolist()
    return rows + _rows_of_buckets(table, found.activity.bucket_seconds)


def _rows_of_buckets(table: TransferTable, bucket_seconds: int) -> list[int]:
    """The largest and the newest transfers of each bucket that a later report may show."""
    buckets = table.timestamps // bucket_seconds
    first = buckets.max(initial=0) - BUCKET_CAP - BASELINE_BUCKETS
    rows = np.flatnonzero(buckets >= first)
    order = np.lexsort((rows, -table.sizes[rows], buckets[rows]))
    groups = buckets[rows[order]]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    sizes = np.diff(starts, append=groups.size)
    rank = np.arange(groups.size) - np.repeat(starts, sizes)
    newest = rows[np.flatnonzero(np.diff(buckets[rows], append=-1))]
    return [*rows[order[rank < EVIDENCE_CAP]].tolist(), *newest.tolist()]
