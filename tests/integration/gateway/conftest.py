"""The gateway over real HTTP, on the session's MongoDB and Redis."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from gateway.main import create_app, listen
from gateway.settings import GatewaySettings
from local_stack.ports import find_free_port
from local_stack.process import ChildProcess

Serve = Callable[[GatewaySettings], AbstractAsyncContextManager[httpx.AsyncClient]]

RECURRING_BODY = """{"action": "wallet_snapshot",
 "payload": {"wallet": "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6",
             "options": {"includeTransactions": true, "includeTokenBalances": true,
                         "includeNFTs": true}},
 "type": "retry", "intervalMinutes": 15}"""
ONE_TIME_BODY = """{"action": "analyze_coin_flows",
 "payload": {"tokenAddress": "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7",
             "options": {"transactionLimit": 100, "includeAlerts": true}},
 "type": "scheduled", "scheduledAt": "2024-01-15T10:00:00.000Z"}"""


@pytest.fixture
def recurring() -> dict[str, Any]:
    """The recurring request of the documented contract."""
    body: dict[str, Any] = json.loads(RECURRING_BODY)
    return body


@pytest.fixture
def one_time() -> dict[str, Any]:
    """The one-time request of the documented contract."""
    body: dict[str, Any] = json.loads(ONE_TIME_BODY)
    return body


@pytest.fixture(scope="session")
def gateway_database() -> str:
    """Name of the database of the session's gateway."""
    return "gateway-tests"


@pytest.fixture(scope="session")
def gateway_url(
    servers_directory: Path, mongodb_uri: str, _session_redis: str, gateway_database: str
) -> Iterator[str]:
    """URL of a gateway process that all tests of this session share."""
    port = find_free_port()
    environment = {
        **os.environ,
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": gateway_database,
        "REDIS_URL": _session_redis,
        "PORT": str(port),
    }
    process = ChildProcess(
        "gateway",
        [sys.executable, "-m", "gateway.main"],
        servers_directory / "gateway.log",
        environment=environment,
        directory=servers_directory,
    )
    process.start()
    url = f"http://127.0.0.1:{port}"
    try:
        while not _is_ready(url):
            assert process.is_running, process.describe_end()
            time.sleep(0.05)
        yield url
    finally:
        process.stop()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
async def database(
    mongodb_uri: str, gateway_database: str, gateway_url: str
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """The database of the session's gateway, empty when the test begins."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri, tz_aware=True) as client:
        database = client[gateway_database]
        for name in await database.list_collection_names():
            await database[name].delete_many({})
        yield database


@pytest.fixture
async def api(
    gateway_url: str, redis_url: str, database: AsyncDatabase[dict[str, Any]]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the session's gateway, whose MongoDB and Redis are empty."""
    async with httpx.AsyncClient(base_url=gateway_url, timeout=30) as client:
        yield client


@pytest.fixture
def serve() -> Serve:
    """Serves the API in this process with given settings, and gives a client of it."""

    @asynccontextmanager
    async def serve(settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
        with listen("127.0.0.1", 0) as listener:
            config = uvicorn.Config(create_app(settings), log_config=None)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                yield client
            server.should_exit = True
            await serving

    return serve


@pytest.fixture
def wait_until_ready() -> Callable[[httpx.AsyncClient], Any]:
    """Waits until a gateway says that it is ready."""

    async def wait(client: httpx.AsyncClient) -> None:
        async with asyncio.timeout(30):
            while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110  # HTTP
                await asyncio.sleep(0.02)

    return wait
