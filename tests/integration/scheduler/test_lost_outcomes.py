"""Outcomes that were lost, or wait for a scheduler that was away: no run is doubled or given up."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from common.models import now_utc, to_millis
from common.streams import (
    DEAD_STREAM,
    OUTCOMES_STREAM,
    SCHEDULER_GROUP,
    ensure_group,
    lease_key,
)
from tests.integration.engine_data import (
    Clock,
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


async def test_runs_whose_outcomes_wait_for_long_are_not_emitted_again(
    scheduler: SchedulerReplica, servers: Servers, clock: Clock
) -> None:
    """The leases of their finished attempts have run out before anybody recorded them."""
    db = scheduler.database
    for _ in range(5):
        await create_job(db)
    await scheduler.dispatcher.dispatch()
    async with Worker(servers) as worker:
        worker.start()

        async def said() -> bool:
            kinds = [each["kind"] for each in await read_events(scheduler.redis, OUTCOMES_STREAM)]
            return kinds.count("completed") == 5

        await eventually(said)
    outcomes: Any = await scheduler.redis.xrange(OUTCOMES_STREAM)
    await scheduler.redis.delete(OUTCOMES_STREAM)
    long_ago = to_millis(now_utc() - timedelta(minutes=2))
    for number, (_, fields) in enumerate(outcomes):
        await scheduler.redis.xadd(OUTCOMES_STREAM, fields, id=f"{long_ago + number}-0")
    await ensure_group(scheduler.redis, OUTCOMES_STREAM, SCHEDULER_GROUP)
    for run in await find_runs(db):
        await scheduler.redis.delete(lease_key(run["_id"], 1))
    clock.jump(minutes=2)
    await scheduler.reconciler.reconcile()
    assert {run["emissions"] for run in await find_runs(db)} == {1}
    scheduler.start_recovering()

    async def recorded() -> bool:
        return len(await find_runs(db, state="completed")) == 5

    await eventually(recorded)
    assert {run["emissions"] for run in await find_runs(db)} == {1}


async def test_what_the_worker_said_last_counts_before_the_loss_of_its_lease(
    scheduler: SchedulerReplica, servers: Servers
) -> None:
    """The scheduler was away for longer than a finished lease is kept."""
    async with Worker(servers) as worker:
        worker.start()
        db = scheduler.database
        await create_job(db, maxAttempts=1)
        await scheduler.dispatcher.dispatch()

        async def finished() -> bool:
            kinds = [each["kind"] for each in await read_events(scheduler.redis, OUTCOMES_STREAM)]
            return "completed" in kinds

        await eventually(finished)
        (run,) = await find_runs(db)
        await db["runs"].update_one({"_id": run["_id"]}, {"$set": {"state": "running"}})
        await scheduler.redis.delete(lease_key(run["_id"], 1))

        async def given_up() -> bool:
            await scheduler.reconciler.end_abandoned_attempts()
            kinds = [each["kind"] for each in await read_events(scheduler.redis, OUTCOMES_STREAM)]
            return "failed" in kinds

        await eventually(given_up)
        scheduler.start()

        async def recorded() -> bool:
            return len(await find_runs(db, state="completed")) == 1

        await eventually(recorded)
        assert await read_events(scheduler.redis, DEAD_STREAM) == []


async def test_a_last_attempt_whose_completion_was_lost_with_redis_is_completed_by_its_result(
    scheduler: SchedulerReplica, servers: Servers
) -> None:
    async with Worker(servers) as worker:
        db = scheduler.database
        job_id = await create_job(db, maxAttempts=1, payload={"alerts": 2})
        await scheduler.dispatcher.dispatch()
        worker.start()

        async def said() -> bool:
            kinds = [each["kind"] for each in await read_events(scheduler.redis, OUTCOMES_STREAM)]
            return "completed" in kinds

        await eventually(said)
    # the start was recorded, then Redis lost the end
    started = {"state": "running", "worker": worker.name, "startedAt": now_utc()}
    await db["runs"].update_one({"jobId": job_id}, {"$set": started})
    await scheduler.redis.flushall()
    scheduler.start()

    async def shown() -> bool:
        return (await find_job(db, job_id))["status"] in ("completed", "failed")

    await eventually(shown)
    (run,) = await find_runs(db)
    assert (run["state"], run["attempt"], run["errors"]) == ("completed", 1, [])
    assert (run["resultId"], run["alertsCount"]) == (run["_id"], 2)
    assert run["summary"] == {"worker": worker.name}
    job = await find_job(db, job_id)
    assert (job["status"], job["lastError"]) == ("completed", None)
    assert len(await find_executions(db, run["_id"])) == 1
    assert await read_events(scheduler.redis, DEAD_STREAM) == []
