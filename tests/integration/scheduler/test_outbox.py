"""Runs are announced by their jobs first: what exists already, and what nobody has created."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from common.models import now_utc
from tests.integration.engine_data import STREAM, create_job, find_job, find_runs, read_events
from tests.integration.engine_harness import SchedulerReplica, Servers

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("state", ["skipped", "failed", "completed"])
async def test_an_occurrence_that_has_its_run_already_is_not_carried_out_again(
    servers: Servers, state: str
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        at = now_utc() - HOUR
        job_id = await create_job(db, at=at)
        await scheduler.dispatcher.dispatch()
        await db["runs"].update_many({}, {"$set": {"state": state, "finishedAt": now_utc()}})
        await scheduler.audit.correct_jobs()
        (before,) = await find_runs(db)
        await db["jobs"].update_one({"_id": job_id}, {"$set": {"nextRunAt": before["dueAt"]}})
        await scheduler.emitter.emit_due()
        emitted = len(await read_events(scheduler.redis, STREAM))

        await scheduler.redis.flushall()
        await scheduler.dispatcher.dispatch()
        await scheduler.emitter.emit_due()
        await scheduler.audit.correct_jobs()

        assert emitted == 1
        assert await read_events(scheduler.redis, STREAM) == []
        assert await find_runs(db) == [before]
        assert (await find_job(db, job_id))["schedule"]["current"]["state"] == state


async def test_what_a_failed_pass_has_announced_is_created_by_the_next(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SchedulerReplica(servers) as scheduler:
        db = scheduler.database
        job_id = await create_job(db, every=HOUR, at=now_utc() - 2.5 * HOUR)

        async def fail(runs: list[Any]) -> None:
            if runs:
                raise AutoReconnect("the primary stepped down")

        with monkeypatch.context() as patch:
            patch.setattr(scheduler.dispatcher._outbox, "insert", fail)
            with pytest.raises(AutoReconnect):
                await scheduler.dispatcher.dispatch()
        assert await find_runs(db) == []
        await scheduler.dispatcher.dispatch()
        runs = await find_runs(db, jobId=job_id)
        assert [run["state"] for run in runs] == ["skipped", "queued"]
        assert "unrecorded" not in (await find_job(db, job_id))["schedule"]


async def test_replicas_that_meet_at_the_same_jobs_make_way_for_each_other(
    servers: Servers,
) -> None:
    async with (
        SchedulerReplica(servers, batch_size=10) as one,
        SchedulerReplica(servers, batch_size=10) as other,
    ):
        db = one.database
        for _ in range(200):
            await create_job(db, every=HOUR)
        replicas = (one, other)
        while any(await asyncio.gather(*(each.dispatcher.dispatch() for each in replicas))):
            pass
        assert len(await find_runs(db)) == await db["jobs"].count_documents({}) == 200
        assert await db["jobs"].count_documents({"schedule.current.state": "queued"}) == 200
        for replica in replicas:
            await replica.emitter.emit_due()
        assert len(await read_events(one.redis, STREAM)) == 200


async def test_a_replica_whose_rival_is_gone_leaves_no_job_alone_for_long(
    servers: Servers,
) -> None:
    async with SchedulerReplica(servers, batch_size=10) as scheduler:
        db = scheduler.database
        scheduler.dispatcher._is_contended = True
        oldest = await create_job(db, every=HOUR, at=now_utc() - HOUR)
        for _ in range(60):
            await create_job(db, every=HOUR)
        # the backlog never gets shorter; each pass has a chance of one in four
        for _ in range(100):
            await scheduler.dispatcher.dispatch()
            if await find_runs(db, jobId=oldest):
                return
            for _ in range(10):
                await create_job(db, every=HOUR)
        raise AssertionError("the oldest job is never looked at")
