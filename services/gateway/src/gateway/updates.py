"""Decides what a requested change sets in a stored job: pure rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from common.actions import ACTIONS
from common.documents import Job
from gateway.payloads import Payload, RequestWarning, normalize
from gateway.problems import FieldError, invalid_request
from gateway.requests import JobChanges
from gateway.retiming import decide_new_timing

_REMOVABLE: Final = {
    "catch_up_window_minutes": "catchUpWindowMinutes",
    "pause_after_failures": "pauseAfterFailures",
    "backoff": "backoff",
}


@dataclass(frozen=True)
class Update:
    """What to write.

    Attributes:
        fields: MongoDB field path to aggregation expression.
        warnings: What may be a mistake in the request.
    """

    fields: Mapping[str, Any]
    warnings: list[RequestWarning]


def decide_update(changes: JobChanges, job: Job, now: datetime) -> Update:
    """Return what `changes` set in `job`.

    Raises:
        ProblemError: A change does not fit the job, or its action's contract refuses the payload.
    """
    plain = {
        "updatedAt": now,
        "maxAttempts": changes.max_attempts,
        "timeoutSeconds": changes.timeout_seconds,
        "status": changes.status,
        "overlap": changes.overlap,
    }
    fields: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    for name, stored in _REMOVABLE.items():
        if name in changes.model_fields_set:
            fields[stored] = changes.model_dump(by_alias=True)[stored]
    fields.update(decide_new_timing(changes, job, now))
    if changes.payload is None:
        return Update(fields, [])
    payload = _normalize(job.action, changes.payload)
    # literally, because a text that begins with a dollar sign would be read as a field path
    return Update({**fields, "payload": {"$literal": payload.stored}}, payload.warnings)


def _normalize(action_name: str, payload: Mapping[str, Any]) -> Payload:
    action = ACTIONS.get(action_name)
    if action is None:
        detail = (
            f"cannot be checked: this gateway does not know the action {action_name!r} any more"
        )
        raise invalid_request(FieldError(detail=detail, pointer="#/payload"))
    return normalize(action, payload)
