"""Runs that a hand in the database has damaged: they fail instead of stopping everybody's work."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from common.events import JobDue
from common.states import RunState
from scheduler.due_jobs import DAMAGE, RunDocument
from scheduler.firing import due_event

logger = logging.getLogger(__name__)


async def create_events(
    collection: AsyncCollection[dict[str, Any]], runs: Iterable[RunDocument], now: datetime
) -> list[tuple[RunDocument, JobDue]]:
    """Return the runs with the events that ask for them; let those fail that have none."""
    events = []
    for run in runs:
        try:
            int(run["emissions"])  # read by whoever emits the event
            events.append((run, due_event(run)))
        except DAMAGE as error:
            logger.error("run set aside", extra={"run_id": str(run["_id"])}, exc_info=error)
            await _fail(collection, run, error, now)
    return events


async def _fail(
    collection: AsyncCollection[dict[str, Any]],
    run: RunDocument,
    error: Exception,
    now: datetime,
) -> None:
    attempt = run.get("attempt") if isinstance(run.get("attempt"), int) else 1
    message = f"this run cannot be carried out ({type(error).__name__}: {error})"
    reason = {"type": "InvalidRun", "message": message, "attempt": attempt, "at": now}
    ended = {"state": RunState.FAILED.value, "finishedAt": now, "attempt": attempt}
    await collection.update_one(
        {"_id": run["_id"], "state": run["state"]}, {"$set": {**ended, "errors": [reason]}}
    )
