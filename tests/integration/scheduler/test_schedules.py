"""Pauses, overlap policies, catch-up windows, cron and limits, on real servers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.models import now_utc
from common.timetable import Grid, Jittered
from tests.integration.engine_data import Clock, Database, create_job, find_job, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def scheduler(servers: Servers, clock: Clock) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand, at a time of its choice."""
    async with SchedulerReplica(servers, clock=clock) as replica:
        yield replica


async def set_fields(database: Database, job_id: ObjectId, **fields: Any) -> None:
    changes = {name.replace("__", "."): value for name, value in fields.items()}
    await database["jobs"].update_one({"_id": job_id}, {"$set": changes})


async def end_runs(scheduler: SchedulerReplica, state: str = "completed") -> None:
    """Let every run that is under way end, and its job show that."""
    ended = {"state": state, "finishedAt": scheduler.clock()}
    await scheduler.database["runs"].update_many({"state": "queued"}, {"$set": ended})
    await scheduler.audit.correct_jobs()


async def states(
    scheduler: SchedulerReplica, job_id: ObjectId
) -> list[tuple[str, str | None, int]]:
    runs = await find_runs(scheduler.database, jobId=job_id)
    return [(run["state"], run.get("skipReason"), run.get("occurrences", 1)) for run in runs]


async def die_before_inserting(scheduler: SchedulerReplica) -> None:
    """Dispatch as a replica that dies when its jobs have moved on."""
    with pytest.MonkeyPatch.context() as patch:

        async def die(runs: list[Any]) -> None:
            if runs:
                raise ConnectionError("died here")

        patch.setattr(scheduler.dispatcher._outbox, "insert", die)
        with pytest.raises(ConnectionError):
            await scheduler.dispatcher.dispatch()


