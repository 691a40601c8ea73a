"""The OpenAPI document; `python -m gateway.openapi` prints it."""

import json
import sys
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from common.actions import ACTIONS
from gateway.problems import MEDIA_TYPE, Problem
from gateway.requests import JobChanges, JobRequest

DESCRIPTION: Final = """\
Runs blockchain analytics jobs, recurring or once.

Names are camelCase, times are RFC 3339 in UTC, amounts on the chain are decimal strings. Fields of
answers are always present; what is not set is `null`. Lists are plain JSON arrays, newest first; a
`Link` header with `rel="next"` leads to the next page. An error is a problem document (RFC 9457).
"""

_SCHEMAS: Final = "#/components/schemas/{model}"

PROBLEM_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "An error",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS.format(model="Problem")}}},
    }
}


def install_openapi(app: FastAPI) -> None:
    """Make `app` document problems, payloads and results beside what FastAPI derives by itself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    payloads = [action.payload for action in ACTIONS.values()]
    results = [action.result for action in ACTIONS.values()]
    references, extra = models_json_schema(
        [
            (Problem, "serialization"),
            *((payload, "validation") for payload in payloads),
            *((result, "serialization") for result in results),
        ],
        by_alias=True,
        ref_template=_SCHEMAS,
    )
    schemas = document["components"]["schemas"]
    schemas.update(extra["$defs"])
    schemas["ResultView"]["anyOf"] = [references[result, "serialization"] for result in results]
    for result in results:  # its fields stand among those of ResultView
        schemas[result.__name__].pop("additionalProperties")
    for request in (JobRequest, JobChanges):
        described = schemas[request.__name__]["properties"]["payload"]
        described["anyOf"] = [references[payload, "validation"] for payload in payloads]
        described.pop("type", None)
        described.pop("additionalProperties", None)
    return document


def main() -> None:
    """Print the OpenAPI document of the API as it is in this checkout."""
    from gateway.main import create_app  # main needs this module to build the app
    from gateway.settings import GatewaySettings

    json.dump(create_app(GatewaySettings()).openapi(), sys.stdout, indent=2, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
