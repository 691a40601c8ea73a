"""A scheduler may crash between any two steps: whoever comes next completes what it began."""

import asyncio
from dataclasses import replace
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
    """Let the dispatcher crash when it has done `step`."""
    part: Any = dispatcher._store if step == "insert" else dispatcher._claims
    original = getattr(part, step)

    async def crashing(*args: Any, **kwargs: Any) -> None:
        await original(*args, **kwargs)
        raise Crash(step)

    setattr(part, step, crashing)


@pytest.mark.parametrize("step", ["claim_due", "insert", "advance"])
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


async def test_a_run_that_ended_before_its_job_moved_on_leaves_the_job_free(
    servers: Servers,
) -> None:
    """The dispatcher dies after inserting a run, which then runs before the claim is over."""
    async with (
        SchedulerReplica(servers, claim_seconds=30) as victim,
        SchedulerReplica(servers) as heir,
        Worker(servers) as worker,
    ):
        db = heir.database
        job_id = await create_job(db, every=timedelta(hours=1))
        crash_after(victim.dispatcher, "insert")
        with pytest.raises(Crash):
            await victim.dispatcher.dispatch()
        heir.start()
        worker.start()
        await eventually(lambda: find_runs(db, state="completed"))

        await db["jobs"].update_many({}, {"$set": {"schedule.claimUntil": now_utc()}})

        async def shown() -> bool:
            job = await find_job(db, job_id)
            current = job["schedule"]["current"] or {}
            return (job["status"], current.get("state")) == ("completed", "completed")

        await eventually(shown)
        (run,) = await find_runs(db)
        assert len(await find_executions(db, run["_id"])) == 1


async def test_a_replica_that_wakes_up_after_its_claim_inserts_and_emits_nothing(
    servers: Servers,
) -> None:
    """Another has meanwhile recorded as missed what the sleeper had decided to run."""
    fuse = Fuse()
    connections = Connections.open(servers)
    faulty: Any = FaultyDatabase(connections.database, fuse)
    clock = Clock()
    async with (
        SchedulerReplica(
            servers, connections=replace(connections, database=faulty), claim_seconds=0.2
        ) as sleeper,
        SchedulerReplica(servers, clock=clock) as heir,
    ):
        hour = timedelta(hours=1)
        job_id = await create_job(heir.database, every=hour, at=now_utc() - 2.5 * hour)
        fuse.arm(Fault(FaultKind.FREEZE_BEFORE, after=1))  # the first write is the claim
        sleeping = asyncio.create_task(sleeper.dispatcher.dispatch())
        await fuse.frozen.wait()
        await asyncio.sleep(0.3)
        clock.jump(hours=3)
        await heir.dispatcher.dispatch()
        before = await find_runs(heir.database)
        assert [run["state"] for run in before] == ["skipped", "queued"]
        assert before[0]["occurrences"] == 5
        fuse.thaw()
        with pytest.raises(PyMongoError):
            await sleeping
        assert await find_runs(heir.database) == before
        assert (await find_job(heir.database, job_id))["schedule"]["current"]["runId"] == (
            before[-1]["_id"]
        )
        await sleeper.emitter.emit_due()
        assert await read_events(heir.redis, STREAM) == []


async def test_a_replica_that_loses_its_claim_after_inserting_leaves_the_emission_to_others(
    servers: Servers,
) -> None:
    fuse = Fuse()
    connections = Connections.open(servers)
    faulty: Any = FaultyDatabase(connections.database, fuse)
    async with (
        SchedulerReplica(servers, connections=replace(connections, database=faulty)) as sleeper,
        SchedulerReplica(servers) as heir,
    ):
        lost, kept = [await create_job(heir.database, every=timedelta(hours=1)) for _ in range(2)]
        fuse.arm(Fault(FaultKind.FREEZE_BEFORE, after=2))
        sleeping = asyncio.create_task(sleeper.dispatcher.dispatch())
        await fuse.frozen.wait()
        await heir.database["jobs"].update_one(
            {"_id": lost}, {"$set": {"schedule.claimToken": "another"}}
        )
        fuse.thaw()
        await sleeping
        await sleeper.emitter.emit_due()
        (event,) = await read_events(heir.redis, STREAM)
        assert event["job_id"] == str(kept)
        assert len(await find_runs(heir.database)) == 2
