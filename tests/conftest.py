"""Real servers for all tests: MongoDB, Redis and an EVM node, started when first asked for.

Servers shared by a session are cheap to use: `mongodb_uri` with a `database_name` per test,
`redis_url` or `redis` emptied before each test, `anvil_url` with the planted traffic of `scenario`.
A test that stops, kills or fills a server takes one of its own: `own_mongodb`, `own_redis`,
`forgetful_redis`, `own_anvil`. No two servers share a port, in this or any other session.
"""

import os
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pymongo
import pytest
from hypothesis import settings
from pydantic import SecretStr
from pymongo.asynchronous.database import AsyncDatabase
from redis import Redis as SynchronousRedis
from redis.asyncio import Redis

from common.actions.contract import ActionPayload
from common.actions.handler import Handler, Report, RunContext
from common.chain.client import Chains
from common.chain.store.chain_store import ChainStore
from common.chain.types import RpcStats
from common.mongo_client import create_mongo
from local_chain.scenario import Scenario, build
from local_stack.paths import LOCAL
from local_stack.servers import AnvilServer, MongoServer, RedisServer, Server

RUNS = LOCAL / "tests"

settings.register_profile("unhurried", deadline=None)  # a busy machine fails no test
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def servers_directory() -> Iterator[Path]:
    """Data and logs of this session's servers; what killed sessions left is removed first."""
    for left in RUNS.glob("*"):
        if not psutil.pid_exists(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)
    directory = RUNS / str(os.getpid())
    directory.mkdir(parents=True)
    yield directory
    shutil.rmtree(directory)


def _running(server: Server) -> Iterator[Server]:
    try:
        server.start()
        yield server
    finally:
        server.kill()


def _own_directory(servers_directory: Path, kind: str) -> Path:
    return servers_directory / f"{kind}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def mongodb_uri(servers_directory: Path) -> Iterator[str]:
    """Connection string of the session's MongoDB, a replica set."""
    for server in _running(
        MongoServer(servers_directory / "mongod", servers_directory / "mongod.log")
    ):
        yield server.url


@pytest.fixture
def database_name(mongodb_uri: str) -> Iterator[str]:
    """Name of a database that only this test uses; dropped afterwards."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with pymongo.MongoClient[dict[str, object]](mongodb_uri) as client:
        client.drop_database(name)


@pytest.fixture
async def database(
    mongodb_uri: str, database_name: str
) -> AsyncIterator[AsyncDatabase[dict[str, Any]]]:
    """A database that only this test uses."""
    async with create_mongo(SecretStr(mongodb_uri)) as client:
        yield client[database_name]


@pytest.fixture(scope="session")
def _session_redis(servers_directory: Path) -> Iterator[str]:
    for server in _running(
        RedisServer(servers_directory / "redis", servers_directory / "redis.log")
    ):
        yield server.url


@pytest.fixture
def redis_url(_session_redis: str) -> str:
    """URL of the session's Redis, empty when the test begins."""
    with SynchronousRedis.from_url(_session_redis) as client:
        client.flushall()
    return _session_redis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the session's Redis, empty when the test begins."""
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def anvil_url(servers_directory: Path) -> Iterator[str]:
    """RPC URL of the session's chain; use `scenario` too where its traffic matters."""
    for server in _running(AnvilServer(servers_directory / "anvil.log")):
        yield server.url


@pytest.fixture(scope="session")
def scenario(anvil_url: str) -> Scenario:
    """What was planted on the chain at `anvil_url`; tests only read that chain."""
    return build(anvil_url)


@pytest.fixture
def own_mongodb(servers_directory: Path) -> Iterator[MongoServer]:
    """A MongoDB that the test may kill and start again; data survive that."""
    directory = _own_directory(servers_directory, "mongod")
    server = MongoServer(directory, directory.with_suffix(".log"))
    for _ in _running(server):
        yield server


@pytest.fixture
def own_redis(servers_directory: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill and start again; data survive that (append-only file)."""
    directory = _own_directory(servers_directory, "redis")
    server = RedisServer(directory, directory.with_suffix(".log"), append_only=True)
    for _ in _running(server):
        yield server


@pytest.fixture
def forgetful_redis(servers_directory: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill; started again it is empty."""
    directory = _own_directory(servers_directory, "redis")
    server = RedisServer(directory, directory.with_suffix(".log"))
    for _ in _running(server):
        yield server


@pytest.fixture
def own_anvil(servers_directory: Path) -> Iterator[AnvilServer]:
    """An empty chain of the test's own, to change, kill and start again (empty)."""
    server = AnvilServer(_own_directory(servers_directory, "anvil").with_suffix(".log"))
    for _ in _running(server):
        yield server


RunHandler = Callable[..., Awaitable[tuple[Report[Any], RpcStats]]]


@pytest.fixture
def run_handler(database: AsyncDatabase[dict[str, Any]]) -> RunHandler:
    """Return a function that runs an action's handler once, as the worker runtime does."""

    async def run(
        handler: Handler[Any, Any],
        payload: ActionPayload,
        url: str,
        *,
        chain_id: int = 31_337,
        previous: dict[str, Any] | None = None,
    ) -> tuple[Report[Any], RpcStats]:
        async def ignore_progress(_: str) -> None: ...

        async def find_previous() -> dict[str, Any] | None:
            return previous

        chains = Chains({chain_id: [url]}, chain_id, store=ChainStore(database))
        try:
            pinned = await (await chains.get()).pin(payload.requested_block())
            context = RunContext(
                run_id="job:0",
                job_id="job",
                pinned=pinned,
                configured_thresholds={},
                report_progress=ignore_progress,
                find_previous_result=find_previous,
                database=database,
            )
            report = await handler(payload, context)
            await pinned.confirm()
        finally:
            await chains.close()
        return report, pinned.stats

    return run
