"""Due jobs get their runs: once each, at their moment, with a reason for each that does not run."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.models import now_utc, to_millis
from tests.integration.engine_data import (
    STREAM,
    Clock,
    Database,
    Document,
    create_job,
    eventually,
    find_job,
    find_runs,
    read_events,
)
from tests.integration.engine_harness import SchedulerReplica, Servers

HOUR = timedelta(hours=1)


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand; only its emitter runs."""
    async with SchedulerReplica(servers, look_ahead_seconds=0.5) as replica:
        replica.start_emitter()
        yield replica


async def set_current(database: Database, job_id: ObjectId, state: str) -> None:
    current = {"runId": f"{job_id}:0", "attempt": 1, "state": state}
    await database["jobs"].update_one({"_id": job_id}, {"$set": {"schedule.current": current}})


def occurrences_of(runs: list[Document], interval: timedelta) -> Counter[datetime]:
    """Count how often each occurrence has a run or is part of a recorded stretch."""
    counted: Counter[datetime] = Counter()
    for run in runs:
        first, count = run["dueAt"], run.get("occurrences", 1)
        if run["state"] == "skipped":
            assert run["skippedUntil"] == first + (count - 1) * interval
        counted.update(first + number * interval for number in range(count))
    return counted


async def test_replicas_at_work_at_the_same_time_create_and_emit_each_run_once(
    servers: Servers,
) -> None:
    async with (
        SchedulerReplica(servers, batch_size=20) as one,
        SchedulerReplica(servers, batch_size=20) as two,
        SchedulerReplica(servers, batch_size=20) as three,
    ):
        for _ in range(100):
            await create_job(one.database, every=HOUR)
        for replica in (one, two, three):
            replica.start_dispatching()

        async def all_emitted() -> bool:
            return len(await read_events(one.redis, STREAM)) >= 100

        await eventually(all_emitted)
        emitted = Counter(event["run_id"] for event in await read_events(one.redis, STREAM))
        runs = await find_runs(one.database)
        assert emitted == Counter(run["_id"] for run in runs)
        assert Counter(run["jobId"] for run in runs).most_common(1)[0][1] == 1
        assert one.failures == two.failures == three.failures == []


async def test_a_run_is_created_ahead_and_emitted_at_its_moment(
    scheduler: SchedulerReplica,
) -> None:
    due_at = now_utc() + timedelta(seconds=0.4)
    job_id = await create_job(scheduler.database, at=due_at)
    await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database)
    assert run["_id"] == f"{job_id}:{to_millis(due_at)}"
    assert run["createdAt"] < due_at

    async def entries() -> Any:
        return await scheduler.redis.xrange(STREAM)

    ((entry_id, _),) = await eventually(entries)
    assert int(entry_id.split(b"-")[0]) >= to_millis(due_at)


async def test_a_job_due_after_the_look_ahead_waits(scheduler: SchedulerReplica) -> None:
    await create_job(scheduler.database, at=now_utc() + HOUR)
    await scheduler.dispatcher.dispatch()
    assert await find_runs(scheduler.database) == []


async def test_a_one_time_job_runs_once_however_late(scheduler: SchedulerReplica) -> None:
    at = now_utc() - timedelta(days=900)
    job_id = await create_job(scheduler.database, at=at)
    for _ in range(3):
        await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database)
    assert run["dueAt"] == at
    assert (await find_job(scheduler.database, job_id))["nextRunAt"] is None


async def test_of_missed_occurrences_the_latest_runs_and_the_others_have_a_reason(
    scheduler: SchedulerReplica,
) -> None:
    at = now_utc() - 5.5 * HOUR
    job_id = await create_job(scheduler.database, every=HOUR, at=at)
    await scheduler.dispatcher.dispatch()
    skipped, run = await find_runs(scheduler.database, jobId=job_id)
    assert (skipped["state"], skipped["skipReason"]) == ("skipped", "misfire")
    assert (skipped["dueAt"], skipped["skippedUntil"]) == (at, at + 4 * HOUR)
    assert skipped["occurrences"] == 5
    assert (run["state"], run["dueAt"]) == ("queued", at + 5 * HOUR)
    assert (await find_job(scheduler.database, job_id))["nextRunAt"] == at + 6 * HOUR


async def test_an_occurrence_that_finds_the_job_busy_is_recorded_as_overlap(
    scheduler: SchedulerReplica,
) -> None:
    at = now_utc()
    job_id = await create_job(scheduler.database, every=HOUR, at=at)
    await set_current(scheduler.database, job_id, "running")
    await scheduler.dispatcher.dispatch()
    (skipped,) = await find_runs(scheduler.database)
    assert (skipped["state"], skipped["skipReason"]) == ("skipped", "overlap")
    job = await find_job(scheduler.database, job_id)
    assert job["nextRunAt"] == at + HOUR
    assert job["schedule"]["current"]["state"] == "running"


