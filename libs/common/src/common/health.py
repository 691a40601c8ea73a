"""Liveness, readiness and metrics of a process without an API of its own.

`/livez` answers 503 when the process cannot do its work any more and must be restarted, `/readyz`
when it cannot do it right now, for example because Redis is away. Both name the failed checks.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

Check = Callable[[], Awaitable[str | None]]
"""Returns None when all is well, else in a few words what is wrong."""

CHECK_TIMEOUT_SECONDS = 2.0


async def run_checks(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return what is wrong, by name of the check; empty when all is well.

    A check that raises or takes longer than two seconds has failed: the type of the error is told,
    not its text, which may hold a connection string.
    """

    async def outcome(check: Check) -> str | None:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                return await check()
        except Exception as error:  # noqa: BLE001  # a check must never take the probe down
            return type(error).__name__

    results = await asyncio.gather(*(outcome(check) for check in checks.values()))
    return {name: wrong for name, wrong in zip(checks, results, strict=True) if wrong}


class HealthServer:
    """A small HTTP server with `/livez`, `/readyz` and `/metrics`."""

    def __init__(self, live: Mapping[str, Check], ready: Mapping[str, Check]) -> None:
        self._live = live
        self._ready = {**live, **ready}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path == "/metrics":
            status, kind, body = 200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)
        elif path in ("/livez", "/readyz"):
            failed = await run_checks(self._live if path == "/livez" else self._ready)
            status, kind = (503 if failed else 200), "application/json"
            body = json.dumps({"status": "failing" if failed else "ok", "failed": failed}).encode()
        else:
            status, kind, body = 404, "text/plain", b"/livez, /readyz or /metrics"
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def serve(self, host: str, port: int) -> None:
        """Serve until cancelled."""
        config = uvicorn.Config(
            self, host=host, port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        await _EmbeddedServer(config).serve()


class _EmbeddedServer(uvicorn.Server):
    """A uvicorn that leaves the signals to the service it lives in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
