from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from token_worker.analysis.activity import BUCKET_CAP, Activity, measure_activity
from token_worker.analysis.table import TransferTable

HOUR = 3_600
Table = Callable[..., TransferTable]


def _hourly(counts: list[int]) -> list[tuple[str, str, int, int]]:
    """Rows with so many transfers of 1 in each hour, the first at noon."""
    return [
        ("a", f"r{hour}-{number}", 1, hour * 60 + number % 60)
        for hour, count in enumerate(counts)
        for number in range(count)
    ]


def _measure(table: TransferTable, noon: int, hours: int, start: int | None = None) -> Activity:
    return measure_activity(table, HOUR, start, noon + hours * HOUR)


def test_buckets_cover_the_time_from_the_first_transfer_to_the_end(
    a_table: Table, noon: int
) -> None:
    activity = _measure(a_table(*_hourly([2, 0, 3])), noon, 3)

    assert [bucket.transfers for bucket in activity.buckets] == [2, 0, 3, 0]
    assert [bucket.start for bucket in activity.buckets] == [noon + n * HOUR for n in range(4)]
    assert activity.total == 4


def test_the_last_bucket_is_incomplete_and_so_is_a_first_one_that_was_cut(
    a_table: Table, noon: int
) -> None:
    table = a_table(*_hourly([2, 1, 3]))

    whole = _measure(table, noon, 3)
    cut = _measure(table, noon, 3, start=noon + 60)

    assert [bucket.complete for bucket in whole.buckets] == [True, True, True, False]
    assert [bucket.complete for bucket in cut.buckets] == [False, True, True, False]


def test_a_cut_bucket_is_no_part_of_a_baseline(a_table: Table, noon: int) -> None:
    table = a_table(*_hourly([1, *[5] * 8, 5]))

    whole = _measure(table, noon, 10)
    cut = _measure(table, noon, 10, start=noon + 60)

    assert whole.buckets[8].count is not None
    assert cut.buckets[8].count is None
    assert cut.buckets[9].count is not None


def test_active_addresses_are_distinct_and_without_the_zero_address(
    a_table: Table, noon: int
) -> None:
    table = a_table(("zero", "a", 1, 0), ("a", "b", 1, 1), ("b", "a", 1, 2), ("c", "c", 1, 61))

    assert [b.active_addresses for b in _measure(table, noon, 1).buckets] == [2, 1]


def test_only_the_newest_buckets_of_an_old_token_are_kept(a_table: Table, noon: int) -> None:
    table = a_table(("a", "b", 7, 0), ("a", "b", 9, 60 * 5_000))

    activity = _measure(table, noon, 5_000)

    assert len(activity.buckets) == BUCKET_CAP
    assert activity.total == 5_001
    assert sum(bucket.volume_raw for bucket in activity.buckets) == 9


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("abc"),
            st.integers(0, 2**256 - 1),
            st.integers(0, 600),
        ),
        max_size=25,
    )
)
def test_buckets_hold_every_transfer_once(
    a_table: Table, noon: int, rows: list[tuple[str, str, int, int]]
) -> None:
    rows = sorted(rows, key=lambda row: row[3])
    activity = _measure(a_table(*rows), noon, 11)

    assert sum(bucket.transfers for bucket in activity.buckets) == len(rows)
    assert sum(bucket.volume_raw for bucket in activity.buckets) == sum(row[2] for row in rows)


def test_without_transfers_there_are_no_buckets(a_table: Table, noon: int) -> None:
    assert _measure(a_table(), noon, 1) == Activity(HOUR, [], 0)
