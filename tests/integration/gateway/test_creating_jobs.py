"""POST /jobs: the documented bodies are taken, stored normalised, and acknowledged."""

from datetime import UTC, datetime
from typing import Any

import httpx
from bson import ObjectId
from common.streams import WAKE_CHANNEL
from gateway.examples import JOBS
from pymongo.asynchronous.database import AsyncDatabase
from redis.asyncio import Redis

RECURRING = """{"action": "wallet_snapshot",
 "payload": {"wallet": "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6",
             "options": {"includeTransactions": true, "includeTokenBalances": true, "includeNFTs": true}},
 "type": "retry", "intervalMinutes": 15}"""
ONCE = """{"action": "analyze_coin_flows",
 "payload": {"tokenAddress": "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7",
             "options": {"transactionLimit": 100, "includeAlerts": true}},
 "type": "scheduled", "scheduledAt": "2024-01-15T10:00:00.000Z"}"""
JSON = {"Content-Type": "application/json"}

Database = AsyncDatabase[dict[str, Any]]


async def test_the_recurring_body_of_the_contract_is_stored_word_for_word(
    api: httpx.AsyncClient, database: Database
) -> None:
    before = datetime.now(UTC)

    answer = await api.post("/jobs", content=RECURRING, headers=JSON)

    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/jobs/{job['id']}" == job["links"]["self"]
    stored = await database["jobs"].find_one({"_id": ObjectId(job["id"])})
    assert stored is not None
    assert stored["action"] == "wallet_snapshot"
    assert stored["payload"]["wallet"] == "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
    assert stored["payload"]["options"]["includeNFTs"] is True
    assert (stored["type"], stored["intervalMinutes"]) == ("retry", 15)
    assert stored["schedule"]["intervalMs"] == 15 * 60_000
    assert (stored["status"], stored["maxAttempts"], stored["timeoutSeconds"]) == (
        "pending",
        3,
        300,
    )
    assert stored["nextRunAt"] == stored["schedule"]["anchorAt"] == stored["createdAt"]
    assert abs((stored["nextRunAt"] - before).total_seconds()) < 30
    assert stored["lastRunAt"] is stored["lastError"] is stored["scheduledAt"] is None


async def test_a_wrong_checksum_is_a_warning_and_no_error(api: httpx.AsyncClient) -> None:
    job = (await api.post("/jobs", content=RECURRING, headers=JSON)).json()

    assert [(each["code"], each["pointer"]) for each in job["warnings"]] == [
        ("CHECKSUM_MISMATCH", "#/payload/wallet")
    ]
    assert "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6" in job["warnings"][0]["detail"]


async def test_the_one_time_body_of_the_contract_is_due_at_its_past_time(
    api: httpx.AsyncClient, database: Database
) -> None:
    answer = await api.post("/jobs", content=ONCE, headers=JSON)

    job = answer.json()
    assert answer.status_code == 201
    assert (job["type"], job["intervalMinutes"], job["warnings"]) == ("scheduled", None, [])
    assert job["scheduledAt"] == job["nextRunAt"] == "2024-01-15T10:00:00Z"
    stored = await database["jobs"].find_one({"_id": ObjectId(job["id"])})
    assert stored is not None
    assert stored["scheduledAt"] == stored["nextRunAt"] == datetime(2024, 1, 15, 10, tzinfo=UTC)
    assert stored["schedule"]["intervalMs"] is None


async def test_recurring_is_another_word_for_retry(api: httpx.AsyncClient) -> None:
    body = RECURRING.replace('"retry"', '"recurring"')

    job = (await api.post("/jobs", content=body, headers=JSON)).json()

    assert job["type"] == "retry"


async def test_every_documented_example_is_accepted(api: httpx.AsyncClient) -> None:
    for name, example in JOBS.items():
        answer = await api.post("/jobs", json=example["value"])
        assert answer.status_code == 201, (name, answer.text)


async def test_a_job_reads_back_as_it_was_acknowledged(api: httpx.AsyncClient) -> None:
    created = (await api.post("/jobs", content=RECURRING, headers=JSON)).json()
    del created["warnings"]

    assert (await api.get(created["links"]["self"])).json() == created
    assert set(created) == {
        *("id", "action", "payload", "type", "intervalMinutes", "scheduledAt", "status"),
        *("nextRunAt", "lastRunAt", "lastError", "maxAttempts", "timeoutSeconds"),
        *("createdAt", "updatedAt", "traceId", "links"),
    }
    assert created["createdAt"].endswith("Z")
    assert created["intervalMinutes"] == 15


async def test_optional_limits_are_stored(api: httpx.AsyncClient) -> None:
    body = {**JOBS["recurring"]["value"], "maxAttempts": 7, "timeoutSeconds": 33}

    job = (await api.post("/jobs", json=body)).json()

    assert (job["maxAttempts"], job["timeoutSeconds"]) == (7, 33)


async def test_a_new_job_wakes_the_schedulers(api: httpx.AsyncClient, redis: Redis) -> None:
    async with redis.pubsub() as subscription:
        await subscription.subscribe(WAKE_CHANNEL)
        await subscription.get_message(timeout=5)  # the confirmation
        job = (await api.post("/jobs", content=RECURRING, headers=JSON)).json()
        message = await subscription.get_message(timeout=5)

    assert message is not None
    assert message["data"].decode() == job["id"]
