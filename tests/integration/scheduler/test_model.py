"""Whatever users, workers, crashes, frozen replicas, wrong clocks and lost data do, in any order.

Hypothesis makes up histories; an oracle judges them (`engine_oracle`). MongoDB and Redis are real,
time is not. `MODEL_EXAMPLES=2000` looks deeper, at random; the default is the same every time.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from beanie import PydanticObjectId
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from scheduler import janitor
from tests.integration.engine_faults import Fault, FaultKind
from tests.integration.engine_harness import Connections, SchedulerReplica, Servers
from tests.integration.engine_model import World
from tests.integration.engine_oracle import UNFINISHED, Oracle

DEPTH = os.environ.get("MODEL_EXAMPLES")
EXAMPLES = int(DEPTH or 40)
STEPS = 40

COLLECTIONS = ("jobs", "runs", "runRequests", "toy_results", "deadLetters")

replicas = st.integers(0, 1)
workers = st.integers(0, 1)
faults = st.none() | st.builds(Fault, st.sampled_from(FaultKind), st.integers(0, 3))
intervals = st.sampled_from([1.0, 2.5, 10.0])
overlaps = st.sampled_from(["skip", "bufferOne", "allowAll"])
leaps = st.sampled_from([timedelta(seconds=1), timedelta(seconds=11), timedelta(minutes=1)])
far = leaps | st.sampled_from([timedelta(minutes=4), timedelta(minutes=25), timedelta(hours=2)])
timings = st.fixed_dictionaries(
    {"type": st.just("retry"), "intervalMinutes": intervals, "overlap": overlaps},
    optional={
        "maxRuns": st.integers(1, 3),
        "catchUpWindowMinutes": st.sampled_from([0.5, 5.0]),
        "pauseAfterFailures": st.integers(1, 2),
        "maxAttempts": st.integers(1, 3),
    },
)


class Ground:
    """Servers and clients that all histories of a test share, one after the other."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._runner = asyncio.Runner()
        self._connections = self.run(self._open())

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something to its end."""
        return self._runner.run(coroutine)

    async def _open(self) -> Connections:
        connections = Connections.open(self._servers)
        await SchedulerReplica(self._servers, connections=connections).create_indexes()
        return connections

    def new_world(self) -> World:
        """Return a world in which nothing has happened yet."""

        async def begin() -> World:
            await self._connections.redis.flushall()
            for name in COLLECTIONS:
                await self._connections.database[name].delete_many({})
            return World(self._servers, self._connections)

        world: World = self.run(begin())
        return world

    def close(self) -> None:
        """Close all clients."""
        self.run(self._connections.close())
        self._runner.close()


class Engine(RuleBasedStateMachine):
    """One history."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self._world = self.ground.new_world()
        self._oracle = Oracle(self._world.database)

    jobs = Bundle("jobs")

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.ground.run(coroutine)

    @initialize(target=jobs, body=timings)
    def create_first(self, body: dict[str, Any]) -> PydanticObjectId:
        return self._create(body)

    @rule(target=jobs, body=timings | st.just({"type": "scheduled"}))
    def create(self, body: dict[str, Any]) -> PydanticObjectId:
        if body["type"] == "scheduled":
            at = self._world.present.now + timedelta(seconds=2)
            return self._create({**body, "scheduledAt": at.isoformat()})
        return self._create(body)

    def _create(self, body: dict[str, Any]) -> PydanticObjectId:
        async def create() -> PydanticObjectId:
            job_id = await self._world.users.create(body)
            await self._oracle.know(job_id)
            return job_id

        job_id: PydanticObjectId = self._run(create())
        return job_id

    @rule(job_id=jobs, minutes=intervals)
    def change_interval(self, job_id: PydanticObjectId, minutes: float) -> None:
        async def change() -> None:
            if self._oracle.jobs[job_id].stretches[-1].interval is None:
                return
            planned = await self._oracle.planned(job_id)
            await self._world.users.change(job_id, {"intervalMinutes": minutes})
            await self._oracle.retimed(job_id, planned)

        self._run(change())

    @rule(job_id=jobs, overlap=overlaps)
    def change_overlap(self, job_id: PydanticObjectId, overlap: str) -> None:
        self._oracle.jobs[job_id].runs_alone = False  # runs may have been beside one another
        self._run(self._world.users.change(job_id, {"overlap": overlap}))

    @rule(job_id=jobs)
    def pause(self, job_id: PydanticObjectId) -> None:
        self._run(self._world.users.pause(job_id))

    @rule(job_id=jobs)
    def resume(self, job_id: PydanticObjectId) -> None:
        self._run(self._world.users.resume(job_id))

    @rule(job_id=jobs)
    def trigger(self, job_id: PydanticObjectId) -> None:
        due_at = self._run(self._world.users.trigger(job_id))
        self._oracle.jobs[job_id].triggers.add(due_at)

    @rule(number=st.integers(0, 20))
    def cancel(self, number: int) -> None:
        self._wish(number, list(UNFINISHED), self._world.users.cancel)

    @rule(number=st.integers(0, 20))
    def redrive(self, number: int) -> None:
        run = self._wish(number, ["failed"], self._world.users.redrive)
        if run is not None:
            self._oracle.jobs[run["jobId"]].redriven.add(run["_id"])

    def _wish(self, number: int, states: list[str], wish: Callable[[Any], Any]) -> Any:
        async def ask() -> Any:
            found = await self._world.database["runs"].find({"state": {"$in": states}}).to_list()
            if not found:
                return None
            run = found[number % len(found)]
            await wish(run)
            return run

        return self._run(ask())

    @rule(number=replicas, fault=faults)
    def dispatch(self, number: int, fault: Fault | None) -> None:
        self._run(self._world.step(number, "dispatch", fault))

    @rule(number=replicas, fault=faults)
    def emit(self, number: int, fault: Fault | None) -> None:
        self._run(self._world.step(number, "emit", fault))

    @rule(number=replicas, fault=faults)
    def record(self, number: int, fault: Fault | None) -> None:
        self._run(self._world.step(number, "record", fault))

    @rule(
        number=replicas,
        step=st.sampled_from(["reconcile", "sweep", "requests", "audit"]),
        fault=faults,
    )
    def repair(self, number: int, step: str, fault: Fault | None) -> None:
        self._run(self._world.step(number, step, fault))

    @rule(number=replicas)
    def thaw(self, number: int) -> None:
        self._run(self._world.thaw(number))

    @rule(number=replicas)
    def kill(self, number: int) -> None:
        self._run(self._world.restart(number))

    @rule(number=replicas, by=far, sign=st.sampled_from([1, -1, 0]))
    def set_clock(self, number: int, by: timedelta, sign: int) -> None:
        self._world.jump(number, sign * by)
        self._oracle.clocks_agree &= sign == 0

    @rule(by=far)
    def wait(self, by: timedelta) -> None:
        self._world.advance(by)

    @rule(by=leaps)
    def wait_and_work(self, by: timedelta) -> None:
        """What is most of the time: both replicas work, one after the other."""

        async def work() -> None:
            self._world.advance(by)
            for number in range(2):
                for step in ("dispatch", "emit"):
                    await self._world.step(number, step)
            for worker in self._world.workers:
                await worker.take(2)

        self._run(work())

    @rule(number=workers)
    def take(self, number: int) -> None:
        self._run(self._world.workers[number].take(2))

    @rule(number=workers)
    def beat(self, number: int) -> None:
        self._run(self._world.workers[number].beat())

    @rule(
        number=workers,
        index=st.integers(0, 10),
        how=st.sampled_from(["complete", "retry", "give up", "lose", "store and die"]),
    )
    def end(self, number: int, index: int, how: str) -> None:
        worker = self._world.workers[number]
        if not worker.attempts:
            return
        attempt = worker.attempts[index % len(worker.attempts)]
        if how == "complete":
            self._run(worker.complete(attempt))
        elif how == "store and die":
            self._run(worker.complete(attempt, dies=True))
        elif how == "lose":
            self._run(worker.lose(attempt))
        else:
            self._run(worker.fail(attempt, retryable=how == "retry"))

    @rule()
    def flush_redis(self) -> None:
        self._run(self._world.flush_redis())

    @rule()
    def spoil_streams(self) -> None:
        self._run(self._world.spoil_streams())

    @invariant()
    def holds(self) -> None:
        self._run(self._oracle.check())

    def teardown(self) -> None:
        async def end() -> None:
            try:
                await self._world.settle()
                await self._oracle.check_settled()
                # hours later everything still goes on, and nothing of the pauses is forgotten
                for job_id in self._oracle.jobs:
                    await self._world.users.resume(job_id)
                self._world.advance(timedelta(hours=3))
                await self._world.settle()
                await self._oracle.check_settled()
            finally:
                for replica in self._world.replicas:
                    await replica.die()

        self._run(end())


def test_whatever_happens_the_invariants_hold(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what a dead replica has read is taken over at once: time is not real here
    monkeypatch.setattr(janitor, "TAKE_OVER_MILLISECONDS", 0)
    shared = Ground(servers)

    class Here(Engine):
        ground = shared

    try:
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                derandomize=DEPTH is None,
                database=None,
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            ),
        )
    finally:
        shared.close()
