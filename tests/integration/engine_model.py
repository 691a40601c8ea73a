"""A small world around two schedulers: users, workers, clocks, and a Redis that is flushed.

Time stands still but for `advance`. Every step is one call, so that a test decides what happens
in which order, and where a scheduler crashes or freezes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

from common.streams import DATA_FIELD, OUTCOMES_STREAM
from common.worker.results import ResultStore
from tests.integration.engine_clock import Present
from tests.integration.engine_data import Database, Document
from tests.integration.engine_faults import Crash, Fault, FaultyDatabase, FaultyRedis, Fuse
from tests.integration.engine_harness import Connections, SchedulerReplica, Servers
from tests.integration.engine_users import Users
from tests.integration.engine_workers import WorkerModel, read_entries
from tests.integration.toy_worker import TOY


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
            pass_seconds=10.0,
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
        found = await read_entries(self.parts.redis, self.parts.source, count)
        if entries := await self.parts.consumer.read(found):
            await self.parts.intake.record(entries)


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
                {"schedule.unrecorded.first": {"$exists": True}},
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
