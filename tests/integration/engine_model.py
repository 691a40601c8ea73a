"""A small world around two schedulers: users, workers, clocks, and a Redis that is flushed.

Time stands still but for `advance`. Every step is one call, so that a test decides what happens
in which order, and where a scheduler crashes or freezes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from beanie import PydanticObjectId
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from common.actions.handler import Report
from common.consumer import Source
from common.events import Failure, JobDue, RunCancelled, RunCompleted, RunEnd, RunFailed, RunStarted
from common.models import from_millis, now_utc, to_millis
from common.results.envelope import BlockReference, ReadStats, ResultFrame, Window
from common.streams import DATA_FIELD, OUTCOMES_STREAM, ensure_group, lease_key
from common.worker.lease_scripts import Answer
from common.worker.leases import Leases
from common.worker.results import ResultStore
from gateway import job_store, run_store
from gateway.job_creation import create_document
from gateway.problems import ProblemError
from gateway.requests import JobChanges, JobRequest
from gateway.retiming import pause, resume
from gateway.timing import decide_timing
from gateway.updates import decide_update
from tests.integration.engine_data import ACTION, STREAM, WORKERS, Database, Document
from tests.integration.engine_faults import Crash, Fault, FaultyDatabase, FaultyRedis, Fuse
from tests.integration.engine_harness import Connections, SchedulerReplica, Servers
from tests.integration.toy_worker import TOY, ToyResult

Body = dict[str, Any]
LEASE_SECONDS = 3_600.0


class Present:
    """The moment that everybody with a right clock sees, in whole milliseconds."""

    def __init__(self) -> None:
        self.now = from_millis(to_millis(now_utc()))

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by

    def tick(self) -> datetime:
        """Return a moment that is nobody else's: users act one after the other."""
        self.advance(timedelta(milliseconds=1))
        return self.now


class Replica:
    """A scheduler whose steps are called one by one, with a fuse before its writes."""

    def __init__(self, world: "World", skew: timedelta) -> None:
        self._present = world.present
        self.skew = skew
        self.fuse = Fuse()
        self._step: asyncio.Task[None] | None = None
        connections = Connections(
            FaultyRedis(world.redis, self.fuse),
            world.mongo_client,
            cast("Database", FaultyDatabase(world.database, self.fuse)),
        )
        self.parts = SchedulerReplica(
            world.servers,
            clock=lambda: self._present.now + self.skew,
            connections=connections,
            claim_seconds=10.0,
            lost_after_seconds=0.001,
        )

    @property
    def is_frozen(self) -> bool:
        """It stands still in the middle of a step."""
        return self._step is not None

    async def do(self, step: Callable[[], Awaitable[Any]], fault: Fault | None) -> bool:
        """Do a step of this scheduler; False when it crashed on the way."""

        async def work() -> None:
            await step()

        self.fuse.arm(fault)
        return await self._run(asyncio.create_task(work()))

    async def go_on(self) -> bool:
        """Wake up and end the step; False when the replica crashed."""
        step, self._step = self._step, None
        assert step is not None
        self.fuse.thaw()
        return await self._run(step)

    async def _run(self, step: asyncio.Task[None]) -> bool:
        freezing = asyncio.create_task(self.fuse.frozen.wait())
        await asyncio.wait([step, freezing], return_when=asyncio.FIRST_COMPLETED)
        freezing.cancel()
        if not step.done():
            self._step = step
            return True
        self.fuse.arm(None)
        try:
            step.result()
        except Crash:
            return False
        return True

    async def die(self) -> None:
        """End it where it stands."""
        if self._step is not None:
            self._step.cancel()
            await asyncio.wait([self._step])
            self._step = None

    async def record_outcomes(self, count: int = 100) -> None:
        """Take outcomes from the stream and record them."""
        found = await _read(self.parts.redis, self.parts.source, count)
        if entries := await self.parts.consumer.read(found):
            await self.parts.intake.record(entries)


async def _read(redis: Redis, source: Source, count: int) -> list[Any]:
    """Return new entries of a group, as its consumers do."""
    try:
        found: Any = await redis.xreadgroup(
            source.group, source.consumer, {source.stream: ">"}, count=count
        )
    except ResponseError as error:
        if "NOGROUP" not in str(error):
            raise
        await ensure_group(redis, source.stream, source.group)
        return []
    streams = found.items() if isinstance(found, dict) else found or []
    return [entry for _, entries in streams for entry in entries]


@dataclass
class Attempt:
    """An attempt that a worker carries out."""

    due: JobDue
    entry_id: str
    started_at: datetime
    has_lease: bool = True
    wish: str | None = None
    """`cancelled` or `taken over`, once its heartbeat has found that out."""


