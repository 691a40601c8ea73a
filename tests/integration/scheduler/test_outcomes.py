"""Outcomes are applied to runs and jobs: in any order, any number of times, with one effect."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.events import Event, Failure, RunCompleted, RunFailed, RunProgress, RunStarted
from common.models import now_utc
from common.streams import DATA_FIELD, DEAD_STREAM, OUTCOMES_STREAM, SCHEDULER_GROUP, to_entry
from local_stack.servers import MongoServer
from scheduler import janitor
from tests.integration.engine_data import (
    ACTION,
    Document,
    create_job,
    eventually,
    find_job,
    find_runs,
    read_events,
)
from tests.integration.engine_harness import SchedulerReplica, Servers


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand."""
    async with SchedulerReplica(servers) as replica:
        yield replica


async def queue_run(scheduler: SchedulerReplica, **definition: Any) -> Document:
    """Create a job and its run, and return the run."""
    job_id = await create_job(scheduler.database, **definition)
    await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database, jobId=job_id)
    return run


def _identity(run: Document) -> dict[str, Any]:
    return {
        "run_id": run["_id"],
        "job_id": str(run["jobId"]),
        "action": ACTION,
        "attempt": run["attempt"],
    }


def started(run: Document) -> RunStarted:
    return RunStarted(**_identity(run), worker="w1", at=now_utc())


def completed(run: Document, **summary: Any) -> RunCompleted:
    return RunCompleted(
        **_identity(run),
        result_id=run["_id"],
        alerts_count=1,
        summary=summary,
        started_at=now_utc(),
        at=now_utc(),
    )


def failed(run: Document, *, retryable: bool = True, message: str = "no luck") -> RunFailed:
    return RunFailed(
        **_identity(run),
        error=Failure(type="BadLuck", message=message, traceback="Traceback ..."),
        retryable=retryable,
        started_at=now_utc(),
        at=now_utc(),
    )


async def both(scheduler: SchedulerReplica, run: Document) -> tuple[Document, Document]:
    """Return the run and its job as they are now."""
    (now,) = await find_runs(scheduler.database, _id=run["_id"])
    return now, await find_job(scheduler.database, run["jobId"])


async def letters(scheduler: SchedulerReplica) -> list[Document]:
    return await read_events(scheduler.redis, DEAD_STREAM)


async def test_a_started_run_shows_who_carries_it_out_and_what_it_does(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler)
    progress = RunProgress(**_identity(run), step="reading logs", at=now_utc())
    await scheduler.recorder.record([started(run), progress])
    now, job = await both(scheduler, run)
    assert (now["state"], now["worker"], now["progress"]) == ("running", "w1", "reading logs")
    assert (job["status"], job["schedule"]["current"]["state"]) == ("running", "running")
    assert job["lastRunAt"] == now["startedAt"]


async def test_a_completed_run_shows_its_result_and_frees_its_job(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler, every=timedelta(hours=1))
    await scheduler.recorder.record([started(run), completed(run, total=3)])
    now, job = await both(scheduler, run)
    assert (now["state"], now["resultId"], now["alertsCount"]) == ("completed", run["_id"], 1)
    assert (now["summary"], now["progress"], now["worker"]) == ({"total": 3}, None, "w1")
    assert (job["status"], job["lastError"]) == ("completed", None)
    assert job["schedule"]["current"] == {
        "runId": run["_id"],
        "attempt": 1,
        "state": "completed",
        "endedAt": now["finishedAt"],
    }
    assert job["nextRunAt"] > now_utc()


