"""Repairs what a crash, a lost Redis or a hand in the database left behind.

MongoDB is the truth: a run that is queued and that no worker holds, although its stream has been
read past it, is emitted again; a running one whose lease is gone has lost its worker.
"""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Counter
from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from common.events import Failure, RunCancelled, RunFailed
from common.models import now_utc
from common.states import UNFINISHED, JobStatus, RunState
from common.streams import (
    CANCELLED,
    FINISHED_SECONDS,
    OUTCOMES_STREAM,
    SCHEDULER_GROUP,
    due_stream,
    ensure_group,
    lease_key,
    to_entry,
    workers_group,
)
from scheduler.damaged_runs import create_events
from scheduler.due_jobs import RunDocument
from scheduler.emitter import Emitter
from scheduler.outcomes import LEASE_LOST
from scheduler.stream_positions import fetch_position

logger = logging.getLogger(__name__)

RECOVERED = Counter("jobs_recovered_runs_total", "Runs found lost and repaired", ["kind"])

_ATTEMPT_FIELDS = dict.fromkeys(
    ("jobId", "action", "attempt", "worker", "startedAt", "traceparent", "cancel"), True
)

ENDED_STATES = [state.value for state in RunState if state not in UNFINISHED]


class Reconciler:
    """One pass looks at everything that may have been left behind."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        redis: Redis,
        emitter: Emitter,
        *,
        actions: Iterable[str],
        lost_after_seconds: float,
        batch_size: int,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        """Args as named; `clock` tells the present in UTC."""
        self._jobs = database["jobs"]
        self._runs = database["runs"]
        self._redis = redis
        self._emitter = emitter
        self._actions = list(actions)
        self._lost_after = timedelta(seconds=lost_after_seconds)
        self._batch_size = batch_size
        self._clock = clock
        self._leaseless: dict[tuple[str, int], float] = {}

    async def reconcile(self) -> bool:
        """Do one pass; tell whether there is more to do at once."""
        await self.trigger_edited_jobs()
        more = False
        if not await self._outcomes_are_behind():
            for action in self._actions:
                more = await self.emit_lost_runs(action) or more
        await self.end_abandoned_attempts()
        return more

    async def trigger_edited_jobs(self) -> None:
        """Ask for a run of each job whose status somebody set back to `pending`."""
        await self._jobs.update_many(
            {
                "status": JobStatus.PENDING.value,
                "schedule.current.state": {"$in": ENDED_STATES},
                "schedule.triggerAt": None,
            },
            {"$set": {"schedule.triggerAt": self._clock()}},
        )

    async def _outcomes_are_behind(self) -> bool:
        """Tell whether outcomes may not be recorded yet whose attempts' leases have run out.

        Then nobody can tell a lost run from one that was carried out.
        """
        position = await fetch_position(self._redis, OUTCOMES_STREAM, SCHEDULER_GROUP)
        if position is None or not (position.waiting or position.pending):
            return False
        milliseconds, _, _ = position.oldest_needed.partition("-")
        seconds, _ = await self._redis.time()
        return seconds - int(milliseconds) / 1000 > FINISHED_SECONDS / 2

    async def emit_lost_runs(self, action: str) -> bool:
        """Emit queued runs again whose entry is not in the stream any more, or died with a worker.

        An entry that still waits in the stream is not lost, however long the backlog; nor is one
        that waits in this process until Redis takes it.
        """
        if self._emitter.is_blocked or self._emitter.is_full:
            return False
        now = self._clock()
        before = now - self._lost_after
        stream, group = due_stream(action), workers_group(action)
        position = await fetch_position(self._redis, stream, group)
        if position is None:
            # no worker has ever been there, or Redis was flushed: only a group tells, from the next
            # pass on, whether an entry waits, and without one the stream would grow at every pass
            await ensure_group(self._redis, stream, group)
            return False
        if position.waiting:
            if position.delivered_until is None:
                return False
            before = min(before, position.delivered_until - self._lost_after)
        overdue = {"state": RunState.QUEUED.value, "emitAt": {"$lt": before}, "action": action}
        # under load many are being carried out, so what most are not needed for is read later
        candidates = self._runs.find(overdue, {"attempt": True}).sort("emitAt", 1)
        found = await candidates.limit(self._batch_size).to_list()
        held = await self._held(found)
        ids = [run["_id"] for run, is_held in zip(found, held, strict=True) if not is_held]
        # another replica may have found them too, and been faster
        lost = await self._runs.find({**overdue, "_id": {"$in": ids}}).to_list(None) if ids else []
        events = await create_events(self._runs, lost, now)
        if not events:
            return False
        await self._runs.bulk_write(
            [
                UpdateOne(
                    {
                        "_id": run["_id"],
                        "state": RunState.QUEUED.value,
                        "attempt": run["attempt"],
                        "emissions": run["emissions"],
                    },
                    {"$set": {"emissions": run["emissions"] + 1, "emitAt": now}},
                )
                for run, _ in events
            ],
            ordered=False,
        )
        for run, event in events:
            self._emitter.add(event, at=now, number=run["emissions"] + 1)
        RECOVERED.labels("queued").inc(len(events))
        logger.warning("queued runs emitted again", extra={"action": action, "runs": len(events)})
        return len(found) >= self._batch_size

    async def end_abandoned_attempts(self) -> None:
        """Fail the running attempts whose worker has not renewed its lease for long enough.

        That is said on the outcomes stream, after what the worker itself may have said there.
        """
        running = {"state": RunState.RUNNING.value}
        found = await self._runs.find(running, _ATTEMPT_FIELDS).to_list(None)
        now = time.monotonic()
        missing_since: dict[tuple[str, int], float] = {}
        lost: list[RunDocument] = []
        for run, held in zip(found, await self._held(found), strict=True):
            if held:
                continue
            attempt = (run["_id"], run["attempt"])
            missing_since[attempt] = self._leaseless.get(attempt, now)
            if now - missing_since[attempt] >= self._lost_after.total_seconds() / 2:
                lost.append(run)
                missing_since[attempt] = now
        self._leaseless = missing_since
        if not lost:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for run in lost:
                end = self._cancelled(run) if run.get("cancel") else self._lease_lost(run)
                pipe.xadd(OUTCOMES_STREAM, to_entry(end))
            await pipe.execute()
        RECOVERED.labels("running").inc(len(lost))
        logger.warning("leases are gone", extra={"runs": len(lost)})

    def _cancelled(self, run: RunDocument) -> RunCancelled:
        """Return what the worker would have said had it lived to be told."""
        return RunCancelled(
            run_id=run["_id"],
            job_id=str(run["jobId"]),
            action=run["action"],
            attempt=run["attempt"],
            traceparent=run.get("traceparent"),
            worker=run.get("worker"),
            started_at=run.get("startedAt"),
            at=self._clock(),
        )

    def _lease_lost(self, run: RunDocument) -> RunFailed:
        message = f"worker {run.get('worker')} stopped renewing its lease: it died or lost Redis"
        return RunFailed(
            run_id=run["_id"],
            job_id=str(run["jobId"]),
            action=run["action"],
            attempt=run["attempt"],
            traceparent=run.get("traceparent"),
            error=Failure(type=LEASE_LOST, message=message),
            retryable=True,
            started_at=run.get("startedAt"),
            at=self._clock(),
        )

    async def _held(self, runs: list[RunDocument]) -> list[bool]:
        """Tell for each run whether a worker holds, or has finished, its present attempt."""
        if not runs:
            return []
        async with self._redis.pipeline(transaction=False) as pipe:
            for run in runs:
                pipe.get(lease_key(run["_id"], run.get("attempt", 1)))
            owners = await pipe.execute()
        return [owner is not None and owner != CANCELLED.encode() for owner in owners]
