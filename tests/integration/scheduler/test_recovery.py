"""Whatever is lost with Redis or with a process is found again from MongoDB, with one effect."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.models import now_utc
from common.streams import (
    OUTCOMES_STREAM,
    lease_key,
)
from local_stack.servers import RedisServer
from tests.integration.engine_data import (
    STREAM,
    WORKERS,
    Clock,
    Database,
    create_job,
    eventually,
    find_executions,
    find_job,
    find_runs,
    read_events,
)
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker


@pytest.fixture
def clock() -> Clock:
    """The clock of `scheduler`."""
    return Clock()


@pytest.fixture
async def scheduler(servers: Servers, clock: Clock) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand, with a running emitter."""
    async with SchedulerReplica(servers, clock=clock) as replica:
        replica.start_emitter()
        yield replica


async def all_completed(database: Database, jobs: list[ObjectId]) -> None:
    """Wait until every job shows a completed run, and check that each has one run and result."""

    async def probe() -> bool:
        found = [await find_job(database, job_id) for job_id in jobs]
        return all(job["status"] == "completed" for job in found)

    await eventually(probe)
    runs = await find_runs(database)
    assert sorted(run["jobId"] for run in runs) == sorted(jobs)
    assert {run["state"] for run in runs} == {"completed"}
    results = await database["toy_results"].find().to_list()
    assert sorted(result["_id"] for result in results) == sorted(run["_id"] for run in runs)
    alerts = await database["alerts"].find().to_list()
    assert len(alerts) == sum(run["payload"].get("alerts", 0) for run in runs)


async def test_a_flush_with_queued_running_and_unrecorded_runs_loses_and_doubles_nothing(
    servers: Servers,
) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers, concurrency=2) as worker:
        db = scheduler.database
        scheduler.start_dispatching()
        worker.start()
        finished = await create_job(db, payload={"alerts": 2})

        async def results() -> Any:
            return await db["toy_results"].find().to_list()

        await eventually(results)
        running = [await create_job(db, payload={"seconds": 1.5, "alerts": 1}) for _ in range(2)]

        async def executions() -> bool:
            return await db["executions"].count_documents({}) == 3

        await eventually(executions)
        queued = [await create_job(db, payload={"alerts": 1}) for _ in range(4)]

        async def emitted() -> bool:
            return await scheduler.redis.xlen(STREAM) == 7

        await eventually(emitted)
        assert {run["state"] for run in await find_runs(db)} == {"queued"}

        await scheduler.redis.flushall()
        scheduler.start_recovering()
        await all_completed(db, [finished, *running, *queued])
        assert scheduler.failures == worker.failures == []


