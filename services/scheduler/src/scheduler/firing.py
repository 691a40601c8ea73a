"""Turns decisions into run documents and due events, and begins their traces."""

from datetime import datetime, timedelta
from typing import Any

from opentelemetry.trace import Span, SpanKind

from common.documents import RetryBackoff
from common.events import JobDue, run_id
from common.states import RunState
from common.telemetry import start_span, traceparent_of
from scheduler.due_jobs import JobDocument, RunDocument
from scheduler.planning import Skip

SAME_TRACE_FOR = timedelta(minutes=5)
"""A first run due this soon after the request belongs to the request's trace; any other gets a
trace of its own, linked to it, or a trace would live as long as its job."""


def create_run(job: JobDocument, due_at: datetime, now: datetime) -> tuple[RunDocument, Span]:
    """Return the run of `job` due at `due_at`, ready to insert, and the span of its dispatch.

    The span is open; whoever emits the run's event ends it.
    """
    identity = run_id(str(job["_id"]), due_at)
    span = _start_dispatch(job, identity, due_at)
    document = _run_document(job, identity, due_at, now)
    document.update(state=RunState.QUEUED.value, emitAt=due_at, traceparent=traceparent_of(span))
    return document, span


def create_skipped(job: JobDocument, skip: Skip, now: datetime) -> RunDocument:
    """Return the record of occurrences that do not run."""
    document = _run_document(job, run_id(str(job["_id"]), skip.first), skip.first, now)
    document.update(
        state=RunState.SKIPPED.value,
        emitAt=skip.first,
        finishedAt=now,
        skipReason=skip.reason.value,
        skippedUntil=skip.last,
        occurrences=skip.occurrences,
    )
    return document


def due_event(run: RunDocument) -> JobDue:
    """Return the event that asks for the run's present attempt."""
    return JobDue(
        run_id=run["_id"],
        job_id=str(run["jobId"]),
        action=run["action"],
        attempt=run["attempt"],
        traceparent=run.get("traceparent"),
        payload=run["payload"],
        chain_id=run.get("chainId"),
        due_at=run["dueAt"],
        timeout_seconds=run["timeoutSeconds"],
    )


def _run_document(
    job: JobDocument, identity: str, due_at: datetime, now: datetime
) -> dict[str, Any]:
    return {
        "_id": identity,
        "jobId": job["_id"],
        "action": job["action"],
        "payload": job["payload"],
        "chainId": job["payload"].get("chainId"),
        "dueAt": due_at,
        "attempt": 1,
        "maxAttempts": job["maxAttempts"],
        "backoff": _backoff(job),
        "timeoutSeconds": job["timeoutSeconds"],
        "emissions": 1,
        "createdAt": now,
        "errors": [],
    }


def _backoff(job: JobDocument) -> dict[str, Any] | None:
    own = job.get("backoff")
    return own and RetryBackoff.model_validate(own).model_dump(by_alias=True)


def _start_dispatch(job: JobDocument, identity: str, due_at: datetime) -> Span:
    is_first = job["schedule"].get("current") is None
    return start_span(
        f"dispatch {job['action']}",
        job.get("traceparent"),
        linked=not is_first or due_at - job["createdAt"] > SAME_TRACE_FOR,
        kind=SpanKind.PRODUCER,
        attributes={
            "job.id": str(job["_id"]),
            "job.run_id": identity,
            "job.action": job["action"],
            "messaging.system": "redis",
        },
    )
