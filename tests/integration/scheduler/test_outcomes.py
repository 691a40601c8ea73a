"""Outcomes are applied to runs and jobs: in any order, any number of times, with one effect."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from common.events import RunProgress
from common.models import now_utc
from tests.integration.engine_data import (
    create_job,
    find_job,
    find_runs,
)
from tests.integration.engine_harness import SchedulerReplica, Servers
from tests.integration.engine_outcomes import (
    both,
    cancelled,
    completed,
    failed,
    identity,
    letters,
    queue_run,
    started,
)


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand."""
    async with SchedulerReplica(servers) as replica:
        yield replica


async def test_a_started_run_shows_who_carries_it_out_and_what_it_does(
    scheduler: SchedulerReplica,
) -> None:
    run = await queue_run(scheduler)
    progress = RunProgress(**identity(run), step="reading logs", at=now_utc())
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


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_a_run_whose_result_is_stored_is_complete_whatever_is_said_of_its_attempt(
    scheduler: SchedulerReplica, end: str
) -> None:
    """A worker was stopped, its attempt timed out, or it died, between storing and saying so."""
    run = await queue_run(scheduler, maxAttempts=1)
    other = await queue_run(scheduler, maxAttempts=1)
    result = {"_id": run["_id"], "alertIds": ["a", "b"], "runSummary": {"total": 3}}
    await scheduler.database["toy_results"].insert_one(result)
    ends = [failed(each) if end == "failed" else cancelled(each) for each in (run, other)]
    await scheduler.recorder.record([started(run), *ends])
    now, job = await both(scheduler, run)
    assert (now["state"], now["resultId"], now["alertsCount"]) == ("completed", run["_id"], 2)
    assert (now["summary"], now["errors"]) == ({"total": 3}, [])
    assert (job["status"], job["lastError"]) == ("completed", None)
    assert (await both(scheduler, other))[0]["state"] == end
    assert len(await letters(scheduler)) == (1 if end == "failed" else 0)


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


async def test_outcomes_that_arrive_together_reach_each_its_own_run_and_job(
    scheduler: SchedulerReplica,
) -> None:
    runs = [await queue_run(scheduler, every=timedelta(hours=1)) for _ in range(6)]
    late, *others = runs
    await scheduler.recorder.record([completed(late, total=99)])
    before = await both(scheduler, late)
    batch = [
        event
        for number, run in enumerate(runs)
        for event in (
            started(run),
            failed(run, retryable=False) if number == 1 else completed(run, total=number),
        )
    ]
    await scheduler.recorder.record(batch)
    assert await both(scheduler, late) == before
    for number, run in enumerate(others, start=1):
        now, job = await both(scheduler, run)
        end = batch[2 * number + 1]
        state = "failed" if number == 1 else "completed"
        assert (now["state"], now["worker"], now["finishedAt"]) == (state, "w1", end.at)
        assert now.get("summary") == (None if number == 1 else {"total": number})
        assert (job["status"], job["schedule"]["current"]["state"]) == (state, state)
        assert job["schedule"]["current"]["runId"] == run["_id"]
        assert "_own" not in {*now, *job}
    assert len(await letters(scheduler)) == 1
