"""Schedulers and workers as processes of their own, which tests may kill, freeze and stop."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from beanie import PydanticObjectId

from local_stack.ports import find_free_port
from local_stack.process import ChildProcess
from tests.integration import toy_worker
from tests.integration.engine_data import eventually
from tests.integration.engine_harness import Servers

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"


class ServiceProcess:
    """One process and its health port."""

    def __init__(self, name: str, command: list[str], directory: Path, **settings: str) -> None:
        self.health_url = f"http://127.0.0.1:{(port := find_free_port())}"
        self.child = ChildProcess(
            name,
            [sys.executable, *command],
            directory / f"{name}-{port}.log",
            environment={
                **os.environ,
                "LOG_FORMAT": "json",
                "HEALTH_PORT": str(port),
                "PORT": str(port),  # a gateway has its probes beside its API
                **settings,
            },
            directory=directory,
        )

    async def is_ready(self) -> bool:
        """Tell whether it does its work."""
        async with httpx.AsyncClient() as client:
            try:
                answer = await client.get(f"{self.health_url}/readyz", timeout=5)
            except httpx.HTTPError:
                return False
        return answer.status_code == 200

    async def wait_ready(self) -> None:
        """Wait until it does its work; fail when it ends before."""

        async def probe() -> bool:
            assert self.child.is_running, self.child.describe_end()
            return await self.is_ready()

        await eventually(probe, within=60, every=0.1)

    async def ask(self, path: str) -> httpx.Response:
        """Get a page of its health port."""
        async with httpx.AsyncClient() as client:
            return await client.get(self.health_url + path, timeout=10)

    async def wait_ended(self) -> int:
        """Wait until it has ended by itself and return its exit code."""

        async def ended() -> bool:
            return not self.child.is_running

        await eventually(ended)
        assert self.child.exit_code is not None
        return self.child.exit_code

    def log(self) -> list[dict[str, Any]]:
        """Return its log, which must be JSON line by line; the last may be half written."""
        return [json.loads(line) for line in self.child.log_path.read_text().split("\n")[:-1]]


def _environment(servers: Servers) -> dict[str, str]:
    return {
        "REDIS_URL": servers.redis_url,
        "MONGODB_URI": servers.mongodb_uri,
        "MONGODB_DATABASE": servers.database_name,
    }


@contextmanager
def scheduler_process(servers: Servers, directory: Path) -> Iterator[ServiceProcess]:
    """A scheduler with short times."""
    process = ServiceProcess(
        "scheduler",
        ["-m", "scheduler.main"],
        directory,
        **_environment(servers),
        PASS_SECONDS="1",
        RETRY_INITIAL_SECONDS="0.1",
        LOST_AFTER_SECONDS="1",
    )
    with _running(process):
        yield process


@contextmanager
def worker_process(
    servers: Servers, directory: Path, grace_seconds: float = 20.0, **settings: str
) -> Iterator[ServiceProcess]:
    """A toy worker with short times; `settings` are further variables."""
    process = ServiceProcess(
        "toy-worker",
        [toy_worker.__file__],
        directory,
        **_environment(servers),
        RPC_URLS=json.dumps({"31337": [servers.rpc_url]}),
        DEFAULT_CHAIN_ID="31337",
        LEASE_SECONDS="1",
        HEARTBEAT_SECONDS="0.25",
        SHUTDOWN_GRACE_SECONDS=str(grace_seconds),
        **settings,
    )
    with _running(process):
        yield process


@contextmanager
def gateway_process(servers: Servers, directory: Path) -> Iterator[ServiceProcess]:
    """A gateway; its API is on its health port too."""
    process = ServiceProcess("gateway", ["-m", "gateway.main"], directory, **_environment(servers))
    with _running(process):
        yield process


@contextmanager
def _running(process: ServiceProcess) -> Iterator[None]:
    try:
        process.child.start()
        yield
    finally:
        process.child.kill()


async def kill(process: ServiceProcess) -> None:
    """End it as a crash would."""
    await asyncio.to_thread(process.child.kill)


async def post(process: ServiceProcess, **timing: object) -> PydanticObjectId | None:
    """Create a job over HTTP; None when that was not acknowledged."""
    body = {"action": "wallet_snapshot", "payload": {"wallet": WALLET}, "maxAttempts": 20}
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.post(f"{process.health_url}/jobs", json=body | timing, timeout=5)
        except httpx.HTTPError:
            return None
    return PydanticObjectId(answer.json()["id"]) if answer.status_code == 201 else None
