"""Events survive the way through a stream, older readers and newer writers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from common.events import (
    OUTCOME,
    DeadLetter,
    Failure,
    JobDue,
    RunCompleted,
    RunFailed,
    RunProgress,
    RunStarted,
    run_id,
)
from common.models import from_millis
from common.streams import DATA_FIELD, due_stream, lease_key, to_entry, workers_group

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JOB = "65f0c0ffee65f0c0ffee65f0"
IDENTITY: dict[str, Any] = {
    "run_id": f"{JOB}:1",
    "job_id": JOB,
    "action": "wallet_snapshot",
    "attempt": 1,
    "traceparent": None,
}
ERROR = Failure(type="E", message="m", traceback="t")

DUE = JobDue(**IDENTITY, payload={"a": [1]}, chain_id=None, due_at=NOON, timeout_seconds=60)
OUTCOMES = [
    RunStarted(**IDENTITY, worker="w", at=NOON),
    RunProgress(**IDENTITY, step="s", at=NOON),
    RunCompleted(
        **IDENTITY, result_id="r", alerts_count=0, summary={"n": 1}, started_at=NOON, at=NOON
    ),
    RunFailed(**IDENTITY, error=ERROR, retryable=True, started_at=None, at=NOON),
]


def read(event: BaseModel) -> str:
    """Return the body of the entry that carries an event."""
    body = to_entry(event)[DATA_FIELD]
    assert isinstance(body, str)
    return body


@pytest.mark.parametrize("event", OUTCOMES, ids=lambda event: event.kind)
def test_an_outcome_is_read_as_what_was_written(event: Any) -> None:
    assert OUTCOME.validate_json(read(event)) == event


def test_a_due_event_is_read_as_what_was_written() -> None:
    assert JobDue.model_validate_json(read(DUE)) == DUE


@pytest.mark.parametrize("event", [DUE, *OUTCOMES], ids=lambda event: type(event).__name__)
def test_fields_of_a_newer_writer_are_ignored(event: Any) -> None:
    newer = {**event.model_dump(mode="json"), "mood": "good", "more": {"deep": [1]}}
    assert type(event).model_validate(newer) == event


def test_events_do_not_change() -> None:
    with pytest.raises(ValidationError):
        setattr(DUE, "attempt", 2)  # noqa: B010  # the type checker refuses it too


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": 0},
        {"timeout_seconds": 0},
        {"schema_version": 2},
        {"due_at": "2026-01-01T00:00:00"},
    ],
    ids=str,
)
def test_what_an_event_cannot_say_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JobDue.model_validate({**DUE.model_dump(mode="json"), **change})


def test_an_outcome_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="kind"):
        OUTCOME.validate_python({**OUTCOMES[0].model_dump(), "kind": "exploded"})


def test_a_dead_letter_may_know_nothing_but_its_reason() -> None:
    letter = DeadLetter(reason="unreadable", stream="s", error=ERROR, at=NOON)
    assert TypeAdapter(DeadLetter).validate_json(read(letter)) == letter


@given(st.integers(0, 32_503_680_000_000))
def test_a_firing_always_has_the_same_id(due_ms: int) -> None:
    assert run_id(JOB, from_millis(due_ms)) == f"{JOB}:{due_ms}"


def test_names_of_streams_groups_and_leases_tell_what_they_belong_to() -> None:
    assert due_stream("nft_floor") == "jobs.due.nft_floor"
    assert workers_group("nft_floor") == "nft_floor-workers"
    assert lease_key("j:1", 2) != lease_key("j:1", 1) != lease_key("j:11", 1)