@pytest.mark.parametrize("persistent", [True, False], ids=["persistent", "forgetful"])
async def test_a_restart_of_redis_loses_and_doubles_nothing(
    mongodb_uri: str,
    database_name: str,
    anvil_url: str,
    own_redis: RedisServer,
    forgetful_redis: RedisServer,
    persistent: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = own_redis if persistent else forgetful_redis
    servers = Servers(server.url, mongodb_uri, database_name, anvil_url)
    async with SchedulerReplica(servers) as scheduler, Worker(servers, concurrency=2) as worker:
        db = scheduler.database
        scheduler.start()
        worker.start()
        jobs = [await create_job(db, payload={"seconds": 0.5, "alerts": 1}) for _ in range(6)]

        async def one_done() -> bool:
            return len(await find_runs(db, state="completed")) >= 1

        await eventually(one_done)
        await asyncio.to_thread(server.kill)
        jobs.append(await create_job(db))
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
        await all_completed(db, jobs)
        assert scheduler.failures == worker.failures == []
        assert len(caplog.records) < 100


async def test_while_no_worker_exists_a_queued_run_waits_in_its_stream_once(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    for _ in range(5):
        await create_job(scheduler.database)
    await scheduler.dispatcher.dispatch()

    async def emitted() -> bool:
        return await scheduler.redis.xlen(STREAM) == 5

    await eventually(emitted)
    for _ in range(5):
        clock.jump(minutes=1)
        await scheduler.reconciler.reconcile()
    await asyncio.sleep(0.2)
    assert await scheduler.redis.xlen(STREAM) == 5

    await scheduler.redis.flushall()
    for _ in range(5):
        clock.jump(minutes=1)
        await scheduler.reconciler.reconcile()
        await asyncio.sleep(0.05)
    await eventually(emitted)
    assert len(await read_events(scheduler.redis, STREAM)) == 5


async def test_a_backlog_is_not_taken_for_lost(scheduler: SchedulerReplica, clock: Clock) -> None:
    """One entry was taken, the others wait for the only worker."""
    for _ in range(3):
        await create_job(scheduler.database)
    await scheduler.dispatcher.dispatch()
    await scheduler.redis.xgroup_create(STREAM, WORKERS, id="0", mkstream=True)

    async def taken() -> Any:
        return await scheduler.redis.xreadgroup(WORKERS, "busy", {STREAM: ">"}, count=1)

    await eventually(taken)
    for _ in range(3):
        clock.jump(minutes=1)
        await scheduler.reconciler.reconcile()
    await asyncio.sleep(0.1)
    assert len(await read_events(scheduler.redis, STREAM)) <= 4


async def test_a_run_taken_by_a_worker_that_died_before_its_start_is_emitted_again(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    await create_job(scheduler.database)
    await scheduler.dispatcher.dispatch()
    await scheduler.redis.xgroup_create(STREAM, WORKERS, id="0", mkstream=True)

    async def taken() -> Any:
        return await scheduler.redis.xreadgroup(WORKERS, "dead", {STREAM: ">"}, count=1)

    await eventually(taken)
    clock.jump(seconds=1)
    await scheduler.reconciler.reconcile()

    async def emitted_again() -> bool:
        return len(await read_events(scheduler.redis, STREAM)) == 2

    await eventually(emitted_again)
    first, second = await read_events(scheduler.redis, STREAM)
    assert first == second
    (run,) = await find_runs(scheduler.database)
    assert run["emissions"] == 2


async def test_a_queued_run_whose_attempt_is_being_carried_out_is_not_emitted_again(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    """Its start is on the outcomes stream, and not recorded yet."""
    await create_job(scheduler.database)
    await scheduler.dispatcher.dispatch()
    await scheduler.redis.xgroup_create(STREAM, WORKERS, id="0", mkstream=True)

    async def taken() -> Any:
        return await scheduler.redis.xreadgroup(WORKERS, "alive", {STREAM: ">"}, count=1)

    await eventually(taken)
    (run,) = await find_runs(scheduler.database)
    await scheduler.redis.set(lease_key(run["_id"], 1), "alive")
    clock.jump(minutes=1)
    await scheduler.reconciler.reconcile()
    await asyncio.sleep(0.1)
    assert len(await read_events(scheduler.redis, STREAM)) == 1


async def test_an_attempt_whose_lease_is_gone_is_ended_and_the_next_one_queued(
    scheduler: SchedulerReplica,
) -> None:
    scheduler.start()
    db = scheduler.database
    job_id = await create_job(db)

    async def queued() -> Any:
        return await find_runs(db, state="queued")

    (run,) = await eventually(queued)
    started = {"state": "running", "worker": "w1", "startedAt": now_utc()}
    await db["runs"].update_one({"_id": run["_id"]}, {"$set": started})

    async def next_attempt() -> Any:
        return await find_runs(db, attempt=2)

    (run,) = await eventually(next_attempt)
    assert run["errors"][0]["type"] == "LeaseLost"
    assert "w1" in run["errors"][0]["message"]

    async def shown() -> Any:
        return (await find_job(db, job_id))["lastError"]

    assert (await eventually(shown))["type"] == "LeaseLost"


@pytest.mark.parametrize("every", [None, timedelta(hours=1)], ids=["one-time", "recurring"])
@pytest.mark.parametrize("outcome", ["completed", "failed"])
async def test_a_job_set_back_to_pending_in_the_database_runs_once_more(
    servers: Servers, every: timedelta | None, outcome: str
) -> None:
    payload = {} if outcome == "completed" else {"failing_executions": 1, "failure": "final"}
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        scheduler.start()
        worker.start()
        db = scheduler.database
        job_id = await create_job(db, every=every, payload=payload)

        async def ended() -> bool:
            return bool((await find_job(db, job_id))["status"] == outcome)

        await eventually(ended)
        before = await find_job(db, job_id)
        await db["jobs"].update_one({"_id": job_id}, {"$set": {"status": "pending"}})

        async def run_again() -> bool:
            return len(await find_runs(db, state="completed")) == (
                2 if outcome == "completed" else 1
            )

        await eventually(run_again)
        await asyncio.sleep(0.5)
        assert len(await find_runs(db)) == 2
        job = await find_job(db, job_id)
        assert (job["status"], job["nextRunAt"]) == ("completed", before["nextRunAt"])
        assert job["lastError"] is None


async def test_a_job_whose_run_was_deleted_in_the_database_runs_again(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        db = scheduler.database
        scheduler.start_dispatching()
        job_id = await create_job(db)

        async def emitted() -> bool:
            return await scheduler.redis.xlen(STREAM) == 1

        await eventually(emitted)
        await db["runs"].delete_many({})
        await scheduler.redis.flushall()
        scheduler.start_recovering()
        worker.start()
        await all_completed(db, [job_id])


async def test_replicas_that_find_the_same_lost_runs_emit_each_once(servers: Servers) -> None:
    clock = Clock()
    async with (
        SchedulerReplica(servers, clock=clock) as one,
        SchedulerReplica(servers, clock=clock) as two,
    ):
        await one.redis.xgroup_create(STREAM, WORKERS, id="0", mkstream=True)
        for _ in range(20):
            await create_job(one.database)
        await one.dispatcher.dispatch()
        one.emitter._heap.clear()
        clock.jump(minutes=1)
        await asyncio.gather(*(each.reconciler.reconcile() for each in (one, two, one, two)))
        one.start_emitter()
        two.start_emitter()

        async def emitted() -> bool:
            return len(await read_events(one.redis, STREAM)) >= 20

        await eventually(emitted)
        await asyncio.sleep(0.2)
        events = await read_events(one.redis, STREAM)
        assert len(events) == len({event["run_id"] for event in events}) == 20


async def test_a_duplicate_due_event_is_carried_out_once(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        scheduler.start()
        db = scheduler.database
        job_id = await create_job(db, payload={"seconds": 0.3})

        async def emitted() -> Any:
            return await scheduler.redis.xrange(STREAM)

        ((_, fields),) = await eventually(emitted)
        for _ in range(3):
            await scheduler.redis.xadd(STREAM, fields)
        worker.start()
        await all_completed(db, [job_id])
        await scheduler.redis.xadd(STREAM, fields)

        async def handled() -> bool:
            pending: Any = await scheduler.redis.xpending(STREAM, WORKERS)
            groups: Any = await scheduler.redis.xinfo_groups(STREAM)
            return bool(pending["pending"] == 0 and groups[0]["lag"] == 0)

        await eventually(handled)
        (run,) = await find_runs(db)
        assert len(await find_executions(db, run["_id"])) == 1
        outcomes = await read_events(scheduler.redis, OUTCOMES_STREAM)
        assert [each["kind"] for each in outcomes].count("completed") == 1
