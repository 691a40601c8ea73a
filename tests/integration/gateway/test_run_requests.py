"""What users ask to be done with runs is written down for the scheduler."""

from datetime import timedelta
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


async def _store_letters(database: Database, number: int) -> list[str]:
    """Store failed runs and unreadable entries in turn, and return their ids, newest first."""
    now = now_utc()
    ids = []
    for age in range(number):
        at = now - timedelta(seconds=age)
        if age % 2:
            ids.append(f"170531280000{age}-0")
            letter = {"stream": "jobs.outcomes", "error": {"type": "E", "message": "odd"}}
            await database["deadLetters"].insert_one({**letter, "_id": ids[-1], "at": at})
            continue
        ids.append(f"{JOB}:{age}")
        await _store_run(database, "failed")
        run = await database["runs"].find_one_and_delete({"_id": RUN})
        error = {"type": "BadLuck", "message": "no luck", "attempt": 1, "at": at}
        failed = {"_id": ids[-1], "finishedAt": at, "errors": [error]}
        await database["runs"].insert_one({**(run or {}), **failed})
    return ids


async def test_dead_letters_are_failed_runs_and_unreadable_entries_page_by_page(
    api: httpx.AsyncClient, database: Database
) -> None:
    ids = await _store_letters(database, 7)
    listed: list[dict[str, Any]] = []
    path: str | None = "/dead-letters?limit=2"
    while path:
        answer = await api.get(path)
        listed += answer.json()
        path = answer.links.get("next", {}).get("url")
    assert [letter["id"] for letter in listed] == ids
    assert [letter["reason"] for letter in listed[:2]] == ["attempts_exhausted", "unreadable"]
    assert listed[0]["errorMessage"] == "no luck"
    assert (await api.get("/dead-letters?cursor=x")).status_code == 422


async def test_a_failed_run_is_redriven_by_its_letter(
    api: httpx.AsyncClient, database: Database
) -> None:
    run, entry = await _store_letters(database, 2)
    (letter, _) = (await api.get("/dead-letters")).json()

    assert (await api.post(letter["redrive"])).status_code == 202
    (request,) = await _requests(database)
    assert (request["_id"], request["kind"]) == (f"redrive:{run}", "redrive")

    refused = await api.post(f"/dead-letters/{entry}/redrive")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-redrivable")
    assert (await api.post("/dead-letters/1-1/redrive")).status_code == 404
    await database["runs"].update_one({"_id": run}, {"$set": {"state": "completed"}})
    again = await api.post(letter["redrive"])
    assert (again.status_code, again.json()["type"]) == (409, "/problems/run-not-failed")
