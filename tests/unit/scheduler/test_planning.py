"""What a due job does, decided without a clock or a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from common.states import OverlapPolicy, SkipReason
from common.timetable import Cron, Grid, Jittered, Timetable, Until
from scheduler.planning import DueJob, Plan, Skip, decide

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
HOURLY = Grid(NOON, 3_600_000)

MISFIRE, OVERLAP, PAUSED = SkipReason.MISFIRE, SkipReason.OVERLAP, SkipReason.PAUSED


def at(hours: float) -> datetime:
    return NOON + hours * HOUR


def plan(hours: float, ahead: float = 0.0, **job: Any) -> Plan:
    """Decide `hours` after noon about an hourly job that is due at noon."""
    fields: dict[str, Any] = {"next_run_at": NOON, "timetable": HOURLY, **job}
    due = DueJob(**fields)
    return decide(due, at(hours), at(hours + ahead))


def test_an_occurrence_within_the_horizon_runs_and_the_next_is_awaited() -> None:
    assert plan(-0.1, ahead=0.2) == Plan(NOON, at(1), runs=1)
    assert plan(-0.3, ahead=0.2) == Plan(None, NOON)


def test_a_late_occurrence_runs_and_moves_no_later_one() -> None:
    assert plan(0.9) == Plan(NOON, at(1), runs=1)


def test_of_missed_occurrences_the_latest_runs() -> None:
    assert plan(3.5) == Plan(at(3), at(4), [Skip(NOON, at(2), 3, MISFIRE)], runs=1)


def test_an_occurrence_too_late_for_the_catch_up_window_does_not_run() -> None:
    half_an_hour = timedelta(minutes=30)
    assert plan(0.5, catch_up=half_an_hour) == Plan(NOON, at(1), runs=1)
    assert plan(3.6, catch_up=half_an_hour) == Plan(None, at(4), [Skip(NOON, at(3), 4, MISFIRE)])
    once = plan(3.6, catch_up=half_an_hour, timetable=None)
    assert once == Plan(None, None, [Skip(NOON, NOON, 1, MISFIRE)])


def test_a_job_that_runs_once_runs_however_late() -> None:
    assert plan(9_000, timetable=None) == Plan(NOON, None, runs=1)


def test_an_occurrence_that_finds_the_job_busy_is_skipped_when_its_time_has_come() -> None:
    assert plan(-0.1, ahead=0.2, busy=True) == Plan(None, NOON)
    assert plan(0, busy=True) == Plan(None, at(1), [Skip(NOON, NOON, 1, OVERLAP)])
    skips = [Skip(NOON, at(1), 2, MISFIRE), Skip(at(2), at(2), 1, OVERLAP)]
    assert plan(2, busy=True) == Plan(None, at(3), skips)


def test_a_buffered_occurrence_waits_for_the_run_before_it() -> None:
    buffering: dict[str, Any] = {"overlap": OverlapPolicy.BUFFER_ONE}
    assert plan(0.5, busy=True, **buffering) == Plan(None, NOON)
    assert plan(0.5, free_since=at(0.5), **buffering) == Plan(NOON, at(1), runs=1)


def test_only_the_latest_waiting_occurrence_is_kept() -> None:
    """The job was busy until 14:30; the scheduler was away until 16:15."""
    decided = plan(4.25, overlap=OverlapPolicy.BUFFER_ONE, free_since=at(2.5))
    skips = [Skip(NOON, at(2), 3, OVERLAP), Skip(at(3), at(3), 1, MISFIRE)]
    assert decided == Plan(at(4), at(5), skips, runs=1)


def test_an_occurrence_that_waited_for_the_run_before_is_not_too_late() -> None:
    window: dict[str, Any] = {
        "overlap": OverlapPolicy.BUFFER_ONE,
        "catch_up": timedelta(minutes=10),
    }
    assert plan(0.9, free_since=at(0.9), **window) == Plan(NOON, at(1), runs=1)
    assert plan(0.9, free_since=at(0.1), **window).fire_at is None


def test_runs_may_be_allowed_side_by_side() -> None:
    side_by_side: dict[str, Any] = {"busy": True, "overlap": OverlapPolicy.ALLOW_ALL}
    assert plan(-0.1, ahead=0.2, **side_by_side) == Plan(NOON, at(1), runs=1)
    triggered = plan(0, trigger_at=NOON, **side_by_side)
    assert triggered == Plan(NOON, NOON, trigger_done=True)


def test_a_trigger_comes_first_and_leaves_the_schedule_alone() -> None:
    assert plan(0.5, trigger_at=at(0.4)) == Plan(at(0.4), NOON, trigger_done=True)
    busy = plan(0.5, trigger_at=at(0.4), busy=True)
    assert busy == Plan(None, NOON, [Skip(at(0.4), at(0.4), 1, OVERLAP)], trigger_done=True)
    waiting = plan(0.5, trigger_at=at(0.4), busy=True, overlap=OverlapPolicy.BUFFER_ONE)
    assert waiting == Plan(None, NOON)


def test_what_fell_into_a_pause_does_not_run_and_what_came_after_does() -> None:
    decided = plan(2.2, paused_until=at(1.5))
    assert decided == Plan(at(2), at(3), [Skip(NOON, at(1), 2, PAUSED)], pause_done=True, runs=1)
    resumed_at_once = plan(0.5, paused_until=at(0.5))
    assert resumed_at_once == Plan(None, at(1), [Skip(NOON, NOON, 1, PAUSED)], pause_done=True)
    nothing_missed = plan(0, paused_until=at(-0.5))
    assert nothing_missed == Plan(NOON, at(1), pause_done=True, runs=1)


def test_a_job_that_runs_once_does_not_run_when_it_was_paused_at_its_time() -> None:
    decided = plan(2, paused_until=at(1), timetable=None)
    assert decided == Plan(None, None, [Skip(NOON, NOON, 1, PAUSED)], pause_done=True)


def test_the_last_of_a_limited_number_of_runs_is_followed_by_none() -> None:
    assert plan(0, runs_left=2) == Plan(NOON, at(1), runs=1)
    assert plan(0, runs_left=1) == Plan(NOON, None, runs=1)
    assert plan(0, runs_left=0) == Plan(None, None)


def test_nothing_is_awaited_after_the_end() -> None:
    ending = Until(HOURLY, at(2))
    assert plan(1, timetable=ending, next_run_at=at(1)) == Plan(at(1), at(2), runs=1)
    assert plan(7, timetable=ending, next_run_at=at(1)) == Plan(
        at(2), None, [Skip(at(1), at(1), 1, MISFIRE)], runs=1
    )


TIMETABLES: list[Timetable] = [
    HOURLY,
    Grid(NOON, 420_000),
    Cron("*/30 * * * *", "Europe/Berlin"),
    Jittered(HOURLY, 1_800_000, "job"),
    Jittered(Cron("0,20 * * * *", "UTC"), 600_000, "job"),
    Until(HOURLY, NOON + timedelta(days=2)),
]


class Looks(RuleBasedStateMachine):
    """Schedulers look and catch up while users pause, resume, edit and trigger.

    The oracle is one moment: the first occurrence that has neither run nor reason. Each record must
    begin there; a lost occurrence, or one that is recorded twice, breaks the chain.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.job = DueJob(NOON, HOURLY)
        self.open: datetime | None = NOON
        self.paused: datetime | None = None
        self.is_paused = False
        self.fired: list[datetime] = []

    def _record(self, decided: Plan) -> None:
        for skip in decided.skips:
            if skip.first == self.job.trigger_at and decided.trigger_done:
                continue
            self._close(skip.first, skip.last, skip.occurrences)
        if decided.fire_at is not None and not decided.trigger_done:
            assert decided.fire_at not in self.fired
            self.fired.append(decided.fire_at)
            self._close(decided.fire_at, decided.fire_at, 1)
        if decided.fire_at is not None and self.job.overlap is not OverlapPolicy.ALLOW_ALL:
            assert not self.job.busy

    def _close(self, first: datetime, last: datetime, occurrences: int) -> None:
        assert first == self.open
        timetable = self.job.timetable
        assert timetable is not None
        assert occurrences == 1 + timetable.count(first, last)
        self.open = timetable.next_after(last)

    def _advance(self, decided: Plan) -> None:
        assert decided.next_run_at == (None if self.is_paused else self.open)
        self.job = replace(
            self.job,
            next_run_at=decided.next_run_at,
            busy=self.job.busy or decided.fire_at is not None,
            trigger_at=None if decided.trigger_done else self.job.trigger_at,
            paused_until=None if decided.pause_done else self.job.paused_until,
        )

    @rule(minutes=st.integers(0, 300))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule()
    def a_scheduler_looks(self) -> None:
        decided = decide(self.job, self.now, self.now + timedelta(seconds=1))
        self._record(decided)
        self._advance(decided)

    @rule()
    def the_run_ends(self) -> None:
        self.job = replace(self.job, busy=False, free_since=self.now)

    @rule()
    def a_user_triggers(self) -> None:
        moment = self.now + timedelta(milliseconds=1)  # beside every occurrence
        self.job = replace(self.job, trigger_at=self.job.trigger_at or moment)

    @precondition(lambda self: not self.is_paused)
    @rule()
    def a_user_pauses(self) -> None:
        self.is_paused, self.paused = True, self.job.next_run_at
        self.job = replace(self.job, next_run_at=None)

    @precondition(lambda self: self.is_paused)
    @rule()
    def a_user_resumes(self) -> None:
        self.is_paused = False
        self.job = replace(self.job, next_run_at=self.paused, paused_until=self.now)

    @rule(overlap=st.sampled_from(OverlapPolicy), window=st.sampled_from([None, 10, 90]))
    def a_user_changes_policies(self, overlap: OverlapPolicy, window: int | None) -> None:
        catch_up = None if window is None else window * MINUTE
        self.job = replace(self.job, overlap=overlap, catch_up=catch_up)

    @precondition(lambda self: not self.is_paused)
    @rule(timetable=st.sampled_from(TIMETABLES))
    def a_user_changes_the_timetable(self, timetable: Timetable) -> None:
        """What is due stays due; what lies ahead is that of the new timetable."""
        due = self.job.next_run_at
        if due is None or due > self.now:
            due = timetable.next_after(self.now)
        self.job = replace(self.job, timetable=timetable, next_run_at=due)
        self.open = due

    def teardown(self) -> None:
        """Whatever happened: a scheduler that goes on looking brings the job up to date."""
        if self.is_paused:
            self.a_user_resumes()
        for _ in range(6):
            self.the_run_ends()
            self.a_scheduler_looks()
        assert self.open is None or self.open > self.now
        assert self.job.next_run_at == self.open


Looks.TestCase.settings = settings(max_examples=300, stateful_step_count=40)
TestEveryOccurrenceRunsOnceOrHasOneReason = Looks.TestCase
