"""Turns every error that reaches the application into a problem document."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.connections import is_passing
from gateway.field_errors import field_errors, shown
from gateway.middleware import current_trace_id
from gateway.problems import (
    MALFORMED_BODY,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    ProblemError,
    invalid_request,
    problem_response,
    unavailable,
)

logger = logging.getLogger(__name__)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document.

    Unexpected ones are answered by `gateway.middleware.RequestLog`.
    """
    app.exception_handler(HTTPException)(_answer_http_error)
    app.exception_handler(RequestValidationError)(_answer_invalid_request)
    app.exception_handler(PyMongoError)(_answer_database_error)


def _answer(request: Request, problem: ProblemError) -> Response:
    return problem_response(problem, instance=request.url.path, trace_id=current_trace_id())


async def _answer_http_error(request: Request, error: HTTPException) -> Response:
    if isinstance(error, ProblemError):
        return _answer(request, error)
    path = shown(request.url.path)
    if error.status_code == METHOD_NOT_ALLOWED.status:
        allowed = _allowed_methods(request, error)
        return _answer(
            request,
            ProblemError(
                METHOD_NOT_ALLOWED,
                f"{path} supports {allowed}, not {shown(request.method)}",
                headers={"Allow": allowed},
            ),
        )
    if error.status_code == NOT_FOUND.status:
        return _answer(request, ProblemError(NOT_FOUND, f"nothing is served at {path}"))
    return _answer(request, ProblemError(MALFORMED_BODY, shown(str(error.detail))))


def _allowed_methods(request: Request, error: HTTPException) -> str:
    template = getattr(request.scope.get("route"), "path", None)
    operations = request.app.openapi()["paths"].get(template)
    if operations is None:
        return (error.headers or {}).get("Allow", "GET")
    return ", ".join(sorted(method.upper() for method in operations))


async def _answer_invalid_request(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return _answer(request, ProblemError(MALFORMED_BODY, "the body is not valid JSON"))
    place = found[0]["loc"][0]
    inner = [{**each, "loc": each["loc"][1:]} for each in found]
    model = _validated_model(request, place)
    return _answer(request, invalid_request(*field_errors(inner, model, (place,))))


def _validated_model(request: Request, place: str) -> type[BaseModel] | None:
    route: APIRoute = request.scope["route"]
    fields = [route.body_field] if place == "body" else route.dependant.query_params
    validated: Any = fields[0].field_info.annotation if fields and fields[0] else None
    is_model = isinstance(validated, type) and issubclass(validated, BaseModel)
    return validated if is_model else None


async def _answer_database_error(request: Request, error: PyMongoError) -> Response:
    if not is_passing(error):
        raise error
    logger.warning("MongoDB does not answer", extra={"error": type(error).__name__})
    return _answer(request, unavailable("MongoDB does not answer"))
