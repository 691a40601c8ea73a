"""What stands around the jobs: actions, documentation, metrics, traces."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from common.actions import ACTIONS
from gateway.settings import GatewaySettings

Body = dict[str, Any]
Database = AsyncDatabase[dict[str, Any]]
Serve = Callable[[GatewaySettings], AbstractAsyncContextManager[httpx.AsyncClient]]
WaitUntilReady = Callable[[httpx.AsyncClient], Awaitable[None]]

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


async def test_each_action_shows_schemas_and_an_example_that_is_accepted(
    api: httpx.AsyncClient,
) -> None:
    actions = (await api.get("/actions")).json()

    assert [action["name"] for action in actions] == list(ACTIONS)
    for action in actions:
        assert action["title"]
        assert action["description"]
        assert action["payloadSchema"]["properties"].keys() >= action["example"].keys()
        assert "window" in action["resultSchema"]["properties"]
        body = {
            "action": action["name"],
            "payload": action["example"],
            "type": "recurring",
            "intervalMinutes": action["defaultIntervalMinutes"],
        }
        assert (await api.post("/jobs", json=body)).status_code == 201


async def test_the_documentation_page_needs_no_other_host(api: httpx.AsyncClient) -> None:
    page = await api.get("/docs")

    paths = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(paths) == 3
    for path in paths:
        assert path.startswith("/docs/assets/")
        asset = await api.get(path)
        assert asset.status_code == 200
        assert len(asset.content) > 500
    assert "https://" not in page.text
    assert "'validatorUrl'" in page.text or '"validatorUrl": null' in page.text


async def test_the_api_document_is_served_with_the_bodies_of_the_contract(
    api: httpx.AsyncClient, recurring: Body, one_time: Body
) -> None:
    document = (await api.get("/openapi.json")).json()

    operation = document["paths"]["/jobs"]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    assert examples["recurring"]["value"] == recurring
    assert examples["scheduled"]["value"] == one_time


async def test_requests_are_counted_by_route_and_not_by_id(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    job = (await api.post("/jobs", json=recurring)).json()
    await api.get(job["links"]["self"])
    await api.get("/nothing/here")
    await api.request("BREW", "/jobs")

    metrics = (await api.get("/metrics")).text

    count = "gateway_request_duration_seconds_count"
    assert f'{count}{{method="POST",route="/jobs",status="201"}}' in metrics
    assert f'{count}{{method="GET",route="/jobs/{{job_id}}",status="200"}}' in metrics
    assert f'{count}{{method="GET",route="unmatched",status="404"}}' in metrics
    assert f'{count}{{method="OTHER",route="/jobs",status="405"}}' in metrics
    assert job["id"] not in metrics


async def test_the_trace_of_the_request_is_kept_with_the_job(
    api: httpx.AsyncClient, database: Database, recurring: Body
) -> None:
    headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}

    job = (await api.post("/jobs", json=recurring, headers=headers)).json()

    stored = await database["jobs"].find_one({"_id": ObjectId(job["id"])})
    assert stored is not None
    assert job["traceId"] == TRACE_ID
    # this gateway records no span of its own that what follows could hang on
    assert stored["traceparent"] == headers["traceparent"]


async def test_requests_without_a_trace_begin_one_each(
    api: httpx.AsyncClient, recurring: Body
) -> None:
    traces = {(await api.post("/jobs", json=recurring)).json()["traceId"] for _ in range(3)}

    assert len(traces) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in traces)


async def test_a_problem_names_the_trace_to_look_for(api: httpx.AsyncClient) -> None:
    headers = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}

    problem = (await api.get("/jobs/12", headers=headers)).json()

    assert problem["traceId"] == TRACE_ID


async def test_an_unexpected_error_is_logged_in_full_and_answered_without_internals(
    serve: Serve,
    wait_until_ready: WaitUntilReady,
    mongodb_uri: str,
    database_name: str,
    redis_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = GatewaySettings.model_validate(
        {"mongodb_uri": mongodb_uri, "mongodb_database": database_name, "redis_url": redis_url}
    )
    async with (
        serve(settings) as api,
        AsyncMongoClient[dict[str, Any]](mongodb_uri) as client,
    ):
        await wait_until_ready(api)
        database = client[database_name]
        await database.drop_collection("alerts")
        failing = [{"$project": {"recordedAt": {"$divide": [1, "$zero"]}}}]
        await database.create_collection("alerts", viewOn="numbers", pipeline=failing)
        await database["numbers"].insert_one({"zero": 0})

        answer = await api.get("/alerts")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/internal"
    assert "divide" not in answer.text
    [record] = [record for record in caplog.records if record.exc_info]
    assert "divide" in str(record.exc_info)
