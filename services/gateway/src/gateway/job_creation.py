"""Makes the document of a new job."""

from datetime import datetime
from typing import Any

from beanie import PydanticObjectId

from common.actions import ACTIONS
from common.documents import Job, RetryBackoff, Schedule
from common.states import OverlapPolicy
from common.telemetry import current_traceparent
from gateway.requests import JobRequest
from gateway.timing import Timing

_AS_WRITTEN = (
    *("interval_minutes", "cron", "timezone", "scheduled_at", "start_at", "end_at", "max_runs"),
    *("jitter_seconds", "spread", "catch_up_window_minutes", "pause_after_failures"),
    "max_attempts",
)


def create_document(
    wanted: JobRequest,
    timing: Timing,
    payload: dict[str, Any],
    job_id: PydanticObjectId,
    now: datetime,
) -> Job:
    """Return the job that was asked for, ready to insert.

    Args:
        wanted: What the user sent.
        timing: What that means for its first run.
        payload: The payload as its action's contract reads it.
        job_id: Id of the job.
        now: Time of the request.
    """
    backoff = wanted.backoff
    return Job(
        **{name: getattr(wanted, name) for name in _AS_WRITTEN},
        id=job_id,
        action=wanted.action,
        payload=payload,
        type=timing.type,
        overlap=OverlapPolicy(wanted.overlap),
        backoff=None if backoff is None else RetryBackoff(**backoff.model_dump()),
        timeout_seconds=wanted.timeout_seconds or ACTIONS[wanted.action].timeout_seconds,
        next_run_at=timing.first_run_at,
        created_at=now,
        updated_at=now,
        traceparent=current_traceparent(),
        schedule=Schedule(interval_ms=timing.interval_ms, anchor_at=timing.anchor_at),
    )
