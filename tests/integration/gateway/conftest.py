"""The gateway over real HTTP, on the session's MongoDB and Redis."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from gateway.main import create_app
from gateway.settings import GatewaySettings
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

Serve = Callable[[GatewaySettings], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def serve() -> Serve:
    """Serves the API with given settings, and gives a client of it."""

    @asynccontextmanager
    async def serve(settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
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
def settings(mongodb_uri: str, database_name: str, redis_url: str) -> GatewaySettings:
    """Settings for a database of the test's own."""
    return GatewaySettings.model_validate(
        {"mongodb_uri": mongodb_uri, "mongodb_database": database_name, "redis_url": redis_url}
    )


@pytest.fixture
async def api(serve: Serve, settings: GatewaySettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that is ready."""
    async with serve(settings) as client:
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.02)
        yield client


@pytest.fixture
async def database(
    mongodb_uri: str, database_name: str
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """The database that the gateway under test uses."""
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri, tz_aware=True) as client:
        yield client[database_name]
