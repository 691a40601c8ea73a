"""What users ask to be done with runs is written down for the scheduler."""

from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from common.models import now_utc

Database = AsyncDatabase[dict[str, Any]]

JOB = "65a5c1d2e4b0a1b2c3d4e5f6"
RUN = f"{JOB}:1705312800000"


async def _store_run(database: Database, state: str) -> None:
    now = now_utc()
    await database["runs"].insert_one(
        {
            "_id": RUN,
            "jobId": ObjectId(JOB),
            "action": "wallet_snapshot",
            "payload": {},
            "state": state,
            "dueAt": now,
            "maxAttempts": 1,
            "timeoutSeconds": 1,
            "emitAt": now,
            "createdAt": now,
        }
    )


async def _requests(database: Database) -> list[dict[str, Any]]:
    return await database["runRequests"].find().to_list()


@pytest.mark.parametrize("state", ["queued", "running", "retrying"])
async def test_a_run_that_has_not_ended_can_be_cancelled_with_a_note(
    api: httpx.AsyncClient, database: Database, state: str
) -> None:
    await _store_run(database, state)
    answers = [
        await api.post(f"/runs/{RUN}/cancel", json={"note": note}) for note in ("first", "again")
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["state"] == state
    (request,) = await _requests(database)
    assert (request["_id"], request["kind"]) == (f"cancel:{RUN}", "cancel")
    assert (request["runId"], request["note"]) == (RUN, "first")


async def test_a_note_is_not_needed(api: httpx.AsyncClient, database: Database) -> None:
    await _store_run(database, "queued")
    assert (await api.post(f"/runs/{RUN}/cancel")).status_code == 202


@pytest.mark.parametrize("state", ["completed", "failed", "skipped", "cancelled"])
async def test_a_run_that_has_ended_cannot_be_cancelled(
    api: httpx.AsyncClient, database: Database, state: str
) -> None:
    await _store_run(database, state)
    answer = await api.post(f"/runs/{RUN}/cancel")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/run-ended")
    assert await _requests(database) == []


async def test_no_run_cannot_be_cancelled(api: httpx.AsyncClient, database: Database) -> None:
    assert (await api.post(f"/runs/{RUN}/cancel")).status_code == 404
