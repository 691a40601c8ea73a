"""Reads request bodies as RFC 8259 has them: JSON only, UTF-8 only, no NaN, no repeated names."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from gateway.field_errors import shown
from gateway.problems import MALFORMED_BODY, UNSUPPORTED_MEDIA_TYPE, ProblemError


class StrictJsonRoute(APIRoute):
    """A route that refuses what Python's json module lets pass or cannot take."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind a check of media type and JSON."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            if self.body_field is not None and _has_body(request):
                _check_media_type(request)
            return await handle(_StrictJsonRequest(request.scope, request.receive))

        return handle_strictly


def _has_body(request: Request) -> bool:
    """Tell whether something was sent: whether that may be left out is said by the route."""
    return request.headers.get("content-length", "0") != "0" or (
        "transfer-encoding" in request.headers or "content-type" in request.headers
    )


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    main, _, subtype = media_type.partition("/")
    if main != "application" or not (subtype == "json" or subtype.endswith("+json")):
        raise ProblemError(
            UNSUPPORTED_MEDIA_TYPE,
            f"expected the header Content-Type: application/json, got {shown(media_type)!r}",
        )


class _StrictJsonRequest(Request):
    async def json(self) -> Any:
        """Return the parsed body."""
        return parse_json(await self.body())


def parse_json(body: bytes) -> Any:
    """Return what `body` says.

    Raises:
        ProblemError: It is not JSON, not UTF-8, nested too deeply, holds NaN or an infinity, or
            repeats a name within an object.
    """
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique_names
        )
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise ProblemError(MALFORMED_BODY, f"the body is not valid JSON: {shown(reason)}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        [(repeated, _)] = counts.most_common(1)
        raise ValueError(f"the name {shown(repeated)!r} appears twice in one object")
    return document
