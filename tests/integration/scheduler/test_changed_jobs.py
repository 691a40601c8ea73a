"""Jobs that change while they are planned are planned again; damaged ones stop no others."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from common.models import now_utc
from tests.integration.engine_data import create_job, find_job, find_runs
from tests.integration.engine_harness import SchedulerReplica, Servers

HOUR = timedelta(hours=1)
LATER = now_utc() + timedelta(days=1)


@pytest.fixture
async def scheduler(servers: Servers) -> AsyncIterator[SchedulerReplica]:
    """A scheduler whose parts the test moves by hand."""
    async with SchedulerReplica(servers) as replica:
        yield replica


@pytest.mark.parametrize(
    "change",
    [
        {"nextRunAt": LATER, "schedule.triggerAt": LATER},
        {"nextRunAt": None, "pause": {"at": LATER, "by": "user", "nextRunAt": LATER}},
        {"schedule.intervalMs": 60_000, "intervalMinutes": 1.0},
        {"cron": "0 0 1 1 *", "timezone": "UTC", "schedule.intervalMs": None},
        {"maxRuns": 0},
        {"schedule.current": {"runId": "another", "attempt": 1, "state": "running"}},
    ],
    ids=lambda change: ", ".join(change),
)
async def test_a_job_that_changes_while_it_is_planned_is_planned_again(
    scheduler: SchedulerReplica, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    db, jobs = scheduler.database, scheduler.dispatcher._jobs
    changed, other = [await create_job(db, every=HOUR) for _ in range(2)]
    advance = jobs.advance

    async def advance_when_the_job_has_changed(*args: Any) -> Any:
        await db["jobs"].update_one({"_id": changed}, {"$set": change})
        return await advance(*args)

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "advance", advance_when_the_job_has_changed)
        await scheduler.dispatcher.dispatch()
    job = await find_job(db, changed)
    for path, value in change.items():
        name, _, part = path.partition(".")
        stored = job[name][part] if part else job[name]
        assert stored == value or abs(stored - value) < timedelta(milliseconds=1)
    assert [run["jobId"] for run in await find_runs(db)] == [other]

    await scheduler.dispatcher.dispatch()
    states = [run["state"] for run in await find_runs(db, jobId=changed)]
    due_now = "schedule.intervalMs" in change
    overlaps = "schedule.current" in change
    assert states == (["queued"] if due_now else ["skipped"] if overlaps else [])


@pytest.mark.parametrize(
    "damage",
    [
        {"schedule.intervalMs": 0},
        {"schedule.intervalMs": "often"},
        {"schedule.anchorAt": None},
        {"schedule.current": "x"},
        {"schedule.current": {}},
        {"schedule.runs": "many"},
        {"schedule.unrecorded": [{"first": LATER}]},
        {"payload": None},
        {"timeoutSeconds": "long"},
        {"maxAttempts": "REMOVED"},
        {"action": 7},
        {"schedule": "lost"},
    ],
    ids=str,
)
async def test_a_job_damaged_in_the_database_is_set_aside_and_the_others_run(
    scheduler: SchedulerReplica, damage: dict[str, Any]
) -> None:
    db = scheduler.database
    damaged = await create_job(db, every=HOUR)
    sound = await create_job(db, every=HOUR)
    removed = {name: 1 for name, value in damage.items() if value == "REMOVED"}
    change = {"$unset": removed} if removed else {"$set": damage}
    await db["jobs"].update_one({"_id": damaged}, change)
    await scheduler.dispatcher.dispatch()
    assert [run["jobId"] for run in await find_runs(db)] == [sound]

    await db["jobs"].delete_one({"_id": sound})
    assert not await scheduler.dispatcher.dispatch()
    job = await find_job(db, damaged)
    if damage != {"schedule": "lost"}:  # without a schedule a job is never due
        assert (job["status"], job["nextRunAt"]) == ("failed", None)
        assert "cannot be planned" in job["lastError"]["message"]
