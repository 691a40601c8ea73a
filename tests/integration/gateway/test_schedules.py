"""Schedules over HTTP: pauses, cron, limits, and what they change in the database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from common.events import run_id
from common.models import now_utc

Body = dict[str, Any]
Database = AsyncDatabase[dict[str, Any]]

FAR = datetime(2100, 1, 1, tzinfo=UTC)


async def _create(api: httpx.AsyncClient, body: Body, **more: Any) -> Body:
    answer = await api.post("/jobs", json={**body, **more})
    assert answer.status_code == 201, answer.text
    job: Body = answer.json()
    return job


async def _by_cron(api: httpx.AsyncClient, body: Body, cron: str, **more: Any) -> Body:
    without = {name: value for name, value in body.items() if name != "intervalMinutes"}
    return await _create(api, without, cron=cron, **more)


async def _find(database: Database, job: Body) -> Body:
    stored = await database["jobs"].find_one({"_id": ObjectId(job["id"])})
    assert stored is not None
    return stored


async def _set(database: Database, job: Body, fields: Body) -> None:
    await database["jobs"].update_one({"_id": ObjectId(job["id"])}, {"$set": fields})


async def _patch(api: httpx.AsyncClient, job: Body, **changes: Any) -> Body:
    answer = await api.patch(f"/jobs/{job['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    changed: Body = answer.json()
    return changed


async def test_a_paused_job_has_no_next_run_until_it_is_resumed(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)

    paused = (await api.post(f"/jobs/{job['id']}/pause", json={"note": "$nextRunAt is odd"})).json()
    stored = await _find(database, job)

    assert paused["nextRunAt"] is None
    assert (paused["pause"]["by"], paused["pause"]["note"]) == ("user", "$nextRunAt is odd")
    assert stored["pause"]["nextRunAt"] == datetime.fromisoformat(job["nextRunAt"])

    resumed = (await api.post(f"/jobs/{job['id']}/resume")).json()
    stored = await _find(database, job)

    assert (resumed["pause"], resumed["nextRunAt"]) == (None, job["nextRunAt"])
    assert stored["schedule"]["pausedUntil"] == stored["resumedAt"] == stored["updatedAt"]


async def test_pausing_and_resuming_twice_is_as_once(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    await api.post(f"/jobs/{job['id']}/resume")
    assert (await _find(database, job))["schedule"]["pausedUntil"] is None

    first = (await api.post(f"/jobs/{job['id']}/pause", json={"note": "first"})).json()
    again = (await api.post(f"/jobs/{job['id']}/pause", json={"note": "again"})).json()
    assert again["pause"] == first["pause"]

    await api.post(f"/jobs/{job['id']}/resume")
    until = (await _find(database, job))["schedule"]["pausedUntil"]
    resumed = (await api.post(f"/jobs/{job['id']}/resume")).json()
    assert resumed["nextRunAt"] == job["nextRunAt"]
    assert (await _find(database, job))["schedule"]["pausedUntil"] == until


async def test_an_edit_does_not_wake_a_paused_job(
    api: httpx.AsyncClient, database: Database, recurring: Body, one_time: Body
) -> None:
    job = await _create(api, recurring)
    once = await _create(api, one_time)
    for each in (job, once):
        await api.post(f"/jobs/{each['id']}/pause")

    await _set(database, job, {"pause.nextRunAt": FAR})
    changed = await _patch(api, job, intervalMinutes=5)
    moved = await _patch(api, once, scheduledAt="2040-01-01T00:00:00Z")

    assert changed["nextRunAt"] is moved["nextRunAt"] is None
    stored = await _find(database, job)
    assert stored["pause"]["nextRunAt"] == stored["updatedAt"] + timedelta(minutes=5)
    assert stored["schedule"]["anchorAt"] == stored["pause"]["nextRunAt"]
    resumed = (await api.post(f"/jobs/{once['id']}/resume")).json()
    assert resumed["nextRunAt"] == "2040-01-01T00:00:00Z"


async def test_a_pause_of_nothing_or_with_a_wrong_note_is_refused(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    job = await _create(api, recurring)
    for path in ("pause", "resume"):
        assert (await api.post(f"/jobs/{ObjectId()}/{path}")).status_code == 404
    wrong = await api.post(f"/jobs/{job['id']}/pause", json={"note": 7})
    assert wrong.json()["errors"][0]["pointer"] == "#/note"


async def test_every_job_answers_its_next_times(api: httpx.AsyncClient, recurring: Body) -> None:
    job = await _create(api, recurring, startAt="2040-01-01T00:00:00Z", maxRuns=4)
    schedule = (await api.get(f"/jobs/{job['id']}/schedule", params={"next": 3})).json()

    assert schedule["nextRuns"] == [f"2040-01-01T00:{minute:02}:00Z" for minute in (0, 15, 30)]
    assert schedule["lastRuns"] == []
    assert len((await api.get(f"/jobs/{job['id']}/schedule")).json()["nextRuns"]) == 4

    await api.post(f"/jobs/{job['id']}/pause")
    assert (await api.get(f"/jobs/{job['id']}/schedule")).json()["nextRuns"] == []


async def test_every_job_answers_its_latest_runs(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    now = now_utc()
    run = {
        "jobId": ObjectId(job["id"]),
        "action": job["action"],
        "payload": {},
        "state": "skipped",
        "maxAttempts": 1,
        "timeoutSeconds": 1,
        "emitAt": now,
        "createdAt": now,
        "skipReason": "paused",
    }
    for age in range(3):
        due = now - timedelta(minutes=age)
        await database["runs"].insert_one({**run, "_id": f"{job['id']}:{age}", "dueAt": due})

    shown = (await api.get(f"/jobs/{job['id']}/schedule", params={"last": 2})).json()["lastRuns"]
    assert [run["id"] for run in shown] == [f"{job['id']}:0", f"{job['id']}:1"]
    assert shown[0]["skipReason"] == "paused"


async def test_a_cron_job_follows_its_zone_over_the_change_of_clocks(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    zone = {"timezone": "Europe/Berlin", "startAt": "2040-03-23T12:00:00Z"}
    job = await _by_cron(api, recurring, " 30  2 * * * ", **zone)

    schedule = (await api.get(f"/jobs/{job['id']}/schedule", params={"next": 3})).json()
    assert job["cron"] == "30 2 * * *"
    # on the 25th, 02:30 does not exist
    assert schedule["nextRuns"] == [
        "2040-03-24T01:30:00Z",
        "2040-03-25T01:00:00Z",
        "2040-03-26T00:30:00Z",
    ]


async def test_an_interval_becomes_a_cron_expression_and_back(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring, startAt="2040-01-01T00:10:00Z")

    by_cron = await _patch(api, job, cron="0 0 1 1 *", timezone="America/New_York")
    assert (by_cron["intervalMinutes"], by_cron["cron"]) == (None, "0 0 1 1 *")
    assert by_cron["nextRunAt"] == "2040-01-01T05:00:00Z"  # the start has not come yet
    assert (await _find(database, job))["schedule"]["intervalMs"] is None

    moved = await _patch(api, job, timezone="Asia/Tokyo")
    assert moved["nextRunAt"] == "2040-12-31T15:00:00Z"

    by_interval = await _patch(api, job, intervalMinutes=5)
    assert (by_interval["cron"], by_interval["timezone"]) == (None, None)
    assert datetime.fromisoformat(by_interval["nextRunAt"]) < now_utc() + timedelta(minutes=6)


async def test_a_run_that_is_due_stays_due_when_the_expression_changes(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _by_cron(api, recurring, "* * * * *")
    due = now_utc() - timedelta(minutes=5)
    await _set(database, job, {"nextRunAt": due})

    changed = await _patch(api, job, cron="0 0 1 1 *")
    assert datetime.fromisoformat(changed["nextRunAt"]) == due


@pytest.mark.parametrize(
    "changes", [{"timezone": "Etc/UTC"}, {"cron": "*/1 * * * *"}, {"maxRuns": 99}, {"endAt": None}]
)
async def test_an_occurrence_whose_run_is_created_ahead_is_not_planned_again(
    api: httpx.AsyncClient, database: Database, recurring: Body, changes: Body
) -> None:
    job = await _by_cron(api, recurring, "* * * * *", startAt="2040-01-01T00:00:00Z")
    minute = timedelta(minutes=1)
    created = datetime(2040, 1, 1, tzinfo=UTC)
    run = {"runId": run_id(job["id"], created), "attempt": 1, "state": "queued"}
    await _set(database, job, {"schedule.current": run, "nextRunAt": created + minute})

    changed = await _patch(api, job, **changes)
    assert datetime.fromisoformat(changed["nextRunAt"]) == created + minute


async def test_an_end_stops_a_job_and_lifting_it_goes_on(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    job = await _create(api, recurring, startAt="2040-01-01T00:00:00Z")

    assert (await _patch(api, job, endAt="2039-01-01T00:00:00Z"))["nextRunAt"] is None
    lifted = await _patch(api, job, endAt=None)
    assert (lifted["endAt"], lifted["nextRunAt"]) == (None, job["nextRunAt"])


async def test_a_job_whose_runs_are_used_up_goes_on_when_it_gets_more(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring, maxRuns=2)
    await _set(database, job, {"nextRunAt": None, "schedule.runs": 2})

    assert (await _patch(api, job, maxRuns=2))["nextRunAt"] is None
    again = await _patch(api, job, maxRuns=3)
    next_run_at = datetime.fromisoformat(again["nextRunAt"])
    anchor = (await _find(database, job))["schedule"]["anchorAt"]
    assert now_utc() < next_run_at <= now_utc() + timedelta(minutes=15)
    assert (next_run_at - anchor) % timedelta(minutes=15) == timedelta(0)


async def test_policies_are_stored_changed_and_lifted(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    policies = {
        "overlap": "bufferOne",
        "catchUpWindowMinutes": 30,
        "pauseAfterFailures": 3,
        "backoff": {"initialSeconds": 1, "coefficient": 3, "maximumSeconds": 60},
    }
    job = await _create(api, recurring, **policies)
    assert {name: job[name] for name in policies} == policies

    lifted = await _patch(
        api, job, overlap="allowAll", catchUpWindowMinutes=None, pauseAfterFailures=5, backoff=None
    )
    assert lifted["overlap"] == "allowAll"
    assert lifted["catchUpWindowMinutes"] is lifted["backoff"] is None
    assert lifted["pauseAfterFailures"] == 5


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"timezone": "Europe/Berlin"}, "#/timezone"),
        ({"cron": "0 0 * * *", "intervalMinutes": 1}, "#/cron"),
        ({"cron": "every day"}, "#/cron"),
        ({"overlap": None}, "#/overlap"),
    ],
)
async def test_a_change_that_does_not_fit_is_refused(
    api: httpx.AsyncClient, recurring: Body, changes: Body, pointer: str
) -> None:
    job = await _create(api, recurring)
    answer = await api.patch(f"/jobs/{job['id']}", json=changes)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_scheduled_job_has_no_recurrence_to_change(
    api: httpx.AsyncClient, one_time: Body
) -> None:
    job = await _create(api, one_time)
    answer = await api.patch(f"/jobs/{job['id']}", json={"cron": "0 0 * * *", "maxRuns": 1})
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["#/cron", "#/maxRuns"]