@dataclass
class WorkerModel:
    """A worker on real streams, leases and results, whose analysis ends when the test says so."""

    world: "World"
    name: str
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        source = Source(STREAM, WORKERS, self.name)
        self._source = source
        self.leases = Leases(
            self.world.redis,
            source,
            lease_seconds=LEASE_SECONDS,
            heartbeat_seconds=LEASE_SECONDS,
        )

    async def take(self, count: int) -> None:
        """Take entries and begin what they ask for."""
        for entry_id, fields in await _read(self.world.redis, self._source, count):
            due = JobDue.model_validate_json(fields[DATA_FIELD.encode()])
            await self._begin(due, entry_id.decode())

    async def _begin(self, due: JobDue, entry_id: str) -> None:
        attempt = Attempt(due, entry_id, self.world.present.now)

        def abandon(is_cancelled: bool) -> None:
            attempt.wish = "cancelled" if is_cancelled else "taken over"

        started = RunStarted(**identity(due), worker=self.name, at=attempt.started_at)
        if await self.leases.start(started, entry_id, abandon) is Answer.TAKEN:
            rivals = [
                other
                for worker in self.world.workers
                for other in worker.attempts
                if other.has_lease and _key(other) == _key(attempt)
            ]
            assert not rivals, f"{_key(attempt)} is carried out twice at the same time"
            self.attempts.append(attempt)
        else:
            await self.leases.acknowledge(entry_id)

    async def beat(self) -> None:
        """Renew leases, and learn which attempts are to stop."""
        if self.attempts and self.leases._held:
            await self.leases._renew_once()
        for attempt in list(self.attempts):
            if attempt.wish == "cancelled":
                ended = RunCancelled(
                    **identity(attempt.due),
                    worker=self.name,
                    started_at=attempt.started_at,
                    at=self.world.present.now,
                )
                await self._finish(attempt, ended)
            elif attempt.wish == "taken over":
                self.attempts.remove(attempt)
            else:
                attempt.has_lease = lease_key(*_key(attempt)) in self.leases._held

    async def complete(self, attempt: Attempt, *, dies: bool = False) -> None:
        """Store the result, and say so unless the worker `dies` before that."""
        due = attempt.due
        recorded = await self.world.results.find_recorded(due.run_id)
        if recorded is None:
            window = Window(from_block=0, to_block=0)
            report = Report(ToyResult(window=window, worker=self.name), [], {"by": self.name})
            recorded = await self.world.results.record(due, report, self._frame())
        if dies:
            await self.lose(attempt)
            self.attempts.remove(attempt)
            return
        ended = RunCompleted(
            **identity(due),
            result_id=recorded.result_id,
            alerts_count=recorded.alerts_count,
            summary=recorded.summary,
            started_at=attempt.started_at,
            at=self.world.present.now,
        )
        await self._finish(attempt, ended)

    async def fail(self, attempt: Attempt, *, retryable: bool) -> None:
        """Say that the attempt failed."""
        ended = RunFailed(
            **identity(attempt.due),
            error=Failure(type="BadLuck", message="no luck"),
            retryable=retryable,
            started_at=attempt.started_at,
            at=self.world.present.now,
        )
        await self._finish(attempt, ended)

    async def lose(self, attempt: Attempt) -> None:
        """Have its lease run out, as that of a frozen or dead worker; it may wake up later."""
        if attempt.has_lease:
            attempt.has_lease = False
            await self.world.redis.delete(lease_key(attempt.due.run_id, attempt.due.attempt))
        self.leases.forget(attempt.due.run_id, attempt.due.attempt)

    async def _finish(self, attempt: Attempt, ended: RunEnd) -> None:
        await self.leases.finish(ended, attempt.entry_id)
        self.attempts.remove(attempt)

    def _frame(self) -> ResultFrame:
        now = self.world.present.now
        block = BlockReference(number=0, hash="0x0", timestamp=now, tag="finalized")
        return ResultFrame(chain_id=1, block=block, generated_at=now, stats=ReadStats())


def identity(due: JobDue) -> Body:
    """Return what every event of the attempt names."""
    return due.model_dump(include={"run_id", "job_id", "action", "attempt", "traceparent"})


def _key(attempt: Attempt) -> tuple[str, int]:
    return attempt.due.run_id, attempt.due.attempt


class Users:
    """What users do, through the gateway's own functions, each at a moment of its own."""

    def __init__(self, present: Present) -> None:
        self._present = present

    async def create(self, body: Body) -> PydanticObjectId:
        """Create a job."""
        now = self._present.tick()
        request = JobRequest.model_validate({"action": ACTION, "payload": {}, **body})
        job_id = PydanticObjectId()
        timing = decide_timing(request, 1, now, str(job_id))
        await job_store.insert_job(create_document(request, timing, {}, job_id, now))
        return job_id

    async def change(self, job_id: PydanticObjectId, body: Body) -> bool:
        """Change a job; False when that is refused, as a retry of a running one is."""
        now = self._present.tick()
        job = await job_store.find_job(str(job_id))
        update = decide_update(JobChanges.model_validate(body), job, now)
        try:
            await job_store.update_job(str(job_id), update.fields)
        except ProblemError:
            return False
        return True

    async def pause(self, job_id: PydanticObjectId) -> None:
        """Pause a job."""
        await job_store.update_job(str(job_id), pause(None, self._present.tick()))

    async def resume(self, job_id: PydanticObjectId) -> None:
        """Resume a job."""
        await job_store.update_job(str(job_id), resume(self._present.tick()))

    async def trigger(self, job_id: PydanticObjectId) -> datetime:
        """Ask for a run and return its due time."""
        _, due_at = await job_store.trigger_job(str(job_id), self._present.tick())
        return due_at

    async def cancel(self, run: Document) -> None:
        """Ask for the end of an unfinished run."""
        found = await run_store.find_run(run["_id"])
        await run_store.request_cancellation(found, None, self._present.tick())

    async def redrive(self, run: Document) -> None:
        """Ask for a failed run to be tried again."""
        found = await run_store.find_run(run["_id"])
        await run_store.request_redrive(found, self._present.tick())


