"""PATCH, DELETE and trigger: definitions change in one step, the scheduler's part stays."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

Body = dict[str, Any]
Database = AsyncDatabase[dict[str, Any]]


async def _create(api: httpx.AsyncClient, body: Body) -> dict[str, Any]:
    answer = await api.post("/jobs", json=body)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def _find(database: Database, job_id: str) -> dict[str, Any]:
    stored = await database["jobs"].find_one({"_id": ObjectId(job_id)})
    assert stored is not None
    return stored


async def _set(database: Database, job_id: str, **fields: Any) -> None:
    await database["jobs"].update_one(
        {"_id": ObjectId(job_id)},
        {"$set": {name.replace("__", "."): value for name, value in fields.items()}},
    )


async def test_a_shorter_interval_brings_the_next_run_forward_on_a_new_grid(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    await _set(database, job["id"], nextRunAt=datetime(2100, 1, 1, tzinfo=UTC))

    answer = await api.patch(f"/jobs/{job['id']}", json={"intervalMinutes": 5})

    stored = await _find(database, job["id"])
    assert answer.status_code == 200
    assert (stored["intervalMinutes"], stored["schedule"]["intervalMs"]) == (5, 300_000)
    assert stored["nextRunAt"] == stored["schedule"]["anchorAt"]
    assert stored["nextRunAt"] == stored["updatedAt"] + timedelta(minutes=5)
    assert answer.json()["intervalMinutes"] == 5


async def test_a_new_interval_never_postpones_a_run_that_is_due(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    due = (await _find(database, job["id"]))["nextRunAt"]

    await api.patch(f"/jobs/{job['id']}", json={"intervalMinutes": 1000})

    assert (await _find(database, job["id"]))["nextRunAt"] == due


async def test_other_changes_leave_the_timing_alone(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    before = await _find(database, job["id"])

    await api.patch(f"/jobs/{job['id']}", json={"maxAttempts": 9, "timeoutSeconds": 77})

    after = await _find(database, job["id"])
    changed = {"maxAttempts": 9, "timeoutSeconds": 77, "updatedAt": after["updatedAt"]}
    assert after == {**before, **changed}


async def test_a_one_time_job_is_moved_to_another_time(
    api: httpx.AsyncClient, database: Database, one_time: Body
) -> None:
    job = await _create(api, one_time)

    answer = await api.patch(
        f"/jobs/{job['id']}", json={"scheduledAt": "2040-05-06T07:08:09.123456+02:00"}
    )

    assert (
        answer.json()["scheduledAt"] == answer.json()["nextRunAt"] == "2040-05-06T05:08:09.123000Z"
    )
    stored = await _find(database, job["id"])
    assert stored["nextRunAt"] == datetime(2040, 5, 6, 5, 8, 9, 123_000, tzinfo=UTC)


async def test_a_one_time_job_moved_to_the_past_runs_now_whether_it_ran_then_or_not(
    api: httpx.AsyncClient, database: Database, one_time: Body
) -> None:
    job = await _create(api, one_time)

    answer = await api.patch(f"/jobs/{job['id']}", json={"scheduledAt": "2020-01-01T00:00:00Z"})

    assert answer.json()["scheduledAt"] == "2020-01-01T00:00:00Z"
    stored = await _find(database, job["id"])
    assert stored["nextRunAt"] == stored["updatedAt"]


async def test_a_new_payload_is_validated_and_replaces_the_old_one(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    payload = {"wallet": "0x52908400098527886E0F7030069857D2E4169Ee7"}

    accepted = await api.patch(f"/jobs/{job['id']}", json={"payload": payload})
    refused = await api.patch(f"/jobs/{job['id']}", json={"payload": {"wallet": 1}})

    assert accepted.json()["payload"]["wallet"] == payload["wallet"].lower()
    assert accepted.json()["warnings"][0]["pointer"] == "#/payload/wallet"
    assert refused.json()["errors"][0]["pointer"] == "#/payload/wallet"
    stored = (await _find(database, job["id"]))["payload"]
    assert stored["wallet"] == payload["wallet"].lower()


async def test_a_failed_job_is_set_back_to_pending(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    await _set(database, job["id"], status="failed")
    before = await _find(database, job["id"])

    answer = await api.patch(f"/jobs/{job['id']}", json={"status": "pending"})

    after = await _find(database, job["id"])
    assert answer.json()["status"] == "pending"
    assert after == {**before, "status": "pending", "updatedAt": after["updatedAt"]}


async def test_a_running_job_cannot_be_retried_and_nothing_else_changes(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)
    await _set(database, job["id"], status="running")

    answer = await api.patch(f"/jobs/{job['id']}", json={"status": "pending", "maxAttempts": 9})

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-running")
    stored = await _find(database, job["id"])
    assert (stored["status"], stored["maxAttempts"]) == ("running", 3)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"status": "completed"}, "#/status"),
        ({"status": "running"}, "#/status"),
        ({"scheduledAt": "2040-01-01T00:00:00Z"}, "#/scheduledAt"),
        ({"intervalMinutes": 0}, "#/intervalMinutes"),
        ({"intervalMinutes": None}, "#/intervalMinutes"),
        ({"type": "scheduled"}, "#/type"),
        ({"action": "analyze_coin_flows"}, "#/action"),
        ({"nextRunAt": "2040-01-01T00:00:00Z"}, "#/nextRunAt"),
    ],
)
async def test_a_change_that_does_not_fit_is_refused(
    api: httpx.AsyncClient, database: Database, recurring: Body, changes: Body, pointer: str
) -> None:
    job = await _create(api, recurring)
    before = await _find(database, job["id"])

    answer = await api.patch(f"/jobs/{job['id']}", json=changes)

    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert await _find(database, job["id"]) == before


async def test_a_one_time_job_takes_no_interval(api: httpx.AsyncClient, one_time: Body) -> None:
    job = await _create(api, one_time)

    answer = await api.patch(f"/jobs/{job['id']}", json={"intervalMinutes": 5})

    assert answer.json()["errors"][0]["detail"] == (
        "a scheduled job has no intervalMinutes: leave it out"
    )


async def test_a_deleted_job_is_gone(api: httpx.AsyncClient, recurring: Body) -> None:
    job = await _create(api, recurring)

    first = await api.delete(f"/jobs/{job['id']}")
    second = await api.delete(f"/jobs/{job['id']}")

    assert (first.status_code, first.content) == (204, b"")
    assert second.status_code == 404
    assert (await api.get("/jobs")).json() == []


async def test_a_trigger_asks_for_one_run_however_often_it_is_repeated(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = await _create(api, recurring)

    first = await api.post(f"/jobs/{job['id']}/trigger")
    second = await api.post(f"/jobs/{job['id'].upper()}/trigger")

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()
    run_id = first.json()["runId"]
    assert first.headers["location"] == f"/runs/{run_id}" == first.json()["links"]["self"]
    due = (await _find(database, job["id"]))["schedule"]["triggerAt"]
    assert run_id == f"{job['id']}:{round(due.timestamp() * 1000)}"


async def test_a_run_that_is_asked_for_and_not_created_yet_says_so(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    job = await _create(api, recurring)
    triggered = (await api.post(f"/jobs/{job['id']}/trigger")).json()

    answer = await api.get(triggered["links"]["self"])

    assert (answer.status_code, answer.headers["retry-after"]) == (404, "1")
    assert "planned, but not created yet" in answer.json()["detail"]
