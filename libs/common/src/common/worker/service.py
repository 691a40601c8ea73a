"""A worker process: takes entries while it has room, carries them out side by side."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.consumer import Entry
from common.events import (
    JobDue,
    RunCancelled,
    RunCompleted,
    RunEnd,
    RunFailed,
    RunProgress,
    RunStarted,
)
from common.logging import log_fields
from common.models import now_utc
from common.process import wait_for
from common.streams import OUTCOMES_STREAM, to_entry
from common.telemetry import child_span
from common.worker.attempt import Progress, shutdown_failure
from common.worker.lease_scripts import Answer
from common.worker.leases import Leases

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
"""Between two reads of entries, unless there are enough: a read costs as much as two runs."""

LATENESS = Histogram(
    "jobs_start_lateness_seconds",
    "Start of a run's first attempt minus its due time",
    ["action"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800),
)
DURATION = Histogram(
    "jobs_attempt_duration_seconds",
    "Time from taking an attempt's lease to publishing its outcome",
    ["action", "outcome"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
RUNNING = Gauge("jobs_running_attempts", "Attempts being carried out by this process", ["action"])
WAITING = Gauge("jobs_waiting_attempts", "Attempts of this process without a slot yet", ["action"])
DUPLICATES = Counter("jobs_duplicate_events_total", "Due events that asked for nothing", ["action"])


class Runner(Protocol):
    """Carries out attempts; `AttemptRunner` is the one that reads chains."""

    async def carry_out(self, due: JobDue, progress: Progress) -> RunCompleted | RunFailed:
        """Return how the attempt ended; only cancellation gets out as an exception."""


class WorkerService:
    """Carries out due events, at most `concurrency` at a time.

    A batch is only read when all of it can start at once: an entry never waits inside a busy
    process while another replica is idle, and whatever is pending in the stream is being done.
    What finds all slots of the action taken, in all processes together, waits here; nothing more
    is read until it has begun.
    """

    def __init__(
        self,
        runner: Runner,
        leases: Leases,
        redis: Redis,
        stop: asyncio.Event,
        *,
        worker: str,
        concurrency: int,
    ) -> None:
        """Args as named; `stop` ends the waiting for room, `worker` is this process's name."""
        self._runner = runner
        self._leases = leases
        self._redis = redis
        self._worker = worker
        self._concurrency = concurrency
        self.batch_size = max(1, concurrency // 4)
        self._running: set[asyncio.Task[None]] = set()
        self._undecided: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._stop = stop

    async def take(self, entries: list[Entry[JobDue]]) -> None:
        """Start every entry, then wait until the next batch would have room."""
        for entry in entries:
            task = asyncio.create_task(self._carry_out(entry), name=entry.event.run_id)
            self._running.add(task)
            if self._leases.are_limited:
                self._undecided.add(task)
            task.add_done_callback(self._ended)
        self._update_room()
        if len(entries) < self.batch_size:
            await asyncio.sleep(GATHER_SECONDS)
        while not self._room.is_set() and not self._stop.is_set():
            await wait_for(self._room, 0.5)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._decided(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("attempt broke", exc_info=error, extra={"run_id": task.get_name()})

    def _decided(self, task: asyncio.Task[None]) -> None:
        """Note that an entry waits for no slot any more."""
        self._undecided.discard(task)
        self._update_room()

    def _update_room(self) -> None:
        if not self._undecided and self._concurrency - len(self._running) >= self.batch_size:
            self._room.set()
        else:
            self._room.clear()

    async def drain(self, grace_seconds: float) -> None:
        """Let running attempts end for `grace_seconds`, then give the others back to be retried."""
        if not self._running:
            return
        logger.info("waiting for running attempts", extra={"running": len(self._running)})
        _, late = await asyncio.wait(self._running, timeout=grace_seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=5)

    async def _carry_out(self, entry: Entry[JobDue]) -> None:
        due = entry.event
        with (
            log_fields(
                run_id=due.run_id, job_id=due.job_id, action=due.action, attempt=due.attempt
            ),
            child_span(
                f"process {due.action}",
                due.traceparent,
                SpanKind.CONSUMER,
                {
                    "job.id": due.job_id,
                    "job.run_id": due.run_id,
                    "job.action": due.action,
                    "job.attempt": due.attempt,
                    "messaging.system": "redis",
                    "messaging.message.id": entry.id,
                },
            ),
        ):
            await self._hold_and_run(due, entry.id)

    async def _hold_and_run(self, due: JobDue, entry_id: str) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # always inside a task, see `take`
        identity = due.identity()
        abandoned, cancelled = asyncio.Event(), asyncio.Event()

        def abandon(is_cancelled: bool) -> None:
            (cancelled if is_cancelled else abandoned).set()
            task.cancel()

        started = RunStarted(**identity, worker=self._worker, at=now_utc())
        answer = await self._leases.start(started, entry_id, abandon)
        if answer is Answer.WAITING:
            started, answer = await self._wait_for_slot(started, entry_id, abandon)
        self._decided(task)
        if answer is Answer.WAITING:
            logger.info("stopped while waiting for a slot: the run is left to another worker")
            return
        if answer is Answer.REFUSED:
            DUPLICATES.labels(due.action).inc()
            logger.info("duplicate event: the attempt is running or has ended, or is cancelled")
            await self._leases.acknowledge(entry_id)
            return
        lateness = (started.at - due.due_at).total_seconds()
        if due.attempt == 1:
            LATENESS.labels(due.action).observe(max(0.0, lateness))
        logger.info("run started", extra={"lateness_ms": round(lateness * 1000)})
        with RUNNING.labels(due.action).track_inprogress():
            try:
                outcome: RunEnd = await self._runner.carry_out(due, self._progress(due))
                await self._leases.finish(outcome, entry_id)
            except asyncio.CancelledError:
                if abandoned.is_set():
                    return
                if not cancelled.is_set():
                    await self._leases.finish(shutdown_failure(due), entry_id)
                    raise
                outcome = RunCancelled(
                    **identity, worker=self._worker, started_at=started.at, at=now_utc()
                )
                await self._leases.finish(outcome, entry_id)
            finally:
                # whatever went wrong: a lease that nobody works under must run out
                self._leases.forget(due.run_id, due.attempt)
        seconds = (outcome.at - started.at).total_seconds()
        DURATION.labels(due.action, outcome.kind).observe(seconds)
        logger.info("run %s", outcome.kind, extra={"duration_ms": round(seconds * 1000)})

    async def _wait_for_slot(
        self, started: RunStarted, entry_id: str, abandon: Callable[[bool], None]
    ) -> tuple[RunStarted, Answer]:
        """Ask again until there is a slot; give the place back when this process is to stop."""
        logger.info("waiting: as many runs of the action are carried out as may be")
        answer = Answer.WAITING
        with WAITING.labels(started.action).track_inprogress():
            while answer is Answer.WAITING and not self._stop.is_set():
                await self._leases.slot_may_be_free()
                started = started.model_copy(update={"at": now_utc()})
                answer = await self._leases.start(started, entry_id, abandon)
        if answer is Answer.WAITING:
            await self._leases.give_back(started, entry_id)
        return started, answer

    def _progress(self, due: JobDue) -> Callable[[str], Awaitable[None]]:
        async def report(step: str) -> None:
            logger.info("step", extra={"step": step})
            event = RunProgress(**due.identity(), step=step[:200], at=now_utc())
            try:
                await self._redis.xadd(OUTCOMES_STREAM, to_entry(event))
            except (RedisError, OSError) as error:
                # a nicety: its loss must not fail the attempt
                logger.debug("progress not published", extra={"error": type(error).__name__})

        return report
