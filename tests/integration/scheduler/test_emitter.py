"""Events are emitted at their moment, once, and kept as long as Redis takes none."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.events import JobDue
from common.models import now_utc, to_millis
from local_stack.servers import RedisServer
from tests.integration.engine_data import (
    ACTION,
    STREAM,
    WORKERS,
    Clock,
    create_job,
    eventually,
    find_runs,
    read_events,
)
from tests.integration.engine_harness import SchedulerReplica, Servers


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler of which only the emitter runs."""
    async with SchedulerReplica(servers) as replica:
        replica.start_emitter()
        yield replica


def due() -> JobDue:
    job_id = str(ObjectId())
    return JobDue(
        run_id=f"{job_id}:1",
        job_id=job_id,
        action=ACTION,
        attempt=1,
        payload={},
        chain_id=None,
        due_at=now_utc(),
        timeout_seconds=60,
    )


async def emitted(scheduler: SchedulerReplica, number: int) -> list[str]:
    """Wait until so many events are on the stream and return their run ids."""

    async def probe() -> list[dict[str, Any]]:
        events = await read_events(scheduler.redis, STREAM)
        return events if len(events) >= number else []

    return [event["run_id"] for event in await eventually(probe)]


async def test_events_are_emitted_in_the_order_of_their_moments_and_not_before(
    scheduler: SchedulerReplica,
) -> None:
    now = now_utc()
    planned = [(now + timedelta(seconds=after), due()) for after in (0.4, 0.1, 0.25, -60.0)]
    for at, event in planned:
        scheduler.emitter.add(event, at=at, number=1)
    run_ids = await emitted(scheduler, 4)
    in_order = sorted(planned, key=lambda each: each[0])
    assert run_ids == [event.run_id for _, event in in_order]
    entries: Any = await scheduler.redis.xrange(STREAM)
    for (entry_id, _), (at, _) in zip(entries, in_order, strict=True):
        assert int(entry_id.split(b"-")[0]) >= to_millis(at)


async def test_the_same_emission_is_made_once_and_a_further_one_again(
    scheduler: SchedulerReplica,
) -> None:
    event = due()
    for number in (1, 1, 2, 1, 2):
        scheduler.emitter.add(event, at=now_utc(), number=number)
    marker = due()
    scheduler.emitter.add(marker, at=now_utc(), number=1)
    assert await emitted(scheduler, 3) == [event.run_id, event.run_id, marker.run_id]


async def test_thousands_due_at_one_moment_are_all_emitted(scheduler: SchedulerReplica) -> None:
    events = [due() for _ in range(2_000)]
    for event in events:
        scheduler.emitter.add(event, at=now_utc(), number=1)
    assert await emitted(scheduler, 2_000) == [event.run_id for event in events]


async def test_a_moment_that_a_wrong_clock_put_far_ahead_comes_when_the_clock_is_right(
    servers: Servers,
) -> None:
    clock = Clock()
    clock.jump(hours=-1)
    async with SchedulerReplica(servers, clock=clock) as scheduler:
        scheduler.start_emitter()
        event = due()
        scheduler.emitter.add(event, at=now_utc(), number=1)
        await asyncio.sleep(0.1)
        assert await scheduler.redis.xlen(STREAM) == 0
        clock.jump(hours=1)
        assert await emitted(scheduler, 1) == [event.run_id]


async def test_events_wait_for_a_redis_that_is_away_and_none_is_emitted_twice(
    mongodb_uri: str, database_name: str, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    servers = Servers(own_redis.url, mongodb_uri, database_name)
    async with SchedulerReplica(servers) as scheduler:
        scheduler.start_emitter()
        await asyncio.to_thread(own_redis.kill)
        events = [due() for _ in range(5)]
        for event in events:
            scheduler.emitter.add(event, at=now_utc(), number=1)

        async def blocked() -> bool:
            return scheduler.emitter.is_blocked

        await eventually(blocked)
        await asyncio.sleep(2)
        assert len(caplog.records) == 1
        await asyncio.to_thread(own_redis.start)
        assert await emitted(scheduler, 5) == [event.run_id for event in events]
        assert not await blocked()


async def test_a_stopping_scheduler_emits_what_is_due_within_its_look_ahead(
    scheduler: SchedulerReplica,
) -> None:
    event = due()
    scheduler.emitter.add(event, at=now_utc() + timedelta(seconds=0.3), number=1)
    await scheduler.emitter.drain(30)
    assert await emitted(scheduler, 1) == [event.run_id]
    await scheduler.emitter.drain(30)


async def test_a_redis_that_takes_no_writes_fills_neither_memory_nor_log(
    mongodb_uri: str,
    database_name: str,
    own_redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A demoted primary still answers reads."""
    servers = Servers(own_redis.url, mongodb_uri, database_name)
    clock = Clock()
    async with SchedulerReplica(servers, clock=clock) as scheduler:
        await scheduler.redis.xgroup_create(STREAM, WORKERS, id="0", mkstream=True)
        await scheduler.redis.replicaof("127.0.0.1", "1")
        scheduler.start()
        for _ in range(5):
            await create_job(scheduler.database)

        async def created() -> bool:
            return len(await find_runs(scheduler.database)) == 5 and scheduler.emitter.is_blocked

        await eventually(created)
        # a pass that began before Redis was found to take nothing may yet add each run
        most = len(scheduler.emitter._heap) + 5
        for _ in range(10):
            clock.jump(minutes=1)
            await asyncio.sleep(0.25)
        assert len(scheduler.emitter._heap) <= most
        assert len(caplog.records) <= 10
        assert scheduler.failures == []

        await scheduler.redis.replicaof("NO", "ONE")

        async def all_emitted() -> bool:
            return (
                len({event["run_id"] for event in await read_events(scheduler.redis, STREAM)}) == 5
            )

        await eventually(all_emitted)
        assert len(await read_events(scheduler.redis, STREAM)) <= most + 5
