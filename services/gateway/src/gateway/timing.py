"""Decides when a job runs: pure rules about intervals, times and their changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from common.states import JobType
from gateway.problems import FieldError, invalid_request
from gateway.requests import JobChanges, JobRequest, interval_millis

_RELEASE: Final = {"schedule.claimToken": "$$REMOVE", "schedule.claimUntil": "$$REMOVE"}
"""Takes the job from a scheduler that is just planning it by its former timing: it plans anew."""


@dataclass(frozen=True)
class Timing:
    """When a new job runs.

    Attributes:
        type: Recurring or scheduled.
        interval_minutes: As the user wrote it; None for a scheduled job.
        interval_ms: The same in milliseconds.
        scheduled_at: Time of a scheduled job; None for a recurring one.
        first_run_at: Due time of the first run, and origin of a recurring job's grid.
    """

    type: JobType
    interval_minutes: float | None
    interval_ms: int | None
    scheduled_at: datetime | None
    first_run_at: datetime


def decide_timing(request: JobRequest, suggested_minutes: int, now: datetime) -> Timing:
    """Return when the requested job runs.

    Args:
        request: What the user sent.
        suggested_minutes: The action's default interval, named where the interval is missing.
        now: Time of creation; a recurring job's first run is due then.

    Raises:
        ProblemError: The interval or the time is missing, or is there and does not belong.
    """
    errors: list[FieldError] = []
    if request.type == "scheduled":
        if request.interval_minutes is not None:
            errors.append(_does_not_belong("intervalMinutes", "scheduled"))
        if request.scheduled_at is not None and not errors:
            at = request.scheduled_at
            return Timing(JobType.SCHEDULED, None, None, at, at)
        if request.scheduled_at is None:
            errors.append(_missing("scheduledAt", "a scheduled job needs the time to run at"))
    else:
        if request.scheduled_at is not None:
            errors.append(_does_not_belong("scheduledAt", "recurring"))
        if request.interval_minutes is not None and not errors:
            minutes = request.interval_minutes
            return Timing(JobType.RECURRING, minutes, interval_millis(minutes), None, now)
        if request.interval_minutes is None:
            reason = f"a recurring job needs its interval; {suggested_minutes} suits this action"
            errors.append(_missing("intervalMinutes", reason))
    raise invalid_request(*errors)


def decide_new_timing(changes: JobChanges, job_type: JobType, now: datetime) -> Mapping[str, Any]:
    """Return the fields of `jobs` that a new interval or time sets, as aggregation expressions.

    A new interval starts a new grid: its origin is the next run, one interval from now but never
    later than planned, so that a run already due stays due.

    Args:
        changes: What the user sent.
        job_type: Type of the job, which cannot change.
        now: Time of the change.

    Raises:
        ProblemError: An interval for a scheduled job, or a time for a recurring one.
    """
    if changes.interval_minutes is not None:
        if job_type is JobType.SCHEDULED:
            raise invalid_request(_does_not_belong("intervalMinutes", "scheduled"))
        interval_ms = interval_millis(changes.interval_minutes)
        next_run_at = {"$min": ["$nextRunAt", now + timedelta(milliseconds=interval_ms)]}
        return {
            "intervalMinutes": changes.interval_minutes,
            "schedule.intervalMs": interval_ms,
            "nextRunAt": next_run_at,
            "schedule.anchorAt": next_run_at,
            **_RELEASE,
        }
    if changes.scheduled_at is not None:
        if job_type is JobType.RECURRING:
            raise invalid_request(_does_not_belong("scheduledAt", "recurring"))
        at = changes.scheduled_at
        return {"scheduledAt": at, "nextRunAt": at, "schedule.anchorAt": at, **_RELEASE}
    return {}


def _missing(field: str, reason: str) -> FieldError:
    return FieldError(detail=f"required, but missing: {reason}", pointer=f"#/{field}")


def _does_not_belong(field: str, kind: str) -> FieldError:
    return FieldError(detail=f"a {kind} job has no {field}: leave it out", pointer=f"#/{field}")
