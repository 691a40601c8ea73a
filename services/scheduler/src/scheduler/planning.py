"""Which runs a due job gets: pure decisions about time, overlap and missed occurrences."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.models import from_millis, to_millis
from common.states import SkipReason


@dataclass(frozen=True)
class DueJob:
    """What deciding about a claimed job takes.

    Attributes:
        next_run_at: The next scheduled occurrence, None when there is none.
        interval_ms: Distance of two occurrences, None for a one-time job.
        anchor_at: Origin of the grid of occurrences.
        trigger_at: A run asked for by hand.
        busy: The job's latest run has not finished.
    """

    next_run_at: datetime | None
    interval_ms: int | None
    anchor_at: datetime
    trigger_at: datetime | None
    busy: bool


@dataclass(frozen=True)
class Skip:
    """A stretch of occurrences that do not run, and why."""

    first: datetime
    last: datetime
    occurrences: int
    reason: SkipReason


@dataclass(frozen=True)
class Plan:
    """What to do with a claimed job.

    Attributes:
        fire_at: Due time of the run to create, None for none.
        skips: What is recorded as not run.
        next_run_at: The occurrence to wait for from now on.
        trigger_done: The request for a run by hand was answered.
    """

    fire_at: datetime | None
    next_run_at: datetime | None
    skips: list[Skip] = field(default_factory=list)
    trigger_done: bool = False


def next_on_grid(anchor_at: datetime, interval_ms: int, after: datetime) -> datetime:
    """Return the first moment `anchor_at + k * interval` later than `after`, k any integer.

    The grid is fixed, so a late firing does not move the ones after it.
    """
    anchor_ms = to_millis(anchor_at)
    steps = (to_millis(after) - anchor_ms) // interval_ms + 1
    return from_millis(anchor_ms + steps * interval_ms)


def decide(job: DueJob, now: datetime, horizon: datetime) -> Plan:
    """Decide what a claimed job does.

    A run by hand comes first. Of several missed occurrences only the latest runs, the others are
    recorded as misfires. An occurrence that finds the job busy is recorded as an overlap, but not
    before its time: the run before it may yet end.

    Args:
        job: The job as claimed.
        now: The present.
        horizon: Occurrences up to here may be created already; not before `now`.
    """
    if job.trigger_at is not None and job.trigger_at <= now:
        return _decide_trigger(job, job.trigger_at)
    due = job.next_run_at
    if due is None or due > (now if job.busy else horizon):
        return Plan(fire_at=None, next_run_at=due)
    if job.interval_ms is None:
        return Plan(fire_at=due, next_run_at=None)

    interval = timedelta(milliseconds=job.interval_ms)
    missed = max(0, (now - due) // interval)
    latest = due + missed * interval
    skips = []
    if missed:
        skips.append(Skip(due, latest - interval, missed, SkipReason.MISFIRE))
    if job.busy:
        skips.append(Skip(latest, latest, 1, SkipReason.OVERLAP))
    return Plan(
        fire_at=None if job.busy else latest,
        next_run_at=next_on_grid(job.anchor_at, job.interval_ms, after=latest),
        skips=skips,
    )


def resume(job: DueJob, done_until: datetime) -> Plan:
    """Continue after occurrences that a replica has recorded before it died.

    Args:
        job: The job as that replica found it.
        done_until: The last occurrence that has a run or a reason.
    """
    if job.interval_ms is None:
        return Plan(fire_at=None, next_run_at=None)
    following = next_on_grid(job.anchor_at, job.interval_ms, after=done_until)
    return Plan(fire_at=None, next_run_at=following)


def is_occurrence(job: DueJob, moment: datetime) -> bool:
    """Tell whether the job's schedule, as opposed to a request by hand, asks for `moment`."""
    if job.next_run_at is None or moment < job.next_run_at:
        return False
    if job.interval_ms is None:
        return moment == job.next_run_at
    return (to_millis(moment) - to_millis(job.anchor_at)) % job.interval_ms == 0


def _decide_trigger(job: DueJob, trigger_at: datetime) -> Plan:
    if job.busy:
        skip = Skip(trigger_at, trigger_at, 1, SkipReason.OVERLAP)
        return Plan(None, job.next_run_at, [skip], trigger_done=True)
    return Plan(trigger_at, job.next_run_at, trigger_done=True)
