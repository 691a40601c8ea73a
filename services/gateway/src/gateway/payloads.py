"""Validates a payload by its action's contract and brings it into the form that is stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import bson
from bson.errors import InvalidDocument
from pydantic import Field, ValidationError

from common.actions import AnyAction
from common.addresses import checksum_mismatches
from common.models import CamelModel
from gateway.field_errors import field_errors, pointer, shown
from gateway.problems import FieldError, invalid_request


class RequestWarning(CamelModel):
    """Something in an accepted request that may be a mistake."""

    code: Literal["CHECKSUM_MISMATCH"]
    detail: str
    pointer: str = Field(description="JSON pointer into the body, as URI fragment")


@dataclass(frozen=True)
class Payload:
    """A payload as stored, and what deserves a word to its sender."""

    stored: dict[str, Any]
    warnings: list[RequestWarning]


def normalize(action: AnyAction, payload: Mapping[str, Any]) -> Payload:
    """Return `payload` with addresses in lower case and defaults filled in.

    Raises:
        ProblemError: The action's contract or MongoDB refuses it.
    """
    try:
        # as JSON, because strict mode takes a date or an enum from JSON text only
        valid = action.payload.model_validate_json(
            json.dumps(payload), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        raise invalid_request(*field_errors(found, action.payload, ("body", "payload"))) from error
    stored = valid.model_dump(mode="json", by_alias=True)
    _check_storable(stored)
    return Payload(stored, [_checksum_warning(*each) for each in checksum_mismatches(payload)])


def _check_storable(payload: Mapping[str, Any]) -> None:
    try:
        bson.encode(payload, check_keys=True)
    except (InvalidDocument, OverflowError, UnicodeEncodeError) as error:
        raise invalid_request(
            FieldError(detail=f"cannot be stored: {shown(str(error))}", pointer="#/payload")
        ) from error


def _checksum_warning(path: str, address: str) -> RequestWarning:
    location = path.replace("]", "").replace("[", ".").split(".")
    return RequestWarning(
        code="CHECKSUM_MISMATCH",
        detail=f"{address} disagrees with its EIP-55 checksum: accepted, but check it for a typo",
        pointer=pointer(["payload", *location]),
    )