class World:
    """Everything that a test of the whole engine moves."""

    def __init__(self, servers: Servers, connections: Connections) -> None:
        self.servers = servers
        self.redis = connections.redis
        self.mongo_client = connections.mongo
        self.database = connections.database
        self.present = Present()
        self.furthest = self.present.now
        self.users = Users(self.present)
        self.results = ResultStore(self.mongo_client, servers.database_name, TOY)
        self.workers = [WorkerModel(self, f"worker-{number}") for number in (1, 2)]
        self.replicas = [Replica(self, timedelta()) for _ in range(2)]

    async def step(self, number: int, name: str, fault: Fault | None = None) -> None:
        """Let a scheduler do one of its steps; one that crashes is started again."""
        replica = self.replicas[number]
        if replica.is_frozen:
            return
        parts = replica.parts
        steps: dict[str, Callable[[], Awaitable[Any]]] = {
            "dispatch": parts.dispatcher.dispatch,
            "emit": parts.emitter.emit_due,
            "record": replica.record_outcomes,
            "reconcile": parts.reconciler.reconcile,
            "sweep": parts.janitor.sweep,
            "requests": parts.requests.handle,
            "audit": parts.audit.correct_jobs,
        }
        if not await replica.do(steps[name], fault):
            await self.restart(number)

    async def thaw(self, number: int) -> None:
        """Wake a frozen scheduler up."""
        replica = self.replicas[number]
        if replica.is_frozen and not await replica.go_on():
            await self.restart(number)

    async def restart(self, number: int, skew: timedelta | None = None) -> None:
        """Kill a scheduler and start another on the same machine."""
        former = self.replicas[number]
        await former.die()
        self.replicas[number] = Replica(self, former.skew if skew is None else skew)

    def jump(self, number: int, by: timedelta) -> None:
        """Set the clock of a scheduler's machine wrong by so much."""
        self.replicas[number].skew = by
        self.furthest = max(self.furthest, self.present.now + by)

    def advance(self, by: timedelta) -> None:
        """Let time pass for everybody."""
        self.present.advance(by)
        skews = [replica.skew for replica in self.replicas]
        self.furthest = max(self.furthest, self.present.now + max(skews))

    async def flush_redis(self) -> None:
        """Lose everything that is in Redis."""
        await self.redis.flushall()
        for worker in self.workers:
            for attempt in worker.attempts:
                attempt.has_lease = False

    async def spoil_streams(self) -> None:
        """Put entries that nobody can read on the streams that schedulers read."""
        await self.redis.xadd(OUTCOMES_STREAM, {"junk": "1"})
        await self.redis.xadd(OUTCOMES_STREAM, {DATA_FIELD: '{"kind": "unheard of"}'})

    async def settle(self) -> None:
        """Let everything work again until nothing is left to do.

        Raises:
            AssertionError: Something never ends.
        """
        for number in range(2):
            await self.thaw(number)
            await self.restart(number, skew=timedelta())
        self.present.advance(max(timedelta(), self.furthest - self.present.now))
        self.advance(timedelta(seconds=11))
        for _ in range(80):
            await self._work_off()
            if not await self._left():
                return
            self.advance(timedelta(seconds=1))
        raise AssertionError(f"never ends: {await self._left()}")

    async def _work_off(self) -> None:
        for number in range(2):
            for name in ("dispatch", "emit", "reconcile", "emit"):
                await self.step(number, name)
        for worker in self.workers:
            await worker.take(100)
            await worker.beat()
            for attempt in list(worker.attempts):
                await worker.complete(attempt)
        for number in range(2):
            for name in ("record", "sweep", "requests", "audit"):
                await self.step(number, name)

    async def _left(self) -> list[Document]:
        """Return what is still to be done now."""
        unfinished: Any = {"state": {"$in": ["queued", "running", "retrying"]}}
        now = self.present.now
        waiting: Any = {
            "$or": [
                {"schedule.current.state": {"$in": ["queued", "running", "retrying"]}},
                {"schedule.triggerAt": {"$ne": None}},
                {"nextRunAt": {"$ne": None, "$lte": now}},
                {"status": "running"},
                {"status": "pending", "schedule.current": {"$ne": None}},
            ]
        }
        return [
            *await self.database["runs"].find(unfinished).to_list(),
            *await self.database["jobs"].find(waiting).to_list(),
            *await self.database["runRequests"].find().to_list(),
        ]
