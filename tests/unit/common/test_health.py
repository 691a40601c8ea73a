"""Probes tell what is wrong in a few words, and never more than they should."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from common import health
from common.health import Check, HealthServer, run_checks


async def well() -> str | None:
    return None


async def ill() -> str | None:
    return "hangs since 61 s"


async def broken() -> str | None:
    raise ConnectionError("redis://:s3cret@host")


async def slow() -> str | None:
    await asyncio.sleep(3_600)
    return None


async def test_only_what_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.05)
    checks: dict[str, Check] = {"a": well, "b": ill, "c": broken, "d": slow}
    assert await run_checks(checks) == {
        "b": "hangs since 61 s",
        "c": "ConnectionError",
        "d": "TimeoutError",
    }
    assert await run_checks({}) == {}


Client = Callable[[dict[str, Check], dict[str, Check]], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Makes a client of a health server with these checks."""
    made: list[httpx.AsyncClient] = []

    async def make(live: dict[str, Check], ready: dict[str, Check]) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(HealthServer(live, ready))
        made.append(httpx.AsyncClient(transport=transport, base_url="http://service"))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


async def test_a_healthy_service_is_alive_and_ready(client: Client) -> None:
    service = await client({"loop": well}, {"redis": well})
    for path in ("/livez", "/readyz"):
        answer = await service.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failed": {}})


async def test_a_server_that_is_away_makes_a_service_unready_and_not_dead(client: Client) -> None:
    service = await client({"loop": well}, {"redis": broken})
    assert (await service.get("/livez")).status_code == 200
    answer = await service.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "failed": {"redis": "ConnectionError"}}
    assert "s3cret" not in answer.text


async def test_a_dead_service_is_not_ready_either(client: Client) -> None:
    service = await client({"loop": ill}, {"redis": well})
    for path in ("/livez", "/readyz"):
        answer = await service.get(path)
        assert answer.status_code == 503
        assert answer.json()["failed"] == {"loop": "hangs since 61 s"}


async def test_metrics_are_served_and_nothing_else(client: Client) -> None:
    service = await client({}, {})
    metrics = await service.get("/metrics")
    assert metrics.status_code == 200
    assert "python_info" in metrics.text
    assert (await service.get("/")).status_code == 404
