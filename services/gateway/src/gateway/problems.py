"""Errors as RFC 9457 problem documents: the catalogue, how to raise one, how it is answered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from common.models import CamelModel

RETRY_AFTER_SECONDS: Final = "2"
MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One kind of problem; its `type` is `/problems/<code>`, which this service explains.

    Attributes:
        code: Stable name.
        status: HTTP status.
        title: The kind in a few words, the same for each occurrence.
        way_out: What the caller can do about it.
    """

    code: str
    status: int
    title: str
    way_out: str


MALFORMED_BODY: Final = Kind(
    "malformed-body", 400, "The body is not JSON", "Send one JSON object encoded as UTF-8."
)
NOT_FOUND: Final = Kind(
    "not-found", 404, "There is no such resource", "GET /docs lists what there is; check the id."
)
NO_RESULT: Final = Kind(
    "no-result",
    404,
    "The run has no result",
    "Follow the run: a result appears when its state is `completed`.",
)
METHOD_NOT_ALLOWED: Final = Kind(
    "method-not-allowed",
    405,
    "The resource does not support this method",
    "Use one of the methods that the Allow header names.",
)
JOB_RUNNING: Final = Kind(
    "job-running",
    409,
    "The job is running",
    "Wait until its run ends, or ask for one more run with POST /jobs/{id}/trigger.",
)
RUN_ENDED: Final = Kind(
    "run-ended",
    409,
    "The run has ended",
    "Nothing is left to cancel: GET /runs/{id} tells how it ended.",
)
RUN_NOT_FAILED: Final = Kind(
    "run-not-failed",
    409,
    "The run has not failed",
    "Only runs that have failed can be tried again: GET /dead-letters lists them.",
)
NOT_REDRIVABLE: Final = Kind(
    "not-redrivable",
    409,
    "The dead letter cannot be redriven",
    "Nothing is lost: the run that an unreadable entry belonged to is recovered by itself.",
)
BODY_TOO_LARGE: Final = Kind(
    "body-too-large", 413, "The body is too large", "Send a smaller request."
)
UNSUPPORTED_MEDIA_TYPE: Final = Kind(
    "unsupported-media-type",
    415,
    "The body's media type is not supported",
    "Send the header `Content-Type: application/json`.",
)
INVALID_REQUEST: Final = Kind(
    "invalid-request",
    422,
    "The request is not valid",
    "Correct the fields that `errors` points to; GET /actions shows each payload's schema.",
)
INTERNAL: Final = Kind(
    "internal", 500, "The gateway failed", "Look for the trace id in the gateway's logs."
)
UNREADABLE_DOCUMENT: Final = Kind(
    "unreadable-document",
    500,
    "A stored document is not readable",
    "Correct or delete the document in MongoDB: it was written or changed by something else.",
)
UNAVAILABLE: Final = Kind(
    "unavailable",
    503,
    "A server behind the gateway does not answer",
    "Send the request again after the seconds that Retry-After names.",
)

KINDS: Final[Mapping[str, Kind]] = {
    kind.code: kind for kind in list(globals().values()) if isinstance(kind, Kind)
}


class FieldError(CamelModel):
    """What is wrong with one part of a request."""

    detail: str
    pointer: str | None = Field(
        default=None,
        description="JSON pointer into the body, as URI fragment",
        examples=["#/payload/wallet"],
    )
    parameter: str | None = Field(default=None, description="name of the query parameter")


class Problem(CamelModel):
    """An error as RFC 9457 describes it."""

    type: str = Field(description="kind of problem, explained under this path")
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    errors: list[FieldError] | None = Field(
        default=None, description="each part that is wrong; only with `invalid-request`"
    )
    trace_id: str | None = Field(default=None, description="only while tracing is on")


class ProblemError(HTTPException):
    """A request that cannot be answered as asked."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind.status, detail, headers)
        self.kind = kind
        self.errors = list(errors)


def invalid_request(*errors: FieldError) -> ProblemError:
    """Return the problem of a request whose parts are wrong, each named by one of `errors`."""
    first = errors[0]
    others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    detail = f"{first.pointer or first.parameter}: {first.detail}{others}"
    return ProblemError(INVALID_REQUEST, detail, errors=errors)


def unavailable(detail: str) -> ProblemError:
    """Return the problem of a request that needs a server which does not answer."""
    return ProblemError(UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER_SECONDS})


def problem_response(problem: ProblemError, *, instance: str, trace_id: str | None) -> Response:
    """Return the HTTP response of a problem.

    Args:
        problem: What went wrong.
        instance: Path of the request.
        trace_id: Trace that the request belongs to, if any.
    """
    document = Problem(
        type=f"/problems/{problem.kind.code}",
        title=problem.kind.title,
        status=problem.status_code,
        detail=problem.detail,
        instance=instance,
        errors=problem.errors or None,
        trace_id=trace_id,
    )
    return Response(
        encode(document.model_dump(by_alias=True, exclude_none=True)),
        problem.status_code,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def encode(document: Mapping[str, Any]) -> bytes:
    """Return `document` as ASCII JSON, which also carries text that is not valid Unicode."""
    return json.dumps(document, separators=(",", ":")).encode()
