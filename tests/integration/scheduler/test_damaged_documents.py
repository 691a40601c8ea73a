"""A hand in the database may leave anything: one document fails, and nobody else notices."""

from datetime import timedelta
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS

from common.models import now_utc
from tests.integration.engine_data import ACTION, create_job, find_job, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers

HOUR = timedelta(hours=1)
BEYOND_PYTHON = DatetimeMS(8_640_000_000_000_000)
"""The last moment that JavaScript knows: `new Date(8640000000000000)`, said to mean never."""


async def look(scheduler: SchedulerReplica) -> None:
    """Do everything that a scheduler does again and again."""
    await scheduler.dispatcher.dispatch()
    await scheduler.reconciler.reconcile()
    await scheduler.requests.handle()
    await scheduler.audit.correct_jobs()


@pytest.mark.parametrize(
    "damage",
    [
        {"endAt": BEYOND_PYTHON},
        {"cron": "0 * * * *", "timezone": "Europe"},
        {"schedule": [{"triggerAt": now_utc()}]},
        {"schedule.triggerAt": BEYOND_PYTHON, "endAt": BEYOND_PYTHON},
    ],
    ids=str,
)
async def test_a_job_that_means_nothing_is_set_aside(
    servers: Servers, damage: dict[str, Any]
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        damaged = await create_job(db, every=HOUR)
        sound = await create_job(db, every=HOUR)
        await db["jobs"].update_one({"_id": damaged}, {"$set": damage})
        await look(scheduler)
        await look(scheduler)
        assert [run["jobId"] for run in await find_runs(db)] == [sound]
        job = await db["jobs"].find_one({"_id": damaged}, {"status": 1, "lastError": 1})
        assert job is not None
        if "schedule" in damage:  # without a schedule a job is never due
            assert job["status"] == "pending"
        else:
            assert job["status"] == "failed"
            assert "cannot be planned" in job["lastError"]["message"]


@pytest.mark.parametrize(
    "current",
    [
        {"state": "queued"},
        {"state": "queued", "attempt": 1},
        {"state": "queued", "attempt": 1, "runId": "x"},
        {"state": "queued", "attempt": 1, "runId": "x:99999999999999999999"},
        {"state": "running", "attempt": "first", "runId": 7},
        [{"state": "queued"}],
    ],
    ids=str,
)
async def test_a_job_that_shows_a_run_which_cannot_be_is_corrected_or_fails(
    servers: Servers, current: Any
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        damaged = await create_job(db, every=HOUR, at=now_utc() + HOUR)
        await db["jobs"].update_one({"_id": damaged}, {"$set": {"schedule.current": current}})
        sound = await create_job(db)
        for _ in range(3):
            await look(scheduler)
        assert await find_runs(db, jobId=sound)
        job = await find_job(db, damaged)
        # the list is found out when the job is due
        assert isinstance(current, list) or job["schedule"]["current"] != current


@pytest.mark.parametrize("state", ["retrying", "queued"])
@pytest.mark.parametrize(
    "damage",
    [{"payload": None}, {"attempt": "first"}, {"emissions": None}, {"timeoutSeconds": "long"}],
    ids=str,
)
async def test_a_run_that_cannot_be_carried_out_fails_and_the_others_go_on(
    servers: Servers, state: str, damage: dict[str, Any]
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        damaged, sound = [await create_job(db) for _ in range(2)]
        await scheduler.dispatcher.dispatch()
        late = {"state": state, "emitAt": now_utc() - timedelta(minutes=1)}
        await db["runs"].update_many({}, {"$set": late})
        await db["runs"].update_one({"jobId": damaged}, {"$set": damage})
        for _ in range(3):
            await look(scheduler)
        (run,) = await find_runs(db, jobId=damaged)
        assert run["state"] == "failed"
        assert run["errors"][-1]["type"] == "InvalidRun"
        job = await find_job(db, damaged)
        assert (job["status"], job["lastError"]["type"]) == ("failed", "InvalidRun")
        (other,) = await find_runs(db, jobId=sound)
        assert (other["state"], other["action"]) == ("queued", ACTION)


async def test_what_was_announced_and_cannot_be_created_lets_the_job_fail(
    servers: Servers,
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        job_id = await create_job(db, every=HOUR, at=now_utc() - 2.5 * HOUR)
        await scheduler.dispatcher.dispatch()
        await db["runs"].delete_many({})
        skip = {"first": now_utc(), "last": now_utc(), "occurrences": 1, "reason": "no reason"}
        await db["jobs"].update_one({"_id": job_id}, {"$set": {"schedule.unrecorded": [skip]}})
        await scheduler.audit.correct_jobs()
        job = await find_job(db, job_id)
        assert job["status"] == "failed"
        assert "no reason" in job["lastError"]["message"]
        assert "unrecorded" not in job["schedule"]
        assert await find_runs(db) == []
