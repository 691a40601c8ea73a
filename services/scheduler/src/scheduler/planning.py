"""Which runs a due job gets: pure decisions about time, overlap, pauses and missed occurrences."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from common.states import OverlapPolicy, SkipReason
from common.timetable import Timetable

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True)
class DueJob:
    """What deciding about a due job takes.

    Attributes:
        next_run_at: The next scheduled occurrence, None when there is none.
        timetable: The occurrences after it, None when there are none.
        trigger_at: A run asked for by hand.
        busy: The job's latest run has not finished.
        overlap: What an occurrence does that finds the job busy.
        catch_up: How late an occurrence may still run, None without limit.
        paused_until: End of a pause whose occurrences are to be recorded.
        free_since: When the latest run ended, where known.
        runs_left: How many occurrences may run yet, None without limit.
    """

    next_run_at: datetime | None
    timetable: Timetable | None
    trigger_at: datetime | None = None
    busy: bool = False
    overlap: OverlapPolicy = OverlapPolicy.SKIP
    catch_up: timedelta | None = None
    paused_until: datetime | None = None
    free_since: datetime | None = None
    runs_left: int | None = None


@dataclass(frozen=True)
class Skip:
    """A stretch of occurrences that do not run, and why."""

    first: datetime
    last: datetime
    occurrences: int
    reason: SkipReason


@dataclass(frozen=True)
class Plan:
    """What to do with a due job.

    Attributes:
        fire_at: Due time of the run to create, None for none.
        next_run_at: The occurrence to wait for from now on.
        skips: What is recorded as not run.
        trigger_done: The request for a run by hand was answered.
        pause_done: What a pause kept from running is recorded.
        runs: How many occurrences run by this plan.
    """

    fire_at: datetime | None
    next_run_at: datetime | None
    skips: list[Skip] = field(default_factory=list)
    trigger_done: bool = False
    pause_done: bool = False
    runs: int = 0


def decide(job: DueJob, now: datetime, horizon: datetime) -> Plan:
    """Decide what a due job does.

    A run by hand comes first. What fell into a pause does not run. Of several missed occurrences
    only the latest runs, if it is not too late for that; the others are recorded as misfires. An
    occurrence that finds the job busy is treated as its overlap policy says, but not before its
    time: the run before it may yet end.

    Args:
        job: The due job as it was read.
        now: The present.
        horizon: Occurrences up to here may be created already; not before `now`.
    """
    if job.trigger_at is not None and job.trigger_at <= now:
        return _decide_trigger(job, job.trigger_at)
    if job.paused_until is not None:
        return _end_pause(job, job.paused_until, now, horizon)
    due = job.next_run_at
    in_the_way = job.busy and job.overlap is not OverlapPolicy.ALLOW_ALL
    if due is None or due > (now if in_the_way else horizon):
        return Plan(None, due)
    if job.runs_left is not None and job.runs_left <= 0:
        return Plan(None, None)
    if in_the_way and job.overlap is OverlapPolicy.BUFFER_ONE:
        return Plan(None, due)
    return _decide_due(job, due, now, in_the_way=in_the_way)


def _decide_trigger(job: DueJob, trigger_at: datetime) -> Plan:
    if not job.busy or job.overlap is OverlapPolicy.ALLOW_ALL:
        return Plan(trigger_at, job.next_run_at, trigger_done=True)
    if job.overlap is OverlapPolicy.BUFFER_ONE:
        return Plan(None, job.next_run_at)
    skip = Skip(trigger_at, trigger_at, 1, SkipReason.OVERLAP)
    return Plan(None, job.next_run_at, [skip], trigger_done=True)


def _end_pause(job: DueJob, paused_until: datetime, now: datetime, horizon: datetime) -> Plan:
    """Record what fell into the pause, then decide as if that had never been."""
    due = job.next_run_at
    skips = []
    if due is not None and due <= paused_until:
        last = _latest(job.timetable, due, paused_until)
        skips = [_stretch(job.timetable, due, last, SkipReason.PAUSED)]
        due = job.timetable.next_after(last) if job.timetable else None
    plan = decide(replace(job, next_run_at=due, paused_until=None), now, horizon)
    return replace(plan, skips=skips + plan.skips, pause_done=True)


def _decide_due(job: DueJob, due: datetime, now: datetime, *, in_the_way: bool) -> Plan:
    latest = _latest(job.timetable, due, now)
    following = job.timetable.next_after(latest) if job.timetable else None
    if job.catch_up is not None and now - _waiting_since(job, latest) > job.catch_up:
        return Plan(None, following, _missed(job, due, latest))
    skips = []
    if latest > due and job.timetable is not None:
        before = job.timetable.latest_until(latest - _TICK)
        skips = _missed(job, due, max(due, before or due))
    if in_the_way:
        skips.append(Skip(latest, latest, 1, SkipReason.OVERLAP))
        return Plan(None, following, skips)
    if job.runs_left == 1:
        following = None
    return Plan(latest, following, skips, runs=1)


def _missed(job: DueJob, first: datetime, last: datetime) -> list[Skip]:
    """Return the record of missed occurrences.

    Where they wait for the run before, those that came while it was unfinished overlapped it.
    """
    free_since = job.free_since
    if job.overlap is not OverlapPolicy.BUFFER_ONE or free_since is None or first > free_since:
        return [_stretch(job.timetable, first, last, SkipReason.MISFIRE)]
    end = _latest(job.timetable, first, min(last, free_since))
    skips = [_stretch(job.timetable, first, end, SkipReason.OVERLAP)]
    if end < last and job.timetable is not None and (begin := job.timetable.next_after(end)):
        skips.append(_stretch(job.timetable, begin, last, SkipReason.MISFIRE))
    return skips


def _waiting_since(job: DueJob, occurrence: datetime) -> datetime:
    """Return since when nothing but the scheduler keeps `occurrence` from running."""
    if job.overlap is OverlapPolicy.BUFFER_ONE and job.free_since is not None:
        return max(occurrence, job.free_since)
    return occurrence


def _latest(timetable: Timetable | None, due: datetime, until: datetime) -> datetime:
    """Return the last occurrence from `due` on and not later than `until`, at least `due`."""
    following = timetable.next_after(due) if timetable else None
    if timetable is None or following is None or following > until:
        return due
    return timetable.latest_until(until) or due


def _stretch(
    timetable: Timetable | None, first: datetime, last: datetime, reason: SkipReason
) -> Skip:
    others = timetable.count(first, last) if timetable else 0
    return Skip(first, last, 1 + others, reason)
