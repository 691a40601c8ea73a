"""One pass of the scheduler: claim what is due, create its runs, hand them to the emitter."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pymongo
from opentelemetry.trace import Span
from prometheus_client import Counter
from pymongo.asynchronous.database import AsyncDatabase

from common.events import JobDue, run_id
from common.models import now_utc
from common.states import RunState
from scheduler.claims import Claimed, ClaimStore, Decision, JobDocument, RunDocument, due_job
from scheduler.emitter import Emitter
from scheduler.firing import create_run, create_skipped, due_event
from scheduler.planning import decide, is_occurrence, resume
from scheduler.run_store import RunStore
from scheduler.settings import SchedulerSettings

logger = logging.getLogger(__name__)

PLANNED_AT_A_TIME = 10
"""Jobs planned without a pause: about a millisecond."""

SKIPPED = Counter("jobs_skipped_occurrences_total", "Occurrences that did not run", ["reason"])


@dataclass
class _Pass:
    """What one look at the claimed jobs leads to."""

    decisions: list[Decision] = field(default_factory=list)
    skipped: list[RunDocument] = field(default_factory=list)
    fired: list[RunDocument] = field(default_factory=list)
    emissions: list[tuple[JobDue, Span]] = field(default_factory=list)
    broken: list[tuple[JobDocument, Exception]] = field(default_factory=list)


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
        self._store = RunStore(database)
        self._runs = database["runs"]
        self._emitter = emitter
        self._claim_seconds = settings.claim_seconds
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
        token = uuid.uuid4().hex
        # Runs are not filtered by the claim as jobs are: one that was frozen past the end of its
        # claim must insert none. By the monotonic clock, which nobody sets, nothing is sent late.
        with pymongo.timeout(self._claim_seconds):
            now = self._clock()
            horizon = now + self._look_ahead
            claimed = await self._claims.claim_due(token, now, horizon, self._batch_size)
            if not claimed.jobs:
                return False
            outcome = await self._plan(claimed, now)
            await self._store.insert(outcome.skipped, outcome.fired)
        for job, error in outcome.broken:
            logger.error("job set aside", extra={"job_id": str(job["_id"])}, exc_info=error)
            await self._claims.set_aside(job, token, error, now)
        shown = set(await self._claims.advance(outcome.decisions, token, now))
        for event, span in outcome.emissions:
            if event.run_id in shown:
                self._emitter.add(event, at=event.due_at, number=1, span=span)
            else:
                span.end()
        for run in outcome.skipped:
            SKIPPED.labels(run["skipReason"]).inc(run["occurrences"])
        return len(claimed.jobs) >= self._batch_size

    async def _plan(self, claimed: Claimed, now: datetime) -> _Pass:
        inherited = [job for job in claimed.jobs if job["_id"] in claimed.inherited]
        begun = await self._store.find_begun(job for job in inherited if job.get("nextRunAt"))
        outcome = _Pass()
        for number, job in enumerate(claimed.jobs):
            if number % PLANNED_AT_A_TIME == 0:
                await asyncio.sleep(0)  # what is due at this moment is emitted in between
            try:
                self._plan_one(job, begun.get(job["_id"], []), now, outcome)
            except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
                outcome.broken.append((job, error))
        return outcome

    def _plan_one(
        self, job: JobDocument, begun: list[RunDocument], now: datetime, outcome: _Pass
    ) -> None:
        due = due_job(job)
        done = [run for run in begun if is_occurrence(due, run["dueAt"])]
        if done:
            started = [run["_id"] for run in done if run["state"] != RunState.SKIPPED.value]
            until = max(run.get("skippedUntil") or run["dueAt"] for run in done)
            latest = started[-1] if started else None
            outcome.decisions.append(Decision(job, resume(due, until, len(started)), latest))
            return
        plan = decide(due, now, now + self._look_ahead)
        skipped = [create_skipped(job, skip, now) for skip in plan.skips]
        identity = None
        if plan.fire_at is not None:
            identity = run_id(str(job["_id"]), plan.fire_at)
            run, span = create_run(job, plan.fire_at, now)
            outcome.emissions.append((due_event(run), span))
            outcome.fired.append(run)
        outcome.skipped += skipped
        outcome.decisions.append(Decision(job, plan, identity))

    async def _dispatch_retries(self) -> bool:
        """Queue the next attempts of failed runs whose backoff ends soon."""
        due = {
            "state": RunState.RETRYING.value,
            "emitAt": {"$lte": self._clock() + self._look_ahead},
        }
        runs = await self._runs.find(due).sort("emitAt", 1).to_list(self._batch_size)
        if runs:
            await self._runs.update_many(
                # the next attempt of one that others have moved on meanwhile is not due yet
                {"_id": {"$in": [run["_id"] for run in runs]}, **due},
                {"$set": {"state": RunState.QUEUED.value}},
            )
        for run in runs:
            self._emitter.add(due_event(run), at=run["emitAt"], number=run["emissions"])
        return len(runs) >= self._batch_size
