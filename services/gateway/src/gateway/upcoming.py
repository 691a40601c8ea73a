"""When a job will run next: the same timetable by which the scheduler decides."""

from datetime import datetime

from common.documents import Job
from common.timetable import Timetable, create_timetable


def job_timetable(job: Job, *, is_bounded: bool = True) -> Timetable | None:
    """Return when `job` occurs, up to its end if `is_bounded`; None when it runs once."""
    return create_timetable(
        job_id=str(job.id),
        interval_ms=job.schedule.interval_ms,
        anchor_at=job.schedule.anchor_at,
        cron=job.cron,
        timezone=job.timezone,
        jitter_ms=round(1000 * (job.jitter_seconds or 0)),
        end_at=job.end_at if is_bounded else None,
    )


def upcoming_runs(job: Job, number: int) -> list[datetime]:
    """Return the due times of the next runs, at most `number`; none while the job is paused."""
    if job.max_runs is not None:
        number = min(number, job.max_runs - job.schedule.runs)
    timetable = job_timetable(job)
    moments: list[datetime] = []
    moment = job.next_run_at
    while moment is not None and len(moments) < number:
        moments.append(moment)
        moment = timetable.next_after(moment) if timetable is not None else None
    return moments
