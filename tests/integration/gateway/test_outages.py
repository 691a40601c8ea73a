"""MongoDB and Redis may come late, go away and come back; what was answered was true."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from bson import ObjectId

from gateway.connections import REDIS_ANSWER_HOLDS_SECONDS
from gateway.settings import GatewaySettings
from local_stack.servers import MongoServer, RedisServer, Server

Body = dict[str, Any]
Serve = Callable[[GatewaySettings], AbstractAsyncContextManager[httpx.AsyncClient]]
WaitUntilReady = Callable[[httpx.AsyncClient], Awaitable[None]]

LONGEST_ANSWER_SECONDS = 15.0
"""Far above the gateway's own limits of a few seconds, as tests share a busy machine."""


def _settings(mongodb: MongoServer, redis: RedisServer) -> GatewaySettings:
    return GatewaySettings.model_validate({"mongodb_uri": mongodb.url, "redis_url": redis.url})


async def _start(server: Server) -> None:
    await asyncio.to_thread(server.start)


async def _kill(server: Server) -> None:
    await asyncio.to_thread(server.kill)


async def _are_unavailable(server: str, *answers: Awaitable[httpx.Response]) -> None:
    started = time.monotonic()
    for response in await asyncio.gather(*answers):
        assert response.status_code == 503, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["type"] == "/problems/unavailable"
        assert server in response.json()["detail"]
    assert time.monotonic() - started < LONGEST_ANSWER_SECONDS


async def test_a_gateway_that_comes_before_its_servers_serves_when_they_are_there(
    serve: Serve,
    wait_until_ready: WaitUntilReady,
    own_mongodb: MongoServer,
    own_redis: RedisServer,
    recurring: Body,
) -> None:
    await _kill(own_mongodb)
    await _kill(own_redis)
    async with serve(_settings(own_mongodb, own_redis)) as api:
        assert (await api.get("/livez")).status_code == 200
        assert (await api.get("/actions")).status_code == 200
        await _are_unavailable(
            "MongoDB",
            api.get("/readyz"),
            api.post("/jobs", json=recurring),
            api.get("/jobs"),
        )

        await _start(own_mongodb)
        await _start(own_redis)
        await wait_until_ready(api)

        assert (await api.post("/jobs", json=recurring)).status_code == 201
        assert len((await api.get("/jobs")).json()) == 1


@pytest.mark.parametrize("is_frozen", [False, True], ids=["dead", "frozen"])
async def test_without_redis_nothing_is_written_and_everything_is_read(
    serve: Serve,
    wait_until_ready: WaitUntilReady,
    own_mongodb: MongoServer,
    own_redis: RedisServer,
    recurring: Body,
    is_frozen: bool,
) -> None:
    async with serve(_settings(own_mongodb, own_redis)) as api:
        await wait_until_ready(api)
        job = (await api.post("/jobs", json=recurring)).json()
        del job["warnings"]
        if is_frozen:
            own_redis.process.send_signal(signal.SIGSTOP)
        else:
            await _kill(own_redis)
        await asyncio.sleep(REDIS_ANSWER_HOLDS_SECONDS)

        path = f"/jobs/{job['id']}"
        await _are_unavailable(
            "Redis",
            api.post("/jobs", json=recurring),
            api.patch(path, json={"maxAttempts": 5}),
            api.post(f"{path}/trigger"),
            api.delete(path),
            api.get("/readyz"),
        )
        assert (await api.get("/livez")).status_code == 200
        assert (await api.get("/jobs")).json() == [job]

        if is_frozen:
            own_redis.process.send_signal(signal.SIGCONT)
        else:
            await _start(own_redis)
        await wait_until_ready(api)
        assert (await api.patch(path, json={"maxAttempts": 5})).status_code == 200


@pytest.mark.parametrize("is_frozen", [False, True], ids=["dead", "frozen"])
async def test_without_mongodb_nothing_is_acknowledged_and_what_was_is_kept(
    serve: Serve,
    wait_until_ready: WaitUntilReady,
    own_mongodb: MongoServer,
    own_redis: RedisServer,
    recurring: Body,
    is_frozen: bool,
) -> None:
    async with serve(_settings(own_mongodb, own_redis)) as api:
        await wait_until_ready(api)
        job = (await api.post("/jobs", json=recurring)).json()
        if is_frozen:
            own_mongodb.process.send_signal(signal.SIGSTOP)
        else:
            await _kill(own_mongodb)

        path = f"/jobs/{job['id']}"
        await _are_unavailable(
            "MongoDB",
            api.post("/jobs", json=recurring),
            api.patch(path, json={"maxAttempts": 5}),
            api.delete(path),
            api.get("/jobs"),
            api.get("/readyz"),
        )
        assert (await api.get("/livez")).status_code == 200

        if is_frozen:
            own_mongodb.process.send_signal(signal.SIGCONT)
        else:
            await _start(own_mongodb)
        await wait_until_ready(api)
        assert (await api.post("/jobs", json=recurring)).status_code == 201
        if not is_frozen:
            assert (await api.get(path)).json()["maxAttempts"] == 3


async def test_an_unacknowledged_job_is_named_so_that_its_sender_can_look_for_it(
    serve: Serve,
    wait_until_ready: WaitUntilReady,
    own_mongodb: MongoServer,
    own_redis: RedisServer,
    recurring: Body,
) -> None:
    async with serve(_settings(own_mongodb, own_redis)) as api:
        await wait_until_ready(api)
        own_mongodb.process.send_signal(signal.SIGSTOP)

        detail = (await api.post("/jobs", json=recurring)).json()["detail"]

        own_mongodb.process.send_signal(signal.SIGCONT)
        await wait_until_ready(api)
    path = detail.partition("GET /jobs/")[2].partition(" ")[0]
    assert ObjectId.is_valid(path)


async def test_every_acknowledged_job_survives_a_crash_of_mongodb(
    serve: Serve,
    wait_until_ready: WaitUntilReady,
    own_mongodb: MongoServer,
    own_redis: RedisServer,
    recurring: Body,
) -> None:
    async with serve(_settings(own_mongodb, own_redis)) as api:
        await wait_until_ready(api)

        async def create() -> str | None:
            answer = await api.post("/jobs", json=recurring)
            assert answer.status_code in (201, 503), answer.text
            return answer.json()["id"] if answer.status_code == 201 else None

        async def crash() -> None:
            await asyncio.sleep(0.1)
            await _kill(own_mongodb)

        *made, _ = await asyncio.gather(*(create() for _ in range(60)), crash())
        await _start(own_mongodb)
        await wait_until_ready(api)

        stored = {job["id"] for job in (await api.get("/jobs?limit=1000")).json()}
    assert {job_id for job_id in made if job_id} <= stored
