"""Runs are cancelled and failed ones tried again, as users ask."""

from datetime import timedelta
from typing import Any

import pytest

from common.models import now_utc
from common.streams import CANCELLED, lease_key
from tests.integration.engine_data import (
    STREAM,
    Database,
    Document,
    create_job,
    eventually,
    find_executions,
    find_job,
    find_runs,
    read_events,
)
from tests.integration.engine_harness import SchedulerReplica, Servers, Worker


async def ask(database: Database, kind: str, run_id: str) -> None:
    """Write a request as the gateway does."""
    wish = {"kind": kind, "runId": run_id, "at": now_utc(), "note": "why not"}
    await database["runRequests"].insert_one({"_id": f"{kind}:{run_id}", **wish})


async def requests(database: Database) -> int:
    return await database["runRequests"].count_documents({})


async def only_run(database: Database, **criteria: Any) -> Document:
    (run,) = await find_runs(database, **criteria)
    return run


async def wait_for_state(database: Database, state: str) -> Document:
    async def reached() -> list[Document]:
        return await find_runs(database, state=state)

    (run,) = await eventually(reached)
    return run


async def test_a_queued_run_is_cancelled_and_no_worker_begins_it(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        db = scheduler.database
        job_id = await create_job(db, every=timedelta(hours=1))
        scheduler.start()
        queued = await wait_for_state(db, "queued")
        await ask(db, "cancel", queued["_id"])
        run = await wait_for_state(db, "cancelled")
        assert (run["cancel"]["note"], run["errors"]) == ("why not", [])
        assert run["finishedAt"] >= run["cancel"]["requestedAt"]

        worker.start()

        async def read() -> bool:
            groups: Any = await scheduler.redis.xinfo_groups(STREAM)
            return bool(groups[0]["entries-read"]) and groups[0]["pending"] == 0

        await eventually(read)
        assert await find_executions(db, run["_id"]) == []

        async def done() -> bool:
            return await requests(db) == 0

        await eventually(done)
        job = await find_job(db, job_id)
        assert (job["status"], job["lastError"]["type"]) == ("failed", "Cancelled")
        assert job["schedule"]["current"]["state"] == "cancelled"
        assert job["nextRunAt"] is not None


async def test_a_running_attempt_stops_and_its_worker_says_so(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        db = scheduler.database
        job_id = await create_job(db, payload={"seconds": 3600})
        scheduler.start()
        worker.start()
        running = await wait_for_state(db, "running")
        await ask(db, "cancel", running["_id"])

        run = await wait_for_state(db, "cancelled")
        assert (run["worker"], run["attempt"]) == (worker.name, 1)
        said = [
            event
            for event in await read_events(scheduler.redis, "jobs.outcomes")
            if event["kind"] == "cancelled"
        ]
        assert [event["worker"] for event in said] == [worker.name]

        async def shown() -> bool:
            return ((await find_job(db, job_id))["lastError"] or {}).get("type") == "Cancelled"

        await eventually(shown)
        assert await db["toy_results"].count_documents({}) == 0

        async def done() -> bool:
            return await requests(db) == 0 and not worker.service._running

        await eventually(done)
        assert worker.failures == scheduler.failures == []


async def test_a_run_whose_worker_died_is_cancelled_all_the_same(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        await create_job(db, maxAttempts=3)
        await scheduler.dispatcher.dispatch()
        run = await only_run(db)
        begun = {"state": "running", "startedAt": now_utc(), "worker": "dead"}
        await db["runs"].update_one({"_id": run["_id"]}, {"$set": begun})
        await ask(db, "cancel", run["_id"])
        scheduler.start_recovering()
        run = await wait_for_state(db, "cancelled")
        assert (run["attempt"], run["worker"], run["errors"]) == (1, "dead", [])


async def test_a_run_between_two_attempts_is_cancelled(servers: Servers) -> None:
    slow: dict[str, Any] = {"retry_initial_seconds": 1000, "retry_maximum_seconds": 1000}
    async with SchedulerReplica(servers, **slow) as scheduler, Worker(servers) as worker:
        db = scheduler.database
        await create_job(db, payload={"failing_executions": 9})
        scheduler.start()
        worker.start()
        retrying = await wait_for_state(db, "retrying")
        await ask(db, "cancel", retrying["_id"])
        run = await wait_for_state(db, "cancelled")
        assert (run["attempt"], len(run["errors"])) == (2, 1)


async def test_a_run_that_ended_meanwhile_stays_as_it_is(servers: Servers) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        await create_job(db)
        await scheduler.dispatcher.dispatch()
        run = await only_run(db)
        await db["runs"].update_one({"_id": run["_id"]}, {"$set": {"state": "completed"}})
        await ask(db, "cancel", run["_id"])
        await ask(db, "redrive", run["_id"])
        await ask(db, "cancel", "gone")
        await scheduler.requests.handle()
        assert (await only_run(db))["state"] == "completed"
        assert await scheduler.redis.get(lease_key(run["_id"], 1)) is None
        assert await requests(db) == 0


@pytest.mark.parametrize("dies_after", ["lease", "run"])
async def test_a_replica_that_dies_half_way_is_followed_by_one_that_ends_the_cancellation(
    servers: Servers, dies_after: str
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        job_id = await create_job(db, every=timedelta(hours=1))
        await scheduler.dispatcher.dispatch()
        run = await only_run(db)
        await ask(db, "cancel", run["_id"])
        await scheduler.redis.set(lease_key(run["_id"], 1), CANCELLED)
        if dies_after == "run":
            ended = {"state": "cancelled", "finishedAt": now_utc()}
            await db["runs"].update_one({"_id": run["_id"]}, {"$set": ended})
        for _ in range(2):
            await scheduler.requests.handle()
        await scheduler.audit.correct_jobs()
        assert (await only_run(db))["state"] == "cancelled"
        job = await find_job(db, job_id)
        assert (job["status"], job["lastError"]["type"]) == ("failed", "Cancelled")
        assert await requests(db) == 0


async def test_a_failed_run_is_tried_again_with_as_many_attempts_as_at_first(
    servers: Servers,
) -> None:
    async with SchedulerReplica(servers) as scheduler, Worker(servers) as worker:
        db = scheduler.database
        job_id = await create_job(db, payload={"failing_executions": 3}, maxAttempts=2)
        scheduler.start()
        worker.start()
        failed = await wait_for_state(db, "failed")
        await ask(db, "redrive", failed["_id"])

        run = await wait_for_state(db, "completed")
        assert (run["attempt"], run["firstAttempt"], run["maxAttempts"]) == (4, 3, 4)
        assert [error["attempt"] for error in run["errors"]] == [1, 2, 3]

        async def shown() -> bool:
            return bool((await find_job(db, job_id))["status"] == "completed")

        await eventually(shown)
        assert await requests(db) == 0
        assert len(await read_events(scheduler.redis, "jobs.dead")) == 1
