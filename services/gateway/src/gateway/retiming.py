"""Decides what a change of its timing sets in a stored job: pure rules.

All values are MongoDB aggregation expressions, so that one update decides by what is stored at its
moment. A job that is paused keeps its next occurrence in `pause.nextRunAt`.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from common.documents import Job
from common.events import due_time
from common.states import JobType, PausedBy
from common.timetable import create_timetable
from gateway.problems import FieldError, ProblemError, invalid_request
from gateway.requests import JobChanges, interval_millis
from gateway.timing import TICK, does_not_belong, first_occurrence
from gateway.upcoming import job_timetable

Fields = Mapping[str, Any]

_IS_PAUSED: Final = {"$eq": [{"$type": "$pause"}, "object"]}

_PLANNED: Final = {"$ifNull": ["$pause.nextRunAt", "$nextRunAt"]}

_RECURRING_ONLY: Final = {
    "interval_minutes": "intervalMinutes",
    "cron": "cron",
    "timezone": "timezone",
    "end_at": "endAt",
    "max_runs": "maxRuns",
}


def decide_new_timing(changes: JobChanges, job: Job, now: datetime) -> Fields:
    """Return the fields of `jobs` that a new timing sets.

    - A new interval starts a new grid: its origin is the next run, one interval from now but never
      later than planned, so that a run already due stays due.
    - With a new cron expression or time zone, and where there is jitter, a run already due stays
      due, and what lies ahead follows the new timetable.
    - A new end or number of runs keeps what is planned within it, and continues a job that had
      come to its end.

    Args:
        changes: What the user sent.
        job: The job as it was just now.
        now: Time of the change.

    Raises:
        ProblemError: A change does not belong to jobs of this type, or to one another.
    """
    if job.type is JobType.SCHEDULED:
        _refuse(changes, _RECURRING_ONLY, "scheduled")
        if changes.scheduled_at is None:
            return {}
        at = changes.scheduled_at
        anchor = {"scheduledAt": at, "schedule.anchorAt": at, "schedule.pausedUntil": None}
        # a moment that is past may have its run already, and a run has the id of its moment
        return {**anchor, **_plan(max(at, now))}
    _refuse(changes, {"scheduled_at": "scheduledAt"}, "recurring")
    if changes.interval_minutes is not None and changes.cron is not None:
        raise _refused("cron", "either this or `intervalMinutes`")
    if changes.timezone is not None and (changes.cron or job.cron) is None:
        raise _refused("timezone", "belongs to `cron`, which this job does not have")
    if not changes.model_fields_set & _RECURRING_ONLY.keys():
        return {}
    return _retime(changes, job, now)


def pause(note: str | None, now: datetime) -> Fields:
    """Return the fields that pause a job; one that is paused stays as it is."""
    pausing = {
        "at": now,
        "note": {"$literal": note},
        "by": PausedBy.USER.value,
        "nextRunAt": "$nextRunAt",
    }
    return {
        "updatedAt": now,
        "pause": {"$cond": [_IS_PAUSED, "$pause", pausing]},
        "nextRunAt": None,
    }


def resume(now: datetime) -> Fields:
    """Return the fields that let a paused job go on.

    The scheduler finds the occurrence that was next when the pause began, and records what has
    fallen into the pause.
    """
    return {
        "updatedAt": now,
        "nextRunAt": _PLANNED,
        "pause": None,
        "resumedAt": {"$cond": [_IS_PAUSED, now, {"$ifNull": ["$resumedAt", None]}]},
        "schedule.pausedUntil": {
            "$cond": [_IS_PAUSED, now, {"$ifNull": ["$schedule.pausedUntil", None]}]
        },
    }


def _retime(changes: JobChanges, job: Job, now: datetime) -> Fields:
    end_at = changes.end_at if "end_at" in changes.model_fields_set else job.end_at
    max_runs = changes.max_runs if "max_runs" in changes.model_fields_set else job.max_runs
    created = _created_until(job, now)
    fields: dict[str, Any] = {"endAt": end_at, "maxRuns": max_runs}
    if changes.interval_minutes is not None:
        interval_ms = interval_millis(changes.interval_minutes)
        following = now + timedelta(milliseconds=interval_ms)
        planned: Any = {"$min": [_PLANNED, following]}
        fields["schedule.anchorAt"] = planned
        if job.jitter_seconds is not None:
            fields["schedule.anchorAt"] = following
            planned = _due_or(_first_ahead(job, now, interval_ms, following, None, None), now)
        fields |= {"intervalMinutes": changes.interval_minutes, "schedule.intervalMs": interval_ms}
        fields |= {"cron": None, "timezone": None}
    elif changes.cron is not None or changes.timezone is not None:
        cron, timezone = changes.cron or job.cron, changes.timezone or job.timezone
        ahead = _first_ahead(job, created, None, job.schedule.anchor_at, cron, timezone)
        planned = _due_or(ahead, now)
        fields |= {"intervalMinutes": None, "schedule.intervalMs": None}
        fields |= {"cron": cron, "timezone": timezone}
    else:
        timetable = job_timetable(job, is_bounded=False)
        ahead = first_occurrence(timetable, max(job.schedule.anchor_at, created))
        planned = _due_or(ahead, now)
    return {**fields, **_plan(_within(planned, end_at, max_runs))}


def _created_until(job: Job, now: datetime) -> datetime:
    """Return until when occurrences have their runs: the latest may be created ahead of time."""
    current = job.schedule.current
    try:
        return now if current is None else max(now, due_time(current.run_id) + TICK)
    except ValueError:  # no run of this job: a hand in the database
        return now


def _first_ahead(
    job: Job,
    now: datetime,
    interval_ms: int | None,
    anchor_at: datetime,
    cron: str | None,
    timezone: str | None,
) -> datetime | None:
    """Return the first occurrence of a new timetable whose moment before the jitter is ahead."""
    timing: dict[str, Any] = {"interval_ms": interval_ms, "anchor_at": anchor_at, "cron": cron}
    nominal = create_timetable(job_id=str(job.id), timezone=timezone, **timing)
    begin = first_occurrence(nominal, max(anchor_at, now + TICK))
    if begin is None:
        return None
    jitter_ms = round(1000 * (job.jitter_seconds or 0))
    jittered = create_timetable(
        job_id=str(job.id), timezone=timezone, jitter_ms=jitter_ms, **timing
    )
    return first_occurrence(jittered, begin)


def _due_or(following: datetime | None, now: datetime) -> dict[str, Any]:
    is_due = {"$and": [{"$gt": [_PLANNED, None]}, {"$lte": [_PLANNED, now]}]}
    return {"$cond": [is_due, _PLANNED, following]}


def _within(planned: Any, end_at: datetime | None, max_runs: int | None) -> Any:
    over = []
    if end_at is not None:
        over.append({"$gt": [planned, end_at]})
    if max_runs is not None:
        over.append({"$gte": [{"$ifNull": ["$schedule.runs", 0]}, max_runs]})
    return {"$cond": [{"$or": over}, None, planned]} if over else planned


def _plan(next_run_at: Any) -> dict[str, Any]:
    paused = {"$mergeObjects": ["$pause", {"nextRunAt": next_run_at}]}
    return {
        "nextRunAt": {"$cond": [_IS_PAUSED, None, next_run_at]},
        "pause": {"$cond": [_IS_PAUSED, paused, None]},
    }


def _refuse(changes: JobChanges, names: Mapping[str, str], kind: str) -> None:
    errors = [
        does_not_belong(shown, kind)
        for name, shown in names.items()
        if getattr(changes, name) is not None
    ]
    if errors:
        raise invalid_request(*errors)


def _refused(field: str, reason: str) -> ProblemError:
    return invalid_request(FieldError(detail=reason, pointer=f"#/{field}"))
