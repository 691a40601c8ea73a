"""Jobs and what becomes of them: inserted as the gateway does, read as they are stored."""

import asyncio
import inspect
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from common.models import now_utc
from common.states import JobStatus, JobType
from common.streams import DATA_FIELD, due_stream, workers_group
from tests.integration.toy_worker import EXECUTIONS, TOY

ACTION = TOY.name
STREAM = due_stream(ACTION)
WORKERS = workers_group(ACTION)

Document = dict[str, Any]
Database = AsyncDatabase[Document]
T = TypeVar("T")


class Clock:
    """The present, or what a wrong clock shows."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return now_utc() + self._ahead

    def jump(self, **by: float) -> None:
        """Move the clock; arguments as of timedelta, negative ones set it back."""
        self._ahead += timedelta(**by)


async def eventually(
    probe: Callable[[], Awaitable[T]], *, within: float = 30.0, every: float = 0.02
) -> T:
    """Return what `probe` finds as soon as that is true; fail when it never is.

    `within` is no expectation of speed: a machine that is busy takes longer.
    """
    deadline = time.monotonic() + within
    while True:
        found = await probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {within:.0f} s: {_source(probe)}")
        await asyncio.sleep(every)


def _source(probe: Callable[[], Awaitable[Any]]) -> str:
    return str(probe) if isinstance(probe, partial) else inspect.getsource(probe)


async def create_job(database: Database, **definition: Any) -> ObjectId:
    """Insert a job as the gateway does and return its id.

    Args:
        database: Where.
        definition: `every` (timedelta) makes it recurring, else it runs once, at `at` or now.
            `payload` and any field of the document, by its stored name, may be given too.
    """
    now = now_utc()
    every: timedelta | None = definition.pop("every", None)
    at: datetime = definition.pop("at", now)
    document = {
        "_id": ObjectId(),
        "action": ACTION,
        "payload": {},
        "type": (JobType.RECURRING if every else JobType.SCHEDULED).value,
        "intervalMinutes": every.total_seconds() / 60 if every else None,
        "scheduledAt": None if every else at,
        "maxAttempts": 3,
        "timeoutSeconds": 60,
        "status": JobStatus.PENDING.value,
        "nextRunAt": at,
        "lastRunAt": None,
        "lastError": None,
        "createdAt": now,
        "updatedAt": now,
        "traceparent": None,
        "schedule": {
            "intervalMs": round(every.total_seconds() * 1000) if every else None,
            "anchorAt": at,
            "triggerAt": None,
            "current": None,
        },
        **definition,
    }
    await database["jobs"].insert_one(document)
    job_id: ObjectId = document["_id"]
    return job_id


async def find_job(database: Database, job_id: ObjectId) -> Document:
    """Return a job that exists."""
    job = await database["jobs"].find_one({"_id": job_id})
    assert job is not None
    return job


async def find_runs(database: Database, **criteria: Any) -> list[Document]:
    """Return runs by due time."""
    return await database["runs"].find(criteria).sort("dueAt", 1).to_list(None)


async def find_executions(database: Database, run_id: str) -> list[Document]:
    """Return how often and by whom the toy handler was entered for a run."""
    return await database[EXECUTIONS].find({"runId": run_id}).sort("at", 1).to_list(None)


async def read_events(redis: Redis, stream: str) -> list[Document]:
    """Return the bodies of all entries of a stream."""
    entries: Any = await redis.xrange(stream)
    return [json.loads(fields[DATA_FIELD.encode()]) for _, fields in entries]