async def test_a_start_that_arrives_after_the_end_changes_nothing(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    """Two replicas share the outcomes, and one may be slow."""
    run = await queue_run(scheduler)
    async with SchedulerReplica(servers) as slow:
        start = started(run)
        await scheduler.recorder.record([completed(run)])
        before = await both(scheduler, run)
        await slow.recorder.record([start])
        assert await both(scheduler, run) == before


@pytest.mark.parametrize("end", ["completed", "retried", "failed"])
async def test_outcomes_applied_again_change_nothing(scheduler: SchedulerReplica, end: str) -> None:
    run = await queue_run(scheduler)
    outcome = completed(run) if end == "completed" else failed(run, retryable=end == "retried")
    events = [started(run), outcome]
    await scheduler.recorder.record(events)
    before = await both(scheduler, run), await letters(scheduler)
    await scheduler.recorder.record(events)
    await scheduler.recorder.record(reversed(events))
    assert (await both(scheduler, run), await letters(scheduler)) == before


async def test_of_two_ends_the_first_counts(scheduler: SchedulerReplica) -> None:
    run = await queue_run(scheduler)
    await scheduler.recorder.record([completed(run), failed(run, retryable=False)])
    await scheduler.recorder.record([failed(run, retryable=False)])
    now, job = await both(scheduler, run)
    assert (now["state"], job["status"], now["errors"]) == ("completed", "completed", [])
    assert await letters(scheduler) == []


async def test_a_failing_run_is_retried_after_a_pause_and_given_up_after_its_last_attempt(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler, maxAttempts=3, every=timedelta(hours=1))
    for attempt in (1, 2):
        end = failed({**run, "attempt": attempt})
        await scheduler.recorder.record([end])
        now, job = await both(scheduler, run)
        assert (now["state"], now["attempt"]) == ("retrying", attempt + 1)
        assert now["emitAt"] > end.at
        assert (job["status"], job["lastError"]["attempt"]) == ("pending", attempt)
        assert await letters(scheduler) == []
        await scheduler.dispatcher.dispatch()
        assert (await both(scheduler, run))[0]["state"] == "queued"

    await scheduler.recorder.record([failed({**run, "attempt": 3}, message="the last straw")])
    now, job = await both(scheduler, run)
    assert now["state"] == "failed"
    assert [(each["attempt"], each["traceback"]) for each in now["errors"]] == [
        (1, "Traceback ..."),
        (2, "Traceback ..."),
        (3, "Traceback ..."),
    ]
    assert job["status"] == "failed"
    assert job["lastError"]["message"] == "the last straw"
    assert (job["lastError"]["attempt"], job["lastError"]["runId"]) == (3, run["_id"])
    assert job["nextRunAt"] is not None
    (letter,) = await letters(scheduler)
    assert (letter["reason"], letter["run_id"]) == ("attempts_exhausted", run["_id"])


async def test_a_job_may_have_pauses_of_its_own_between_attempts(
    scheduler: SchedulerReplica,
) -> None:
    backoff = {"initialSeconds": 100.0, "coefficient": 3.0, "maximumSeconds": 250.0}
    run = await queue_run(scheduler, maxAttempts=3, backoff=backoff)
    for attempt, longest in ((1, 100), (2, 250)):
        end = failed({**run, "attempt": attempt})
        await scheduler.recorder.record([end])
        now, _ = await both(scheduler, run)
        assert timedelta(seconds=longest / 2) <= now["emitAt"] - end.at
        assert now["emitAt"] - end.at <= timedelta(seconds=longest)
        await scheduler.database["runs"].update_one(
            {"_id": run["_id"]}, {"$set": {"state": "queued"}}
        )


async def test_a_job_whose_backoff_means_nothing_is_set_aside(scheduler: SchedulerReplica) -> None:
    job_id = await create_job(scheduler.database, backoff={"initialSeconds": "x"})
    await scheduler.dispatcher.dispatch()
    assert (await find_job(scheduler.database, job_id))["status"] == "failed"


async def fail_next_run(scheduler: SchedulerReplica, job_id: ObjectId, *, success: bool) -> None:
    await scheduler.database["jobs"].update_one(
        {"_id": job_id}, {"$set": {"schedule.triggerAt": now_utc()}}
    )
    await scheduler.dispatcher.dispatch()
    (run,) = await find_runs(scheduler.database, jobId=job_id, state="queued")
    end = completed(run) if success else failed(run, retryable=False)
    await scheduler.recorder.record([end])
    await scheduler.recorder.record([end])


async def test_a_job_is_paused_after_so_many_failures_in_a_row(
    scheduler: SchedulerReplica,
) -> None:
    db, at = scheduler.database, now_utc() + timedelta(hours=1)
    job_id = await create_job(db, every=timedelta(hours=1), at=at, pauseAfterFailures=2)
    for success in (False, True, False):
        await fail_next_run(scheduler, job_id, success=success)
        assert (await find_job(db, job_id)).get("pause") is None

    await fail_next_run(scheduler, job_id, success=False)
    job = await find_job(db, job_id)
    assert (job["pause"]["by"], job["pause"]["nextRunAt"]) == ("failures", at)
    assert job["pause"]["note"] == "paused after 2 failed runs in a row"
    assert (job["status"], job["nextRunAt"]) == ("failed", None)

    resumed = {"pause": None, "nextRunAt": at, "resumedAt": now_utc()}
    await db["jobs"].update_one({"_id": job_id}, {"$set": resumed})
    await fail_next_run(scheduler, job_id, success=False)
    assert (await find_job(db, job_id))["pause"] is None
    await fail_next_run(scheduler, job_id, success=False)
    assert (await find_job(db, job_id))["pause"] is not None


async def test_a_failure_that_no_retry_can_mend_ends_the_run_at_once(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler, maxAttempts=3)
    await scheduler.recorder.record([failed(run, retryable=False)])
    now, job = await both(scheduler, run)
    assert (now["state"], job["status"], now["attempt"]) == ("failed", "failed", 1)
    (letter,) = await letters(scheduler)
    assert letter["reason"] == "not_retryable"


async def test_a_run_that_goes_on_gets_no_dead_letter_from_an_attempt_taken_for_lost(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler, maxAttempts=3)
    await scheduler.recorder.record([failed(run, message="lease lost")])
    await scheduler.recorder.record([failed(run, retryable=False, message="woke up late")])
    now, _ = await both(scheduler, run)
    assert (now["state"], now["attempt"], len(now["errors"])) == ("retrying", 2, 1)
    assert await letters(scheduler) == []


async def test_a_run_given_up_twice_gets_one_dead_letter(
    servers: Servers, scheduler: SchedulerReplica
) -> None:
    run = await queue_run(scheduler, maxAttempts=1)
    async with SchedulerReplica(servers) as other:
        await scheduler.recorder.record([failed(run, message="lease lost")])
        await other.recorder.record([failed(run, message="woke up late")])
    assert len(await letters(scheduler)) == 1
    assert (await both(scheduler, run))[1]["lastError"]["message"] == "lease lost"


async def test_an_older_run_does_not_change_what_the_job_shows(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler, every=timedelta(hours=1))
    newer = {"runId": f"{run['jobId']}:1", "attempt": 1, "state": "queued"}
    await scheduler.database["jobs"].update_one(
        {"_id": run["jobId"]}, {"$set": {"schedule.current": newer}}
    )
    await scheduler.recorder.record([completed(run)])
    now, job = await both(scheduler, run)
    assert now["state"] == "completed"
    assert (job["status"], job["schedule"]["current"]) == ("pending", newer)


async def test_outcomes_of_deleted_runs_are_ignored(scheduler: SchedulerReplica) -> None:
    run = {"_id": f"{ObjectId()}:1", "jobId": ObjectId(), "attempt": 1}
    await scheduler.recorder.record([started(run), failed(run, retryable=False)])
    assert await find_runs(scheduler.database) == []
    assert await letters(scheduler) == []


async def publish(scheduler: SchedulerReplica, *events: Event) -> None:
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


@pytest.mark.parametrize("end", ["completed", "retried", "failed"])
async def test_a_crash_between_run_and_job_leaves_no_job_that_looks_busy(
    scheduler: SchedulerReplica, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the meantime the run may have gone through another attempt."""
    run = await queue_run(scheduler)
    outcome = completed(run) if end == "completed" else failed(run, retryable=end == "retried")

    class DiesHere:
        async def bulk_write(self, *_: Any, **__: Any) -> None:
            raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(scheduler.recorder, "_jobs", DiesHere())
        with pytest.raises(asyncio.CancelledError):
            await scheduler.recorder.record([outcome])
    if end == "retried":
        await scheduler.dispatcher.dispatch()
        await scheduler.recorder.record([completed({**run, "attempt": 2})])
        await scheduler.recorder.record([outcome])

    await scheduler.audit.correct_jobs()
    now, job = await both(scheduler, run)
    assert job["status"] == now["state"]
    assert job["schedule"]["current"]["state"] == now["state"]
    if end == "failed":
        assert job["lastError"]["message"] == "no luck"
