"""One pass of the scheduler: decides about what is due, creates its runs, has them emitted."""

import logging
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pymongo
from bson import ObjectId
from opentelemetry.trace import Span
from prometheus_client import Counter
from pymongo.asynchronous.database import AsyncDatabase

from common.events import JobDue
from common.models import now_utc
from common.pauses import with_pauses
from scheduler.due_jobs import (
    DAMAGE,
    Decision,
    DueJobs,
    JobDocument,
    RunDocument,
    create_decision,
    due_job,
)
from scheduler.emitter import Emitter
from scheduler.firing import create_run, create_skipped, due_event
from scheduler.outbox import Outbox, announced, would_be_lost
from scheduler.planning import decide
from scheduler.retries import Retries
from scheduler.settings import SchedulerSettings

logger = logging.getLogger(__name__)

PLANNED_AT_A_TIME = 10
"""Jobs planned without a pause: about a millisecond."""

EMITTED_AT_A_TIME = 100
"""Runs handed to the emitter without a pause."""

MOST_BATCHES_LEFT_TO_OTHERS = 3

SKIPPED = Counter("jobs_skipped_occurrences_total", "Occurrences that did not run", ["reason"])


@dataclass(frozen=True)
class _Firing:
    """A decision, and what it creates if it holds.

    Attributes:
        decision: What becomes of the job.
        left_behind: What the decision before it has perhaps not created.
        skipped: Records of what does not run.
        run: What runs, None when nothing does.
        emission: Its event, and the open span of its dispatch.
    """

    decision: Decision
    left_behind: list[RunDocument]
    skipped: list[RunDocument]
    run: RunDocument | None = None
    emission: tuple[JobDue, Span] | None = None


@dataclass
class _Plans:
    """What one look at due jobs leads to."""

    firings: list[_Firing] = field(default_factory=list)
    broken: list[tuple[JobDocument, Exception]] = field(default_factory=list)


class Dispatcher:
    """Creates runs a little ahead of time, so that lateness does not depend on how often we look.

    The order makes every crash harmless: a job moves on and announces its runs in one write, then
    they are inserted, and then emitted. What is announced and missing is inserted by the audit, and
    a run that was never emitted is found by the reconciler.
    """

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        emitter: Emitter,
        settings: SchedulerSettings,
        actions: Iterable[str],
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        """Args as named; `actions` are all there are, `clock` tells the present in UTC."""
        self._jobs = DueJobs(database)
        self._outbox = Outbox(database)
        self._retries = Retries(
            database,
            emitter,
            actions,
            look_ahead_seconds=settings.look_ahead_seconds,
            batch_size=settings.batch_size,
            clock=clock,
        )
        self._emitter = emitter
        self._pass_seconds = settings.pass_seconds
        self._look_ahead = timedelta(seconds=settings.look_ahead_seconds)
        self._batch_size = settings.batch_size
        self._clock = clock
        self._is_contended = False
        self._in_doubt: list[ObjectId] = []

    async def dispatch(self) -> bool:
        """Do one pass; tell whether there is more to do at once."""
        if self._emitter.is_full:
            return False
        fired = await self._dispatch_due()
        retried = await self._retries.queue()
        return fired or retried

    async def _dispatch_due(self) -> bool:
        # By the monotonic clock, which nobody sets: one that was frozen creates and emits nothing
        # for jobs that may have been deleted or paused meanwhile.
        with pymongo.timeout(self._pass_seconds):
            now = self._clock()
            await self._complete_what_failed(now)
            offset = self._choose_offset()
            jobs = await self._jobs.find(now, now + self._look_ahead, self._batch_size, offset)
            plans = await self._plan(jobs, now)
            await self._outbox.insert([run for each in plans.firings for run in each.left_behind])
            moved, existing = await self._move(plans.firings)
        for job, error in plans.broken:
            logger.error("job set aside", extra={"job_id": str(job["_id"])}, exc_info=error)
            await self._jobs.set_aside(job, error, now)
        async for firing in with_pauses(moved, EMITTED_AT_A_TIME):
            self._emit(firing, existing)
            for run in firing.skipped:
                SKIPPED.labels(run["skipReason"]).inc(run["occurrences"])
        if len(plans.firings) - len(moved) > len(jobs) / 2:
            self._is_contended = True
        elif len(jobs) < self._batch_size:
            self._is_contended = False
        return len(jobs) >= self._batch_size or offset > 0

    def _choose_offset(self) -> int:
        """Return how many due jobs to leave to others, where another replica works on the same.

        Each time anew: none may be left alone for long when the other one is gone.
        """
        if not self._is_contended:
            return 0
        return self._batch_size * random.randint(0, MOST_BATCHES_LEFT_TO_OTHERS)  # noqa: S311

    async def _complete_what_failed(self, now: datetime) -> None:
        """Create what the pass before has perhaps announced and not created: it ended in an error.

        The audit would too, but takes long where many jobs are busy.
        """
        if self._in_doubt:
            await self._outbox.complete(self._in_doubt, now)
            self._in_doubt = []

    def _emit(self, firing: _Firing, existing: Collection[str]) -> None:
        if firing.emission is None:
            return
        event, span = firing.emission
        if event.run_id in existing:
            span.end()  # if it is queued and was not emitted, the reconciler does that
        else:
            self._emitter.add(event, at=event.due_at, number=1, span=span)

    async def _plan(self, jobs: list[JobDocument], now: datetime) -> _Plans:
        plans = _Plans()
        async for job in with_pauses(jobs, PLANNED_AT_A_TIME):
            try:
                firing = self._plan_one(job, now)
            except DAMAGE as error:
                plans.broken.append((job, error))
            else:
                plans.firings.append(firing)
        return plans

    def _plan_one(self, job: JobDocument, now: datetime) -> _Firing:
        plan = decide(due_job(job), now, now + self._look_ahead)
        left_behind = announced(job, now) if would_be_lost(job) else []
        skipped = [create_skipped(job, skip, now) for skip in plan.skips]
        if plan.fire_at is None:
            return _Firing(create_decision(job, plan, None, now), left_behind, skipped)
        run, span = create_run(job, plan.fire_at, now)
        decision = create_decision(job, plan, run["_id"], now)
        return _Firing(decision, left_behind, skipped, run, (due_event(run), span))

    async def _move(self, firings: list[_Firing]) -> tuple[list[_Firing], Collection[str]]:
        """Move jobs on and insert their runs.

        Returns:
            The firings whose decision holds, and ids of runs that others have inserted.
        """
        pass_id = ObjectId()
        self._in_doubt = [each.decision.job_id for each in firings]
        ids = set(await self._jobs.advance([each.decision for each in firings], pass_id))
        for each in firings:
            if each.emission is not None and each.decision.job_id not in ids:
                each.emission[1].end()
        moved = [each for each in firings if each.decision.job_id in ids]
        skipped = [run for each in moved for run in each.skipped]
        runs = [each.run for each in moved if each.run is not None]
        existing = await self._outbox.insert(skipped + runs)
        if skipped:
            await self._outbox.forget_skipped(pass_id, {run["jobId"] for run in skipped})
        self._in_doubt = []
        return moved, existing