async def test_a_busy_job_is_not_judged_before_its_occurrence_is_due(
    scheduler: SchedulerReplica,
) -> None:
    at = now_utc() + timedelta(seconds=0.4)
    job_id = await create_job(scheduler.database, every=HOUR, at=at)
    await set_current(scheduler.database, job_id, "running")
    await scheduler.dispatcher.dispatch()
    assert await find_runs(scheduler.database) == []

    await set_current(scheduler.database, job_id, "completed")
    await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database)
    assert run["state"] == "queued"


async def test_a_trigger_runs_the_job_and_leaves_its_schedule_alone(
    scheduler: SchedulerReplica,
) -> None:
    at, triggered_at = now_utc() + HOUR, now_utc()
    job_id = await create_job(scheduler.database, every=HOUR, at=at)
    await scheduler.database["jobs"].update_one(
        {"_id": job_id}, {"$set": {"schedule.triggerAt": triggered_at}}
    )
    for _ in range(3):
        await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database)
    assert run["_id"] == f"{job_id}:{to_millis(triggered_at)}"
    job = await find_job(scheduler.database, job_id)
    assert (job["nextRunAt"], job["schedule"]["triggerAt"]) == (at, None)


async def test_a_trigger_that_finds_the_job_busy_is_answered_by_a_recorded_overlap(
    scheduler: SchedulerReplica,
) -> None:
    triggered_at = now_utc()
    job_id = await create_job(scheduler.database, every=HOUR, at=now_utc() + HOUR)
    await set_current(scheduler.database, job_id, "running")
    await scheduler.database["jobs"].update_one(
        {"_id": job_id}, {"$set": {"schedule.triggerAt": triggered_at}}
    )
    await scheduler.dispatcher.dispatch()
    (skipped,) = await find_runs(scheduler.database)
    assert skipped["_id"] == f"{job_id}:{to_millis(triggered_at)}"
    assert (skipped["state"], skipped["skipReason"]) == ("skipped", "overlap")
    assert (await find_job(scheduler.database, job_id))["schedule"]["triggerAt"] is None


@pytest.mark.parametrize("later", [0.0, 0.6, 2.6, 7.1], ids="{} hours later".format)
async def test_after_a_crash_every_occurrence_has_one_run_or_one_reason(
    servers: Servers, later: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replica died when it had decided about two misses and a run, but not inserted them."""
    clock = Clock()
    async with SchedulerReplica(servers, clock=clock) as victim:
        db = victim.database
        start = clock() - 2.5 * HOUR
        job_id = await create_job(db, every=HOUR, at=start)

        async def crash(runs: list[Any]) -> None:
            if runs:
                raise asyncio.CancelledError

        monkeypatch.setattr(victim.dispatcher._outbox, "insert", crash)
        with pytest.raises(asyncio.CancelledError):
            await victim.dispatcher.dispatch()
        assert await find_runs(db) == []

    clock.jump(hours=later, seconds=1)
    async with SchedulerReplica(servers, clock=clock) as heir:
        db = heir.database
        for _ in range(3):
            await heir.dispatcher.dispatch()
            await db["runs"].update_many({"state": "queued"}, {"$set": {"state": "completed"}})
            await heir.audit.correct_jobs()
        counted = occurrences_of(await find_runs(db), HOUR)
        job = await find_job(db, job_id)
        due = int((clock() - start) / HOUR) + 1
        assert counted == Counter(start + number * HOUR for number in range(due))
        assert job["nextRunAt"] == start + due * HOUR


async def test_a_clock_that_jumps_ahead_and_back_doubles_and_stops_nothing(
    servers: Servers,
) -> None:
    clock = Clock()
    async with SchedulerReplica(servers, clock=clock) as scheduler:
        db = scheduler.database
        at = clock()
        job_id = await create_job(db, every=HOUR, at=at)
        await scheduler.dispatcher.dispatch()
        await db["runs"].update_many({}, {"$set": {"state": "completed"}})
        await scheduler.audit.correct_jobs()

        clock.jump(hours=3.5)
        await scheduler.dispatcher.dispatch()
        await db["runs"].update_many({"state": "queued"}, {"$set": {"state": "completed"}})
        await scheduler.audit.correct_jobs()
        clock.jump(hours=-3.5)
        await scheduler.dispatcher.dispatch()
        clock.jump(hours=4.5)
        await scheduler.dispatcher.dispatch()

        counted = occurrences_of(await find_runs(db), HOUR)
        assert counted == Counter(at + number * HOUR for number in range(5))
        assert (await find_job(db, job_id))["nextRunAt"] == at + 5 * HOUR
