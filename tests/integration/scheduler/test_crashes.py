"""A scheduler may crash between any two steps: whoever comes next completes what it began."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import PyMongoError

from common.models import now_utc
from scheduler.dispatcher import Dispatcher
from tests.integration.engine_data import (
    STREAM,
    Clock,
    create_job,
    eventually,
    find_executions,
    find_job,
    find_runs,
    read_events,
)
from tests.integration.engine_faults import Fault, FaultKind, FaultyDatabase, Fuse
from tests.integration.engine_harness import Connections, SchedulerReplica, Servers, Worker


class Crash(BaseException):
    """Stands for SIGKILL: no handler of errors sees it."""


def crash_after(dispatcher: Dispatcher, step: str) -> None:
    """Let the dispatcher crash when it has done `step` for some job."""
    part: Any = dispatcher._outbox if step == "insert" else dispatcher._jobs
    original = getattr(part, step)

    async def crashing(*args: Any, **kwargs: Any) -> Any:
        done = await original(*args, **kwargs)
        if not args[0]:
            return done
        raise Crash(step)

    setattr(part, step, crashing)


@pytest.mark.parametrize("step", ["find", "advance", "insert"])
async def test_a_crash_of_the_dispatcher_is_repaired_by_the_next_replica(
    servers: Servers, step: str
) -> None:
    async with (
        SchedulerReplica(servers) as victim,
        SchedulerReplica(servers) as heir,
        Worker(servers) as worker,
    ):
        db = heir.database
        once = await create_job(db)
        recurring = await create_job(db, every=timedelta(hours=1))
        crash_after(victim.dispatcher, step)
        with pytest.raises(Crash):
            await victim.dispatcher.dispatch()

        heir.start()
        worker.start()

        async def settled() -> bool:
            jobs = [await find_job(db, each) for each in (once, recurring)]
            return all(job["status"] == "completed" for job in jobs)

        await eventually(settled)
        for job_id in (once, recurring):
            (run,) = await find_runs(db, jobId=job_id)
            assert run["state"] == "completed"
            assert len(await find_executions(db, run["_id"])) == 1
        assert (await find_job(db, recurring))["nextRunAt"] > now_utc() + timedelta(minutes=50)


@dataclass
class Sleeper:
    """A replica that freezes before one of its writes."""

    replica: SchedulerReplica
    fuse: Fuse

    async def freeze_before(self, write: int) -> "asyncio.Task[bool]":
        """Dispatch until the `write`-th write is about to be made."""
        self.fuse.arm(Fault(FaultKind.FREEZE_BEFORE, after=write - 1))
        dispatching = asyncio.create_task(self.replica.dispatcher.dispatch())
        await self.fuse.frozen.wait()
        return dispatching


@asynccontextmanager
async def sleeping_replica(servers: Servers, pass_seconds: float) -> AsyncIterator[Sleeper]:
    fuse = Fuse()
    connections = Connections.open(servers)
    faulty: Any = FaultyDatabase(connections.database, fuse)
    connections = replace(connections, database=faulty)
    async with SchedulerReplica(
        servers, connections=connections, pass_seconds=pass_seconds
    ) as replica:
        yield Sleeper(replica, fuse)


@pytest.mark.parametrize(("pass_seconds", "fails"), [(0.2, True), (30.0, False)])
async def test_a_replica_that_wakes_up_when_another_has_decided_creates_and_emits_nothing(
    servers: Servers, pass_seconds: float, fails: bool
) -> None:
    """Another has meanwhile recorded as missed what the sleeper had decided to run."""
    clock = Clock()
    async with (
        sleeping_replica(servers, pass_seconds) as sleeper,
        SchedulerReplica(servers, clock=clock) as heir,
    ):
        hour = timedelta(hours=1)
        job_id = await create_job(heir.database, every=hour, at=now_utc() - 2.5 * hour)
        sleeping = await sleeper.freeze_before(write=1)
        await asyncio.sleep(0.3)
        clock.jump(hours=3)
        await heir.dispatcher.dispatch()
        before = await find_runs(heir.database)
        assert [run["state"] for run in before] == ["skipped", "queued"]
        assert before[0]["occurrences"] == 5
        sleeper.fuse.thaw()
        with pytest.raises(PyMongoError) if fails else nullcontext():
            await sleeping
        assert await find_runs(heir.database) == before
        assert (await find_job(heir.database, job_id))["schedule"]["current"]["runId"] == (
            before[-1]["_id"]
        )
        await sleeper.replica.emitter.emit_due()
        assert await read_events(heir.redis, STREAM) == []


@pytest.mark.parametrize(("pass_seconds", "fails"), [(0.2, True), (30.0, False)])
async def test_what_a_frozen_replica_has_decided_is_created_by_others_and_runs_once(
    servers: Servers, pass_seconds: float, fails: bool
) -> None:
    async with (
        sleeping_replica(servers, pass_seconds) as sleeper,
        SchedulerReplica(servers) as heir,
        Worker(servers) as worker,
    ):
        hour = timedelta(hours=1)
        job_id = await create_job(heir.database, every=hour, at=now_utc() - 2.5 * hour)
        sleeping = await sleeper.freeze_before(write=2)
        await asyncio.sleep(0.3)
        assert await find_runs(heir.database) == []
        heir.start()
        worker.start()

        async def completed() -> bool:
            job = await find_job(heir.database, job_id)
            return bool(job["status"] == "completed" and "unrecorded" not in job["schedule"])

        await eventually(completed)
        sleeper.fuse.thaw()
        with pytest.raises(PyMongoError) if fails else nullcontext():
            await sleeping
        await sleeper.replica.emitter.emit_due()
        await asyncio.sleep(0.5)
        runs = await find_runs(heir.database)
        states = [(run["state"], run.get("occurrences", 1)) for run in runs]
        assert states == [("skipped", 2), ("completed", 1)]
        assert len(await find_executions(heir.database, runs[-1]["_id"])) == 1


async def test_a_run_announced_before_the_next_one_beside_it_is_not_lost(
    servers: Servers,
) -> None:
    """Runs may overlap: the next occurrence is decided before the first run is missed."""
    clock = Clock()
    async with (
        sleeping_replica(servers, 30.0) as sleeper,
        SchedulerReplica(servers, clock=clock) as heir,
    ):
        hour = timedelta(hours=1)
        job_id = await create_job(heir.database, every=hour, overlap="allowAll")
        sleeping = await sleeper.freeze_before(write=2)
        clock.jump(hours=1, seconds=1)
        await heir.dispatcher.dispatch()
        runs = await find_runs(heir.database, jobId=job_id)
        assert [run["state"] for run in runs] == ["queued", "queued"]
        sleeping.cancel()
