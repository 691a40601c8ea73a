"""Decides when a new job runs: pure rules about intervals, cron expressions and times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.states import JobType
from common.timetable import Timetable, create_timetable, phase
from gateway.problems import FieldError, invalid_request
from gateway.requests import JobRequest, interval_millis

TICK = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Timing:
    """When a new job runs.

    Attributes:
        type: Recurring or scheduled.
        interval_ms: Length of the interval in milliseconds; None for any other job.
        anchor_at: Origin of a recurring job's grid.
        first_run_at: Due time of the first run.
    """

    type: JobType
    interval_ms: int | None
    anchor_at: datetime
    first_run_at: datetime


def decide_timing(
    request: JobRequest, suggested_minutes: int, now: datetime, job_id: str
) -> Timing:
    """Return when the requested job runs.

    Args:
        request: What the user sent.
        suggested_minutes: The action's default interval, named where the interval is missing.
        now: Time of creation; a recurring job's first run is due then, unless it says otherwise.
        job_id: What jitter and spreading are derived from.

    Raises:
        ProblemError: A time is missing, or is there and does not belong, or nothing ever occurs.
    """
    is_scheduled = request.type == "scheduled"
    errors = list(_not_belonging_to(request, "scheduled" if is_scheduled else "recurring"))
    if is_scheduled:
        if request.scheduled_at is None:
            errors.append(missing("scheduledAt", "a scheduled job needs the time to run at"))
        elif not errors:
            return Timing(JobType.SCHEDULED, None, request.scheduled_at, request.scheduled_at)
        raise invalid_request(*errors)
    if request.interval_minutes is None and request.cron is None:
        reason = f"a recurring job needs its interval; {suggested_minutes} suits this action"
        errors.append(missing("intervalMinutes", reason))
    if errors:
        raise invalid_request(*errors)
    return _decide_recurring(request, now, job_id)


def _decide_recurring(request: JobRequest, now: datetime, job_id: str) -> Timing:
    anchor_at = request.start_at or now
    interval_ms = None
    if request.interval_minutes is not None:
        interval_ms = interval_millis(request.interval_minutes)
        if request.spread:
            anchor_at += timedelta(milliseconds=phase(job_id, interval_ms))
    timetable = create_timetable(
        job_id=job_id,
        interval_ms=interval_ms,
        anchor_at=anchor_at,
        cron=request.cron,
        timezone=request.timezone,
        jitter_ms=round(1000 * (request.jitter_seconds or 0)),
        end_at=request.end_at,
    )
    first_run_at = first_occurrence(timetable, max(anchor_at, now))
    if first_run_at is None:
        raise invalid_request(_never("endAt" if request.end_at else "cron"))
    return Timing(JobType.RECURRING, interval_ms, anchor_at, first_run_at)


def first_occurrence(timetable: Timetable | None, begin: datetime) -> datetime | None:
    """Return the first occurrence not before `begin`."""
    return timetable.next_after(begin - TICK) if timetable is not None else None


def _not_belonging_to(request: JobRequest, kind: str) -> Iterator[FieldError]:
    foreign: dict[str, object] = {"scheduledAt": request.scheduled_at}
    if kind == "scheduled":
        foreign = {
            "intervalMinutes": request.interval_minutes,
            "cron": request.cron,
            "startAt": request.start_at,
            "endAt": request.end_at,
            "maxRuns": request.max_runs,
            "jitterSeconds": request.jitter_seconds,
        }
    for field, value in foreign.items():
        if value is not None:
            yield does_not_belong(field, kind)
    if request.timezone is not None and request.cron is None:
        yield FieldError(detail="belongs to `cron`: leave it out", pointer="#/timezone")
    if request.spread and (request.cron is not None or kind == "scheduled"):
        yield FieldError(detail="belongs to `intervalMinutes`: leave it out", pointer="#/spread")
    if request.cron is not None and request.interval_minutes is not None:
        yield FieldError(detail="either this or `intervalMinutes`", pointer="#/cron")


def missing(field: str, reason: str) -> FieldError:
    """Return what is wrong with a request that lacks `field`."""
    return FieldError(detail=f"required, but missing: {reason}", pointer=f"#/{field}")


def does_not_belong(field: str, kind: str) -> FieldError:
    """Return what is wrong with a `field` that jobs of this kind do not have."""
    return FieldError(detail=f"a {kind} job has no {field}: leave it out", pointer=f"#/{field}")


def _never(field: str) -> FieldError:
    return FieldError(detail="leaves no moment at which the job would run", pointer=f"#/{field}")
