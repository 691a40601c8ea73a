"""GET /jobs, /runs and /alerts: filters, pages that stay right while the list grows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

Body = dict[str, Any]
Database = AsyncDatabase[dict[str, Any]]

NOW = datetime(2030, 1, 1, tzinfo=UTC)
JOB_ID = ObjectId("65a5c1d2e4b0a1b2c3d4e5f6")


def _run(number: int, **fields: Any) -> dict[str, Any]:
    due_at = NOW + timedelta(minutes=number)
    return {
        "_id": f"{JOB_ID}:{round(due_at.timestamp() * 1000)}",
        "jobId": JOB_ID,
        "action": "wallet_snapshot",
        "payload": {"wallet": "0x" + "1" * 40},
        "chainId": None,
        "dueAt": due_at,
        "state": "queued",
        "attempt": 1,
        "maxAttempts": 3,
        "timeoutSeconds": 300,
        "emitAt": due_at,
        "emissions": 1,
        "createdAt": due_at,
        "errors": [],
        "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
        **fields,
    }


def _alert(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "_id": f"{number:032x}",
        "action": "analyze_coin_flows",
        "jobId": str(JOB_ID),
        "runId": f"{JOB_ID}:1",
        "chainId": 1,
        "type": "LARGE_TRANSFER",
        "severity": "high",
        "subject": {"kind": "token", "address": "0x" + "1" * 40, "tokenId": None},
        "title": "A large transfer",
        "metrics": {"value": 5.0, "threshold": 1.0, "baseline": None, "zScore": None},
        "evidence": [{"transactionHash": "0x" + "2" * 64, "logIndex": 1, "blockNumber": 3}],
        "confidence": 1.0,
        "detectedAt": NOW,
        "recordedAt": NOW + timedelta(seconds=number // 3),
        **fields,
    }


async def _all_pages(api: httpx.AsyncClient, path: str) -> list[list[dict[str, Any]]]:
    pages = []
    url: str | httpx.URL = path
    while True:
        answer = await api.get(url)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if "next" not in answer.links:
            return pages
        url = answer.links["next"]["url"]


async def test_no_jobs_are_an_empty_array(api: httpx.AsyncClient) -> None:
    answer = await api.get("/jobs")

    assert answer.json() == []
    assert "link" not in answer.headers


async def test_jobs_come_newest_first_in_pages_that_miss_and_repeat_nothing(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    made = [(await api.post("/jobs", json=recurring)).json()["id"] for _ in range(7)]

    first = await api.get("/jobs?limit=3")
    await api.post("/jobs", json=recurring)  # a newer job does not shift the pages that follow
    rest = await _all_pages(api, first.links["next"]["url"])

    pages = [first.json(), *rest]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [job["id"] for page in pages for job in page] == made[::-1]


async def test_a_last_page_that_is_full_has_no_successor(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    for _ in range(4):
        await api.post("/jobs", json=recurring)

    assert [len(page) for page in await _all_pages(api, "/jobs?limit=2")] == [2, 2]


async def test_filters_hold_on_every_page(
    api: httpx.AsyncClient, database: Database, recurring: Body, one_time: Body
) -> None:
    for body in (recurring, one_time, recurring, one_time, recurring):
        await api.post("/jobs", json=body)
    await database["jobs"].update_many({"type": "retry"}, {"$set": {"status": "failed"}})

    async def count(query: str) -> int:
        return sum(len(page) for page in await _all_pages(api, f"/jobs?limit=2&{query}"))

    assert await count("status=failed") == 3
    assert await count("status=pending") == 2
    assert await count("type=retry") == await count("type=recurring") == 3
    assert await count("type=scheduled&action=analyze_coin_flows") == 2
    assert await count("action=analyze_coin_flows&status=failed") == 0


async def test_the_filters_of_the_contract_work_in_the_database_too(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    await api.post("/jobs", json=recurring)

    for criteria in ({"status": "pending"}, {"type": "retry"}, {"action": "wallet_snapshot"}):
        assert await database["jobs"].count_documents(criteria) == 1


async def test_one_broken_document_hides_no_other(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    made = [(await api.post("/jobs", json=recurring)).json()["id"] for _ in range(3)]
    await database["jobs"].update_one({"_id": ObjectId(made[1])}, {"$unset": {"payload": ""}})

    listed = await _all_pages(api, "/jobs?limit=1")
    shown = await api.get(f"/jobs/{made[1]}")

    assert [[job["id"] for job in page] for page in listed] == [[made[2]], [], [made[0]]]
    assert (shown.status_code, shown.json()["type"]) == (500, "/problems/unreadable-document")
    assert "payload" in shown.json()["detail"]


async def test_runs_come_latest_first_in_pages(api: httpx.AsyncClient, database: Database) -> None:
    runs = [_run(number) for number in range(5)]
    await database["runs"].insert_many(runs)

    pages = await _all_pages(api, f"/jobs/{JOB_ID}/runs?limit=2")

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [run["id"] for page in pages for run in page] == [run["_id"] for run in runs[::-1]]


async def test_a_run_shows_its_errors_its_trace_and_where_to_go_on(
    api: httpx.AsyncClient, database: Database
) -> None:
    error = {
        "type": "NodeError",
        "message": "no answer",
        "attempt": 1,
        "at": NOW,
        "traceback": "Traceback",
    }
    run = _run(1, state="retrying", attempt=2, errors=[error])
    await database["runs"].insert_one(run)

    shown = (await api.get(f"/runs/{run['_id']}")).json()

    assert shown["traceId"] == "0123456789abcdef0123456789abcdef"
    assert (shown["state"], shown["attempt"], shown["jobId"]) == ("retrying", 2, str(JOB_ID))
    assert shown["errors"] == [{**error, "at": "2030-01-01T00:00:00Z"}]
    assert shown["dueAt"] == "2030-01-01T00:01:00Z"
    assert shown["links"] == {
        "self": f"/runs/{run['_id']}",
        "job": f"/jobs/{JOB_ID}",
        "alerts": f"/alerts?runId={run['_id']}",
        "result": None,
    }


async def test_a_result_is_answered_as_stored(api: httpx.AsyncClient, database: Database) -> None:
    run = _run(1, state="completed", resultId="r")
    result = {
        "jobId": str(JOB_ID),
        "generatedAt": NOW,
        "balanceRaw": "115792089237316195423570985008687907853269984665640564039457584007913",
        "ratio": float("nan"),
        "holdings": [{"amount": 1.5}],
    }
    await database["runs"].insert_one(run)
    await database["wallet_snapshots"].insert_one({"_id": run["_id"], **result})

    shown = (await api.get(f"/runs/{run['_id']}")).json()
    answer = await api.get(shown["links"]["result"])

    assert answer.json() == {
        "runId": run["_id"],
        **result,
        "generatedAt": "2030-01-01T00:00:00Z",
        "ratio": None,
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "queued"}, "is queued and has no result yet"),
        ({"state": "running"}, "is running and has no result yet"),
        ({"state": "completed"}, "no longer stored"),
        ({"state": "skipped", "skipReason": "overlap"}, "is skipped (overlap)"),
        (
            {
                "state": "failed",
                "errors": [{"type": "NodeError", "message": "away", "attempt": 3, "at": NOW}],
            },
            "is failed: NodeError: away",
        ),
    ],
)
async def test_a_missing_result_is_explained_by_the_state_of_its_run(
    api: httpx.AsyncClient, database: Database, fields: Body, words: str
) -> None:
    run = _run(1, **fields)
    await database["runs"].insert_one(run)

    answer = await api.get(f"/runs/{run['_id']}/result")

    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-result")
    assert words in answer.json()["detail"]


async def test_the_history_of_a_deleted_job_stays(
    api: httpx.AsyncClient, database: Database
) -> None:
    await database["runs"].insert_one(_run(1))

    assert len((await api.get(f"/jobs/{JOB_ID}/runs")).json()) == 1


async def test_a_job_without_runs_has_an_empty_history(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    job = (await api.post("/jobs", json=recurring)).json()

    assert (await api.get(job["links"]["runs"])).json() == []


async def test_alerts_of_one_moment_are_paged_without_loss(
    api: httpx.AsyncClient, database: Database
) -> None:
    await database["alerts"].insert_many([_alert(number) for number in range(8)])

    pages = await _all_pages(api, "/alerts?limit=2")

    assert [len(page) for page in pages] == [2, 2, 2, 2]
    numbers = [int(alert["id"], 16) for page in pages for alert in page]
    assert numbers == [7, 6, 5, 4, 3, 2, 1, 0]
    assert pages[0][0]["recordedAt"] == "2030-01-01T00:00:02Z"
    assert pages[0][0]["metrics"]["value"] == 5.0
    assert pages[0][0]["links"]["job"] == f"/jobs/{JOB_ID}"


async def test_alerts_of_a_run_are_all_it_saw_also_those_that_another_recorded(
    api: httpx.AsyncClient, database: Database
) -> None:
    await database["alerts"].insert_many([_alert(number, runId="r:1") for number in range(4)])
    await database["alerts"].insert_one(_alert(9, runId="r:2"))
    seen = [_alert(number)["_id"] for number in (1, 3, 9)]
    await database["wallet_snapshots"].insert_one({"_id": "r:2", "alertIds": seen})

    pages = await _all_pages(api, "/alerts?runId=r:2&limit=2")

    assert [int(alert["id"], 16) for page in pages for alert in page] == [9, 3, 1]


async def test_alerts_are_filtered_by_everything_that_names_them(
    api: httpx.AsyncClient, database: Database
) -> None:
    await database["alerts"].insert_many(
        [
            _alert(1),
            _alert(2, severity="low", type="WHALE"),
            _alert(3, runId="r:2", action="wallet_snapshot", jobId="other"),
        ]
    )
    expected = {
        f"jobId={JOB_ID}": [2, 1],
        "jobId=other": [3],
        "runId=r:2": [3],
        "action=wallet_snapshot": [3],
        "type=WHALE": [2],
        "severity=high": [3, 1],
        "severity=high&type=WHALE": [],
    }

    answers = await asyncio.gather(*(api.get(f"/alerts?{query}") for query in expected))

    found = [[int(alert["id"], 16) for alert in answer.json()] for answer in answers]
    assert found == list(expected.values())
