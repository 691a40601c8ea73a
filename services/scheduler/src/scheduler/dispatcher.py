"""One pass of the scheduler: claim what is due, create its runs, hand them to the emitter."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from opentelemetry.trace import Span
from prometheus_client import Counter
from pymongo.asynchronous.database import AsyncDatabase

from common.events import run_id
from common.models import now_utc
from common.states import RunState
from scheduler.claims import ClaimStore, Decision, RunDocument, due_job
from scheduler.emitter import Emitter
from scheduler.firing import create_run, create_skipped, due_event
from scheduler.planning import decide
from scheduler.settings import SchedulerSettings

SKIPPED = Counter("jobs_skipped_occurrences_total", "Occurrences that did not run", ["reason"])


class Dispatcher:
    """Creates runs a little ahead of time, so that lateness does not depend on how often we look.

    The order makes every crash harmless: runs are inserted before their jobs move on, and a run
    that was created but never emitted is found by the reconciler.
    """

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        emitter: Emitter,
        settings: SchedulerSettings,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        """Args as named; `clock` tells the present in UTC."""
        self._claims = ClaimStore(database, settings.claim_seconds)
        self._runs = database["runs"]
        self._emitter = emitter
        self._look_ahead = timedelta(seconds=settings.look_ahead_seconds)
        self._batch_size = settings.batch_size
        self._clock = clock

    async def dispatch(self) -> bool:
        """Do one pass; tell whether there is more to do at once."""
        if self._emitter.is_full:
            return False
        fired = await self._dispatch_due()
        retried = await self._dispatch_retries()
        return fired or retried

    async def _dispatch_due(self) -> bool:
        now = self._clock()
        horizon = now + self._look_ahead
        token = uuid.uuid4().hex
        jobs = await self._claims.claim_due(token, now, horizon, self._batch_size)
        if not jobs:
            return False
        decisions: list[Decision] = []
        documents: list[RunDocument] = []
        fired: list[tuple[RunDocument, Span]] = []
        for job in jobs:
            plan = decide(due_job(job), now, horizon)
            for skip in plan.skips:
                documents.append(create_skipped(job, skip, now))
                SKIPPED.labels(skip.reason.value).inc(skip.occurrences)
            identity = None
            if plan.fire_at is not None:
                identity = run_id(str(job["_id"]), plan.fire_at)
                fired.append(create_run(job, plan.fire_at, now))
            decisions.append(Decision(job, plan, identity))
        await self._claims.insert_runs([*documents, *(run for run, _ in fired)])
        await self._claims.advance(decisions, token, now)
        for run, span in fired:
            self._emitter.add(due_event(run), at=run["dueAt"], number=1, span=span)
        return len(jobs) >= self._batch_size

    async def _dispatch_retries(self) -> bool:
        """Queue the next attempts of failed runs whose backoff ends soon."""
        due = {
            "state": RunState.RETRYING.value,
            "emitAt": {"$lte": self._clock() + self._look_ahead},
        }
        runs = await self._runs.find(due).sort("emitAt", 1).to_list(self._batch_size)
        if runs:
            await self._runs.update_many(
                {"_id": {"$in": [run["_id"] for run in runs]}, "state": RunState.RETRYING.value},
                {"$set": {"state": RunState.QUEUED.value}},
            )
        for run in runs:
            self._emitter.add(due_event(run), at=run["emitAt"], number=run["emissions"])
        return len(runs) >= self._batch_size
