"""What happens to each request around its handler: a size limit, one log line, one measurement."""

import logging
import time
from typing import Any, Final
from urllib.parse import quote

from opentelemetry import trace
from prometheus_client import Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import BODY_TOO_LARGE, INTERNAL, ProblemError, problem_response

logger = logging.getLogger("gateway.requests")

QUIET_PATHS: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked every few seconds by machines: not traced, and logged only when they fail."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_LOGGED_CHARACTERS: Final = 200

REQUEST_SECONDS: Final = Histogram(
    "gateway_request_duration_seconds",
    "Time from the request's arrival to the end of its answer.",
    ["method", "route", "status"],
)


def current_trace_id() -> str | None:
    """Return the active trace's id, None while tracing is off."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


class RequestLog:
    """Logs and measures each request, and answers for a handler that failed unexpectedly."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status: int | None = None

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        except Exception as error:
            logger.exception("request failed", extra=_fields(scope))
            trace.get_current_span().record_exception(error)
            if status is not None:
                raise
            problem = ProblemError(INTERNAL, "an unexpected error, recorded in the gateway's log")
            await problem_response(problem, instance=scope["path"], trace_id=current_trace_id())(
                scope, receive, send_noting_status
            )
        finally:
            seconds = time.perf_counter() - started
            _record(scope, status, seconds)


def _record(scope: Scope, status: int | None, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = getattr(scope.get("route"), "path", "unmatched")
    REQUEST_SECONDS.labels(method, route, str(status or "aborted")).observe(seconds)
    failed = status is None or status >= 500
    quiet = scope["path"] in QUIET_PATHS and not failed
    level = logging.DEBUG if quiet else logging.WARNING if failed else logging.INFO
    logger.log(
        level,
        "%s %s %s",
        method,
        _quoted(scope["path"]),
        status or "aborted",
        extra={**_fields(scope), "duration_ms": round(seconds * 1000, 1)},
    )


def _fields(scope: Scope) -> dict[str, Any]:
    parameters = scope.get("path_params", {})
    ids = {name: _quoted(value) for name, value in parameters.items() if name.endswith("_id")}
    return {**ids, **scope.get("state", {}).get("log_fields", {})}


def _quoted(text: str) -> str:
    """Return `text` percent-encoded and cut, so that nobody can forge a line of the log."""
    return quote(text, safe="/:")[:_LOGGED_CHARACTERS]


class BodyLimit:
    """Refuses bodies above a size, whether they announce it or not."""

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit_bytes:
            response = problem_response(
                self._too_large(), instance=scope["path"], trace_id=current_trace_id()
            )
            await response(scope, receive, send)
            return
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit_bytes:
                raise self._too_large()
            return message

        await self._app(scope, receive_limited, send)

    def _too_large(self) -> ProblemError:
        return ProblemError(
            BODY_TOO_LARGE,
            f"a body may have {self._limit_bytes} bytes at most",
            headers={"Connection": "close"},
        )
