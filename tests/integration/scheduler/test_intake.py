"""Outcomes come off their stream: none is lost, and none that is poisonous stops the others."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.events import Event
from common.streams import (
    DATA_FIELD,
    OUTCOMES_STREAM,
    SCHEDULER_GROUP,
    ensure_group,
    to_entry,
)
from local_stack.servers import MongoServer
from scheduler import janitor
from tests.integration.engine_data import eventually, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers
from tests.integration.engine_outcomes import both, completed, letters, queue_run, started


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand."""
    async with SchedulerReplica(servers) as replica:
        yield replica


async def publish(scheduler: SchedulerReplica, *events: Event) -> None:
    await ensure_group(scheduler.redis, OUTCOMES_STREAM, SCHEDULER_GROUP)
    for event in events:
        await scheduler.redis.xadd(OUTCOMES_STREAM, to_entry(event))


async def pending(scheduler: SchedulerReplica) -> int:
    found: Any = await scheduler.redis.xpending(OUTCOMES_STREAM, SCHEDULER_GROUP)
    return int(found["pending"])


@pytest.mark.parametrize(
    "poison",
    [
        {"job_id": "not an id"},
        {"attempt": 10**30},
        {"alerts_count": 10**30},
        {"summary": {"a\0b": 1}},
        {"summary": {"large": "x" * 17_000_000}},
    ],
    ids=["job id", "attempt", "alerts", "key with NUL", "17 MB"],
)
async def test_an_outcome_that_cannot_be_recorded_does_not_hold_up_the_others(
    scheduler: SchedulerReplica, poison: dict[str, Any]
) -> None:
    first, last = await queue_run(scheduler), await queue_run(scheduler)
    bad = completed(await queue_run(scheduler)).model_copy(update=poison)
    await publish(scheduler, completed(first), bad, completed(last))
    scheduler.start()

    async def recorded() -> bool:
        return len(await find_runs(scheduler.database, state="completed")) >= 2

    await eventually(recorded)

    async def settled() -> bool:
        return await pending(scheduler) == 0

    await eventually(settled)
    for run in (first, last):
        assert (await both(scheduler, run))[0]["state"] == "completed"
    (letter,) = await letters(scheduler)
    assert (letter["reason"], letter["stream"]) == ("unreadable", OUTCOMES_STREAM)
    assert scheduler.failures == []


async def test_an_unknown_kind_of_outcome_is_moved_aside(scheduler: SchedulerReplica) -> None:
    await scheduler.redis.xadd(OUTCOMES_STREAM, {DATA_FIELD: '{"kind": "exploded"}'})
    scheduler.start()

    async def buried() -> bool:
        return len(await letters(scheduler)) == 1

    await eventually(buried)


async def test_outcomes_that_arrive_while_mongodb_is_away_are_recorded_when_it_is_back(
    redis_url: str, own_mongodb: MongoServer, caplog: pytest.LogCaptureFixture
) -> None:
    servers = Servers(redis_url, own_mongodb.url, "job-runner")
    async with SchedulerReplica(servers) as scheduler:
        runs = [await queue_run(scheduler) for _ in range(3)]
        scheduler.start()
        await publish(scheduler, *(started(run) for run in runs))

        async def all_running() -> bool:
            return len(await find_runs(scheduler.database, state="running")) == 3

        await eventually(all_running)
        await asyncio.to_thread(own_mongodb.kill)
        caplog.clear()
        for run in runs:
            await scheduler.redis.set(f"jobs.lease:{run['_id']}:1", "finished")
            await publish(scheduler, completed(run))
        await asyncio.sleep(5)  # each part notices, after three seconds without a server
        assert len(caplog.records) <= 6
        await asyncio.to_thread(own_mongodb.start)

        async def all_completed() -> bool:
            return len(await find_runs(scheduler.database, state="completed")) == 3

        await eventually(all_completed)
        assert scheduler.failures == []


async def test_outcomes_read_by_a_scheduler_that_died_are_recorded_by_another(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "TAKE_OVER_MILLISECONDS", 200)
    async with SchedulerReplica(servers) as victim, SchedulerReplica(servers) as heir:
        run = await queue_run(victim)

        async def die(_: Any) -> None:
            raise asyncio.CancelledError

        monkeypatch.setattr(victim.intake._recorder, "record", die)
        victim.start()
        await publish(victim, started(run), completed(run))

        async def taken() -> bool:
            return await pending(victim) == 2

        await eventually(taken)
        await victim.crash()

        heir.start()

        async def recorded() -> bool:
            _, job = await both(heir, run)
            return bool(job["status"] == "completed")

        await eventually(recorded)

        async def acknowledged() -> bool:
            return await pending(heir) == 0

        await eventually(acknowledged)
