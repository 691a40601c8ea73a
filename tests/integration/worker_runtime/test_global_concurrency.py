"""All workers of an action together carry out no more runs than its limit, and waste no slot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from common.models import now_utc
from common.states import RequestKind
from common.streams import lease_key
from tests.integration.engine_data import STREAM, WORKERS, create_job, eventually, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker

SLOTS = f"jobs.slots:{STREAM}"
QUEUE = f"jobs.slots.queue:{STREAM}"


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A running scheduler."""
    async with SchedulerReplica(servers) as running:
        running.start()
        yield running


async def running_side_by_side(scheduler: SchedulerReplica) -> int:
    """Return the largest number of attempts that were carried out at the same time."""
    changes = []
    async for run in scheduler.database["runs"].find({"state": "completed"}):
        changes += [(run["startedAt"], 1), (run["finishedAt"], -1)]
    number = most = 0
    for _, change in sorted(changes):
        number += change
        most = max(most, number)
    return most


async def all_completed(scheduler: SchedulerReplica, number: int) -> None:
    async def probe() -> bool:
        return len(await find_runs(scheduler.database, state="completed")) == number

    await eventually(probe, within=60)


async def started_by(scheduler: SchedulerReplica) -> set[str]:
    return {run["worker"] for run in await find_runs(scheduler.database, state="running")}


async def test_workers_share_the_slots_and_none_waits_for_ever(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with (
        Worker(servers, limit=3) as one,
        Worker(servers, limit=3) as two,
        Worker(servers, limit=3) as three,
    ):
        for worker in (one, two, three):
            worker.start()
        for _ in range(24):
            await create_job(scheduler.database, payload={"seconds": 0.05})
        await all_completed(scheduler, 24)
        assert await running_side_by_side(scheduler) <= 3
        runs = await find_runs(scheduler.database)
        assert {run["attempt"] for run in runs} == {1}
        assert await scheduler.database["executions"].count_documents({}) == 24
        redis = scheduler.redis
        assert await redis.exists(SLOTS, QUEUE) == 0


async def test_a_worker_without_a_slot_takes_no_more_than_one_batch_and_hardly_asks(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with (
        Worker(servers, limit=1, concurrency=8) as busy,
        Worker(servers, limit=1, concurrency=8) as waiting,
    ):
        busy.start()
        await create_job(scheduler.database, payload={"seconds": 60.0})
        await eventually(lambda: find_runs(scheduler.database, state="running"))
        waiting.start()
        for _ in range(30):
            await create_job(scheduler.database)

        async def is_held_up() -> bool:
            found: Any = await scheduler.redis.xpending(STREAM, WORKERS)
            return await scheduler.redis.xlen(STREAM) == 31 and found["pending"] > 1

        await eventually(is_held_up)
        before = await scripts_called(scheduler.redis)
        await asyncio.sleep(2)
        pending: Any = await scheduler.redis.xpending(STREAM, WORKERS)
        assert pending["pending"] <= 1 + busy.service.batch_size + waiting.service.batch_size
        # two workers ask ten times a second, whatever waits; the rest are heartbeats and schedulers
        assert await scripts_called(scheduler.redis) - before < 100
        # what waits is not taken for lost, and not put on its stream again
        assert await scheduler.redis.xlen(STREAM) == 31


async def scripts_called(redis: Redis) -> int:
    """Return how often a lease was asked for or renewed."""
    stats: Any = await redis.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {"calls": 0})["calls"])


async def test_a_dead_holders_slots_fall_free_with_its_leases(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with Worker(servers, limit=2) as victim, Worker(servers, limit=2) as heir:
        victim.start()
        for _ in range(2):
            await create_job(scheduler.database, payload={"seconds": 60.0})

        async def both_run() -> bool:
            return len(await find_runs(scheduler.database, state="running")) == 2

        await eventually(both_run)
        await scheduler.database["runs"].update_many({}, {"$set": {"payload.seconds": 0}})
        await victim.crash()
        heir.start()
        await create_job(scheduler.database)
        await all_completed(scheduler, 3)


async def test_a_place_in_the_queue_dies_with_its_worker(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with (
        Worker(servers, limit=1) as holder,
        Worker(servers, limit=1) as victim,
        Worker(servers, limit=1) as heir,
    ):
        holder.start()
        await create_job(scheduler.database, payload={"seconds": 3.0})
        await eventually(lambda: find_runs(scheduler.database, state="running"))
        victim.start()
        # the holder may take some as well, but it reads no more once one of them waits
        for _ in range(40):
            await create_job(scheduler.database)
        await eventually(lambda: scheduler.redis.zcard(QUEUE))
        await victim.crash()
        heir.start()
        await all_completed(scheduler, 41)
        assert await scheduler.database["executions"].count_documents({}) == 41


async def test_a_stopping_worker_leaves_the_queue_at_once(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with Worker(servers, limit=1, grace_seconds=20) as leaving:
        await scheduler.redis.zadd(SLOTS, {"held by another": 2**52})
        leaving.start()
        await create_job(scheduler.database)
        await eventually(lambda: scheduler.redis.zcard(QUEUE))
        (run,) = await find_runs(scheduler.database, state="queued")
        await leaving.stop()
        assert await scheduler.redis.zcard(QUEUE) == 0
        assert await scheduler.redis.get(lease_key(run["_id"], 1)) is None


async def test_a_flush_frees_no_slot_for_longer_than_a_heartbeat_and_blocks_none(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with Worker(servers, limit=2) as one, Worker(servers, limit=2) as two:
        one.start()
        for _ in range(2):
            await create_job(scheduler.database, payload={"seconds": 2.0})

        async def both_run() -> bool:
            return len(await find_runs(scheduler.database, state="running")) == 2

        await eventually(both_run)
        await scheduler.redis.flushall()

        async def slots_are_back() -> bool:
            return bool(await scheduler.redis.zcard(SLOTS) == 2)

        await eventually(slots_are_back)
        two.start()
        for _ in range(6):
            await create_job(scheduler.database, payload={"seconds": 0.05})
        await all_completed(scheduler, 8)
        assert await running_side_by_side(scheduler) <= 2


async def test_a_run_that_waits_for_a_slot_is_cancelled(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    async with Worker(servers, limit=1) as worker:
        worker.start()
        await create_job(scheduler.database, payload={"seconds": 60.0})
        await eventually(lambda: find_runs(scheduler.database, state="running"))
        await create_job(scheduler.database, at=now_utc() + timedelta(milliseconds=1))
        await eventually(lambda: scheduler.redis.zcard(QUEUE))
        (run,) = await find_runs(scheduler.database, state="queued")
        request = {"kind": RequestKind.CANCEL.value, "runId": run["_id"], "at": now_utc()}
        await scheduler.database["runRequests"].insert_one({"_id": "1", **request})
        await eventually(lambda: find_runs(scheduler.database, state="cancelled"))

        async def left() -> bool:
            return not await scheduler.redis.zcard(QUEUE)

        await eventually(left)