async def test_a_paused_job_does_not_run_and_what_it_missed_is_one_record_when_it_is_resumed(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    at = clock() - timedelta(minutes=1)
    job_id = await create_job(
        scheduler.database,
        every=HOUR,
        at=None,
        pause={"at": at, "note": "maintenance", "by": "user", "nextRunAt": at},
    )
    await set_fields(scheduler.database, job_id, schedule__anchorAt=at, nextRunAt=None)
    clock.jump(hours=5)
    await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == []

    resumed = {"pause": None, "nextRunAt": at, "schedule__pausedUntil": clock()}
    await set_fields(scheduler.database, job_id, **resumed)
    await scheduler.dispatcher.dispatch()
    (skipped,) = await find_runs(scheduler.database, jobId=job_id)
    assert (skipped["skipReason"], skipped["occurrences"]) == ("paused", 6)
    assert (skipped["dueAt"], skipped["skippedUntil"]) == (at, at + 5 * HOUR)
    job = await find_job(scheduler.database, job_id)
    assert (job["nextRunAt"], job["schedule"]["pausedUntil"]) == (at + 6 * HOUR, None)

    clock.jump(hours=1)
    await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == [("skipped", "paused", 6), ("queued", None, 1)]


@pytest.mark.parametrize("is_audited_during_the_pause", [True, False])
async def test_what_a_dead_replica_decided_before_a_pause_is_not_recorded_as_paused(
    scheduler: SchedulerReplica, clock: Clock, is_audited_during_the_pause: bool
) -> None:
    db, at = scheduler.database, clock() - 2.5 * HOUR
    job_id = await create_job(db, every=HOUR, at=at)
    await die_before_inserting(scheduler)
    assert await states(scheduler, job_id) == []

    pause = {"at": clock(), "by": "user", "nextRunAt": at + 3 * HOUR}
    await set_fields(db, job_id, pause=pause, nextRunAt=None)
    if is_audited_during_the_pause:
        for _ in range(2):
            await scheduler.audit.correct_jobs()
        decided = [("skipped", "misfire", 2), ("queued", None, 1)]
        assert await states(scheduler, job_id) == decided
    clock.jump(hours=3)
    resumed = {"pause": None, "nextRunAt": at + 3 * HOUR, "schedule__pausedUntil": clock()}
    await set_fields(db, job_id, **resumed)
    for _ in range(3):
        await scheduler.dispatcher.dispatch()
        await scheduler.audit.correct_jobs()
        await end_runs(scheduler)

    runs = await find_runs(db, jobId=job_id)
    assert [run["dueAt"] for run in runs] == [at, at + 2 * HOUR, at + 3 * HOUR]
    assert await states(scheduler, job_id) == [
        ("skipped", "misfire", 2),
        ("completed", None, 1),
        ("skipped", "paused", 3),
    ]


async def test_a_buffered_occurrence_runs_when_the_run_before_has_ended(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db, at = scheduler.database, clock()
    job_id = await create_job(db, every=HOUR, at=at, overlap="bufferOne")
    await scheduler.dispatcher.dispatch()
    clock.jump(hours=3.5)
    for _ in range(3):
        assert not await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == [("queued", None, 1)]

    await end_runs(scheduler)
    clock.jump(minutes=1)
    await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == [
        ("completed", None, 1),
        ("skipped", "overlap", 2),
        ("queued", None, 1),
    ]
    assert (await find_job(db, job_id))["nextRunAt"] == at + 4 * HOUR


async def test_a_buffered_trigger_waits_for_the_run_before(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db = scheduler.database
    job_id = await create_job(db, every=HOUR, overlap="bufferOne")
    await scheduler.dispatcher.dispatch()
    await set_fields(db, job_id, schedule__triggerAt=clock())
    await scheduler.dispatcher.dispatch()
    assert len(await find_runs(db)) == 1
    await end_runs(scheduler)
    await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == [("completed", None, 1), ("queued", None, 1)]


async def test_runs_side_by_side_are_created_ahead_of_time(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    job_id = await create_job(scheduler.database, every=HOUR, overlap="allowAll")
    await scheduler.dispatcher.dispatch()
    clock.jump(hours=1, seconds=-0.5)
    await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == [("queued", None, 1), ("queued", None, 1)]


async def test_an_occurrence_older_than_the_catch_up_window_does_not_run(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db, at = scheduler.database, clock() - 2.5 * HOUR
    job_id = await create_job(db, every=HOUR, at=at, catchUpWindowMinutes=20)
    once = await create_job(db, at=at, catchUpWindowMinutes=20)
    await scheduler.dispatcher.dispatch()
    assert await states(scheduler, job_id) == [("skipped", "misfire", 3)]
    assert await states(scheduler, once) == [("skipped", "misfire", 1)]
    assert (await find_job(db, job_id))["nextRunAt"] == at + 3 * HOUR


async def test_a_cron_job_runs_by_the_clocks_of_its_zone(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db = scheduler.database
    now = clock()
    at = datetime(2026, 3, 28, 1, 30, tzinfo=UTC)
    clock.jump(seconds=(datetime(2026, 3, 30, 12, tzinfo=UTC) - now).total_seconds())
    job_id = await create_job(db, at=at, type="retry", cron="30 2 * * *", timezone="Europe/Berlin")
    await scheduler.dispatcher.dispatch()
    skipped, run = await find_runs(db, jobId=job_id)
    assert (skipped["occurrences"], skipped["skippedUntil"]) == (
        2,
        datetime(2026, 3, 29, 1, tzinfo=UTC),
    )
    assert run["dueAt"] == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    assert (await find_job(db, job_id))["nextRunAt"] == datetime(2026, 3, 31, 0, 30, tzinfo=UTC)


async def test_a_job_runs_as_often_as_it_may_and_not_after_its_end(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db, at = scheduler.database, clock()
    limited = await create_job(db, every=HOUR, at=at, maxRuns=2)
    ending = await create_job(db, every=HOUR, at=at, endAt=at + 1.5 * HOUR)
    for _ in range(5):
        await scheduler.dispatcher.dispatch()
        await end_runs(scheduler)
        clock.jump(hours=1)
    for job_id in (limited, ending):
        assert await states(scheduler, job_id) == [("completed", None, 1), ("completed", None, 1)]
        assert (await find_job(db, job_id))["nextRunAt"] is None
    assert (await find_job(db, limited))["schedule"]["runs"] == 2


async def test_a_run_that_a_dead_replica_created_counts_as_one_of_the_limited_number(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db = scheduler.database
    job_id = await create_job(db, every=HOUR, maxRuns=1)
    await die_before_inserting(scheduler)
    clock.jump(hours=2)
    for _ in range(3):
        await scheduler.dispatcher.dispatch()
        await end_runs(scheduler)
    assert len(await find_runs(db)) == 1
    job = await find_job(db, job_id)
    assert (job["nextRunAt"], job["schedule"]["runs"]) == (None, 1)


async def test_a_job_with_a_jitter_runs_once_an_interval_at_its_own_moment(
    scheduler: SchedulerReplica, clock: Clock
) -> None:
    db, at = scheduler.database, clock()
    job_id = ObjectId()
    first = Jittered(Grid(at, 3_600_000), 1_800_000, str(job_id)).next_after(at - HOUR / 60)
    await create_job(db, _id=job_id, every=HOUR, at=at, nextRunAt=first, jitterSeconds=1800)
    for _ in range(12):
        clock.jump(minutes=30)
        await scheduler.dispatcher.dispatch()
        await end_runs(scheduler)
    runs = [run["dueAt"] for run in await find_runs(db, jobId=job_id)]
    hours = [(due - at) // HOUR for due in runs]
    assert hours == sorted(set(hours)) == list(range(len(runs)))
    late = {(due - at) % HOUR for due in runs}
    assert len(late) > 3
    assert max(late) < timedelta(minutes=30)


@pytest.mark.parametrize(
    "damage",
    [{"cron": "x"}, {"cron": "0 0 * * *", "timezone": "Mars"}, {"overlap": "?"}, {"maxRuns": "x"}],
    ids=str,
)
async def test_a_schedule_damaged_in_the_database_is_set_aside(
    scheduler: SchedulerReplica, damage: dict[str, Any]
) -> None:
    job_id = await create_job(
        scheduler.database, every=HOUR, at=now_utc() - timedelta(seconds=1), **damage
    )
    await scheduler.dispatcher.dispatch()
    job = await find_job(scheduler.database, job_id)
    assert (job["status"], job["nextRunAt"]) == ("failed", None)
