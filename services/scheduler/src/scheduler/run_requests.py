"""Does what users ask to be done with runs: cancel one, or try a failed one again."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from common.models import now_utc
from common.states import UNFINISHED, JobStatus, RequestKind, RunState
from common.streams import CANCELLED, lease_key
from scheduler.damaged_runs import create_events
from scheduler.due_jobs import RunDocument
from scheduler.emitter import Emitter
from scheduler.outcomes import cancelled_job

logger = logging.getLogger(__name__)

CANCELLED_SECONDS = 86_400
"""How long an entry that still waits in a stream is known to ask for nothing any more."""

_NOT_BEGUN = [RunState.QUEUED.value, RunState.RETRYING.value]
_UNFINISHED = [state.value for state in UNFINISHED]

RequestDocument = dict[str, Any]


class RunRequests:
    """Every step may be repeated, and by several replicas: a request is deleted when it is done."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        redis: Redis,
        emitter: Emitter,
        batch_size: int,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        """Args as named; `clock` tells the present in UTC."""
        self._requests = database["runRequests"]
        self._runs = database["runs"]
        self._jobs = database["jobs"]
        self._redis = redis
        self._emitter = emitter
        self._batch_size = batch_size
        self._clock = clock

    async def handle(self) -> bool:
        """Do one pass over all requests; there is never more to do at once."""
        for request in await self._requests.find({}).limit(self._batch_size).to_list():
            run = await self._runs.find_one({"_id": request.get("runId")})
            if await self._handle_one(request, run):
                await self._requests.delete_one({"_id": request["_id"]})
        return False

    async def _handle_one(self, request: RequestDocument, run: RunDocument | None) -> bool:
        """Take the next step; tell whether the request is done."""
        if run is None:
            return True
        if request.get("kind") == RequestKind.CANCEL.value:
            if run["state"] not in _UNFINISHED:
                return True
            await self._cancel(run, request)
            return False
        if request.get("kind") == RequestKind.REDRIVE.value:
            await self._redrive(run)
        return True

    async def _cancel(self, run: RunDocument, request: RequestDocument) -> None:
        """Take the attempt's lease away, so that no worker begins it or goes on with it.

        Its worker finds that out at the next heartbeat, stops and says so. Where none has begun,
        the run is cancelled here.
        """
        cancel = {"requestedAt": request["at"], "note": request.get("note")}
        of_attempt = {"_id": run["_id"], "attempt": run["attempt"]}
        await self._runs.update_one(
            {**of_attempt, "state": {"$in": _UNFINISHED}}, {"$set": {"cancel": cancel}}
        )
        key = lease_key(run["_id"], run["attempt"])
        owner = await self._redis.set(key, CANCELLED, ex=CANCELLED_SECONDS, get=True)
        if run["state"] not in _NOT_BEGUN or owner not in (None, CANCELLED.encode()):
            return
        now = self._clock()
        ended = {"state": RunState.CANCELLED.value, "finishedAt": now}
        changed = await self._runs.update_one(
            {**of_attempt, "state": {"$in": _NOT_BEGUN}}, {"$set": ended}
        )
        if changed.modified_count:
            logger.info("run cancelled", extra={"run_id": run["_id"]})
        # a crash before this is repaired by the audit
        await self._jobs.update_one(
            {
                "_id": run["jobId"],
                "schedule.current.runId": run["_id"],
                "schedule.current.state": {"$in": _UNFINISHED},
            },
            {"$set": cancelled_job(run["_id"], run["attempt"], now)},
        )

    async def _redrive(self, run: RunDocument) -> None:
        """Queue a failed run again, with as many attempts as it had at first."""
        first = run.get("firstAttempt", 1)
        attempt = run["attempt"] + 1
        changes = {
            "state": RunState.QUEUED.value,
            "attempt": attempt,
            "firstAttempt": attempt,
            "maxAttempts": attempt + run["maxAttempts"] - first,
            "emitAt": self._clock(),
            "emissions": 1,
            "finishedAt": None,
        }
        failed = {"_id": run["_id"], "attempt": run["attempt"], "state": RunState.FAILED.value}
        changed = await self._runs.update_one(failed, {"$set": changes})
        if not changed.modified_count:
            return
        logger.info("failed run queued again", extra={"run_id": run["_id"], "attempt": attempt})
        await self._show_queued(run["jobId"], run["_id"], attempt)
        again = {**run, **changes}
        for _, event in await create_events(self._runs, [again], self._clock()):
            self._emitter.add(event, at=again["emitAt"], number=1)

    async def _show_queued(self, job_id: ObjectId, run_id: str, attempt: int) -> None:
        current = {"runId": run_id, "attempt": attempt, "state": RunState.QUEUED.value}
        await self._jobs.update_one(
            {
                "_id": job_id,
                "schedule.current.runId": run_id,
                "schedule.current.state": RunState.FAILED.value,
            },
            {"$set": {"schedule.current": current, "status": JobStatus.PENDING.value}},
        )
