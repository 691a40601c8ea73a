"""Clocks jump both ways and look-aheads differ: every occurrence still has one fate."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.models import from_millis, to_millis
from common.states import SkipReason
from common.timetable import Grid
from scheduler.planning import DueJob, Plan, decide

LATEST_MS = to_millis(datetime(2999, 1, 1, tzinfo=UTC))

moments = st.integers(0, LATEST_MS).map(from_millis)
intervals_ms = st.integers(1_000, 600_000)
looks = st.lists(
    st.tuples(
        st.integers(-200_000, 2_000_000),  # when, in ms from the first occurrence
        st.integers(0, 3_000),  # look-ahead in ms
        st.booleans(),  # whether the run before is unfinished
    ),
    max_size=40,
)


class History:
    """What becomes of a job whose schedule is looked at again and again."""

    def __init__(self, anchor: datetime, interval_ms: int) -> None:
        self.grid = Grid(anchor, interval_ms)
        self.next_run_at = anchor
        self.fates: Counter[int] = Counter()

    def look(self, now: datetime, look_ahead: timedelta, *, busy: bool) -> Plan:
        job = DueJob(self.next_run_at, self.grid, busy=busy)
        plan = decide(job, now, now + look_ahead)
        assert plan.next_run_at is not None
        if plan.fire_at is not None:
            self.fates[self.number(plan.fire_at)] += 1
        for skip in plan.skips:
            first, last = self.number(skip.first), self.number(skip.last)
            assert last - first + 1 == skip.occurrences
            self.fates.update(range(first, last + 1))
        self.next_run_at = plan.next_run_at
        return plan

    def number(self, moment: datetime) -> int:
        elapsed_ms = to_millis(moment) - to_millis(self.grid.anchor_at)
        steps, off_grid = divmod(elapsed_ms, self.grid.interval_ms)
        assert off_grid == 0
        return steps

    def has_one_fate_each(self) -> bool:
        return self.fates == Counter(range(self.number(self.next_run_at)))


@given(moments, intervals_ms, looks)
def test_every_occurrence_fires_or_has_a_reason_exactly_once(
    anchor: datetime, interval_ms: int, times: list[tuple[int, int, bool]]
) -> None:
    history = History(anchor, interval_ms)
    for at_ms, ahead_ms, busy in times:
        now = anchor + timedelta(milliseconds=at_ms)
        ahead = timedelta(milliseconds=ahead_ms)
        plan = history.look(now, ahead, busy=busy)

        assert history.has_one_fate_each()
        assert history.next_run_at > now - timedelta(milliseconds=interval_ms)
        if plan.fire_at is not None:
            assert not busy
            assert plan.fire_at <= now + ahead
        for skip in plan.skips:
            assert skip.last <= now
            assert (skip.reason is SkipReason.OVERLAP) <= busy


@given(moments, intervals_ms, looks)
def test_a_schedule_looked_at_often_enough_misses_nothing(
    anchor: datetime, interval_ms: int, times: list[tuple[int, int, bool]]
) -> None:
    history = History(anchor, interval_ms)
    now = anchor
    for at_ms, _, _ in times:
        now += timedelta(milliseconds=at_ms % interval_ms)
        assert history.look(now, timedelta(0), busy=False).skips == []
