"""Outcomes as workers publish them, and what becomes of the runs they are about."""

from typing import Any

from common.events import Failure, RunCancelled, RunCompleted, RunFailed, RunStarted
from common.models import now_utc
from common.streams import DEAD_STREAM
from tests.integration.engine_data import (
    ACTION,
    Document,
    create_job,
    find_job,
    find_runs,
    read_events,
)
from tests.integration.engine_harness import SchedulerReplica


async def queue_run(scheduler: SchedulerReplica, **definition: Any) -> Document:
    """Create a job and its run, and return the run."""
    job_id = await create_job(scheduler.database, **definition)
    await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database, jobId=job_id)
    return run


def identity(run: Document) -> dict[str, Any]:
    """Return what every event of the run's present attempt names."""
    return {
        "run_id": run["_id"],
        "job_id": str(run["jobId"]),
        "action": ACTION,
        "attempt": run["attempt"],
    }


def started(run: Document) -> RunStarted:
    """Return the start of the run's present attempt."""
    return RunStarted(**identity(run), worker="w1", at=now_utc())


def completed(run: Document, **summary: Any) -> RunCompleted:
    """Return its good end."""
    return RunCompleted(
        **identity(run),
        result_id=run["_id"],
        alerts_count=1,
        summary=summary,
        started_at=now_utc(),
        at=now_utc(),
    )


def failed(run: Document, *, retryable: bool = True, message: str = "no luck") -> RunFailed:
    """Return its bad end."""
    return RunFailed(
        **identity(run),
        error=Failure(type="BadLuck", message=message, traceback="Traceback ..."),
        retryable=retryable,
        started_at=now_utc(),
        at=now_utc(),
    )


def cancelled(run: Document) -> RunCancelled:
    """Return its end at a user's wish."""
    return RunCancelled(**identity(run), worker="w1", started_at=now_utc(), at=now_utc())


async def both(scheduler: SchedulerReplica, run: Document) -> tuple[Document, Document]:
    """Return the run and its job as they are now."""
    (now,) = await find_runs(scheduler.database, _id=run["_id"])
    return now, await find_job(scheduler.database, run["jobId"])


async def letters(scheduler: SchedulerReplica) -> list[Document]:
    """Return all dead letters."""
    return await read_events(scheduler.redis, DEAD_STREAM)
