"""POST /jobs: the documented bodies are taken, stored normalised, and acknowledged."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

from common.streams import WAKE_CHANNEL
from gateway.examples import JOBS

Body = dict[str, Any]
Database = AsyncDatabase[dict[str, Any]]


async def _find(database: Database, job_id: str) -> dict[str, Any]:
    stored = await database["jobs"].find_one({"_id": ObjectId(job_id)})
    assert stored is not None
    return stored


async def test_the_recurring_body_of_the_contract_is_due_at_creation(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    before = datetime.now(UTC)

    answer = await api.post("/jobs", json=recurring)

    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/jobs/{job['id']}" == job["links"]["self"]
    stored = await _find(database, job["id"])
    assert stored["action"] == "wallet_snapshot"
    assert (stored["type"], stored["intervalMinutes"]) == ("retry", 15)
    assert stored["schedule"]["intervalMs"] == 15 * 60_000
    assert (stored["status"], stored["maxAttempts"]) == ("pending", 3)
    assert stored["timeoutSeconds"] == 300
    assert stored["nextRunAt"] == stored["schedule"]["anchorAt"] == stored["createdAt"]
    assert abs((stored["nextRunAt"] - before).total_seconds()) < 30
    assert stored["lastRunAt"] is stored["lastError"] is stored["scheduledAt"] is None
    assert "id" not in stored


async def test_the_one_time_body_of_the_contract_is_due_at_its_past_time(
    api: httpx.AsyncClient, database: Database, one_time: Body
) -> None:
    answer = await api.post("/jobs", json=one_time)

    job = answer.json()
    assert answer.status_code == 201
    assert (job["type"], job["intervalMinutes"], job["warnings"]) == ("scheduled", None, [])
    assert job["scheduledAt"] == job["nextRunAt"] == "2024-01-15T10:00:00Z"
    stored = await _find(database, job["id"])
    assert stored["scheduledAt"] == stored["nextRunAt"] == datetime(2024, 1, 15, 10, tzinfo=UTC)
    assert stored["schedule"]["intervalMs"] is None


async def test_a_payload_is_stored_with_lower_case_addresses_and_defaults(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    recurring["payload"] = {"wallet": "0X742D35Cc6634C0532925a3b8D4C9db96C4b4d8b6"}

    job = (await api.post("/jobs", json=recurring)).json()

    stored = await _find(database, job["id"])
    assert stored["payload"] == job["payload"]
    assert job["payload"]["wallet"] == "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
    assert job["payload"]["options"]["includeNFTs"] is True


async def test_a_wrong_checksum_is_a_warning_and_no_error(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    job = (await api.post("/jobs", json=recurring)).json()

    [warning] = job["warnings"]
    assert (warning["code"], warning["pointer"]) == ("CHECKSUM_MISMATCH", "#/payload/wallet")
    assert recurring["payload"]["wallet"] in warning["detail"]


async def test_recurring_is_another_word_for_retry(api: httpx.AsyncClient, recurring: Body) -> None:
    job = (await api.post("/jobs", json={**recurring, "type": "recurring"})).json()

    assert job["type"] == "retry"


async def test_an_interval_may_be_a_fraction_of_a_minute(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    job = (await api.post("/jobs", json={**recurring, "intervalMinutes": 1 / 60})).json()

    assert (await _find(database, job["id"]))["schedule"]["intervalMs"] == 1000


async def test_optional_limits_are_stored(api: httpx.AsyncClient, recurring: Body) -> None:
    body = {**recurring, "maxAttempts": 7, "timeoutSeconds": 33}

    job = (await api.post("/jobs", json=body)).json()

    assert (job["maxAttempts"], job["timeoutSeconds"]) == (7, 33)


async def test_a_job_reads_back_as_it_was_acknowledged(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    created = (await api.post("/jobs", json=recurring)).json()
    del created["warnings"]

    assert (await api.get(created["links"]["self"])).json() == created
    assert set(created) == {
        *("id", "action", "payload", "type", "intervalMinutes", "scheduledAt", "status"),
        *("nextRunAt", "lastRunAt", "lastError", "maxAttempts", "timeoutSeconds"),
        *("createdAt", "updatedAt", "traceId", "links", "pause", "pauseAfterFailures", "backoff"),
        *("cron", "timezone", "startAt", "endAt", "maxRuns", "jitterSeconds", "spread"),
        *("overlap", "catchUpWindowMinutes"),
    }
    assert created["createdAt"].endswith("Z")
    assert json.dumps(created["intervalMinutes"]) == "15"


async def test_every_documented_example_is_accepted(api: httpx.AsyncClient) -> None:
    for name, example in JOBS.items():
        answer = await api.post("/jobs", json=example["value"])
        assert answer.status_code == 201, (name, answer.text)


async def test_a_new_job_wakes_the_schedulers(
    api: httpx.AsyncClient, redis: Redis, recurring: Body
) -> None:
    async with redis.pubsub() as subscription:
        await subscription.subscribe(WAKE_CHANNEL)
        await subscription.get_message(timeout=5)  # the confirmation
        await api.post("/jobs", json=recurring)
        message = await subscription.get_message(timeout=5)

    assert message is not None
    assert message["type"] == "message"
