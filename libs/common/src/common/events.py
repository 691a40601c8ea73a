"""The facts that travel on the streams: frozen, versioned, only ever extended.

An event carries ids and small summaries; results live in MongoDB. `traceparent` is part of the
event itself, because reading entries in batches loses per-message headers.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from common.models import UtcDatetime, from_millis, to_millis


class Event(BaseModel):
    """Base of all events. Unknown fields are ignored: older readers survive newer writers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    run_id: str
    job_id: str
    action: str
    attempt: int = Field(ge=1)
    traceparent: str | None = Field(default=None, description="W3C trace context")

    def identity(self) -> dict[str, Any]:
        """Return what every event about the same attempt has: its ids, number and trace."""
        return {
            "run_id": self.run_id,
            "job_id": self.job_id,
            "action": self.action,
            "attempt": self.attempt,
            "traceparent": self.traceparent,
        }


class JobDue(Event):
    """An attempt of a run is to be carried out now."""

    payload: dict[str, Any]
    chain_id: int | None
    due_at: UtcDatetime
    timeout_seconds: int = Field(gt=0)


class Failure(BaseModel):
    """Why an attempt failed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str
    message: str
    traceback: str | None = None


class RunStarted(Event):
    """A worker holds the attempt's lease and begins."""

    kind: Literal["started"] = "started"
    worker: str
    at: UtcDatetime


class RunProgress(Event):
    """What a running attempt is doing."""

    kind: Literal["progress"] = "progress"
    step: str
    at: UtcDatetime


class RunCompleted(Event):
    """The result is stored."""

    kind: Literal["completed"] = "completed"
    result_id: str
    alerts_count: int = Field(ge=0)
    summary: dict[str, str | int | float | bool | None]
    started_at: UtcDatetime
    at: UtcDatetime


class RunFailed(Event):
    """The attempt ended without a result."""

    kind: Literal["failed"] = "failed"
    error: Failure
    retryable: bool
    started_at: UtcDatetime | None
    at: UtcDatetime


class RunCancelled(Event):
    """The attempt was stopped, because a user wished so."""

    kind: Literal["cancelled"] = "cancelled"
    worker: str | None
    started_at: UtcDatetime | None
    at: UtcDatetime


RunEnd = RunCompleted | RunFailed | RunCancelled
"""How an attempt ends."""

Outcome = Annotated[RunStarted | RunProgress | RunEnd, Field(discriminator="kind")]
OUTCOME: TypeAdapter[RunStarted | RunProgress | RunEnd] = TypeAdapter(Outcome)


class DeadLetter(BaseModel):
    """Something nobody will try again: a run out of attempts, or an entry nobody can read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    reason: Literal["attempts_exhausted", "not_retryable", "unreadable"]
    stream: str
    run_id: str | None = None
    job_id: str | None = None
    action: str | None = None
    attempt: int | None = None
    error: Failure
    entry: str | None = Field(default=None, description="the raw entry, when it was unreadable")
    at: UtcDatetime


def run_id(job_id: str, due_at: datetime) -> str:
    """Return the id of a job's run due at `due_at`: the same firing always has the same id."""
    return f"{job_id}:{to_millis(due_at)}"


def due_time(run_id: str) -> datetime:
    """Return when a run was due, from its id.

    Raises:
        ValueError: That is not the id of a run.
    """
    try:
        return from_millis(int(run_id.rpartition(":")[2]))
    except OverflowError as error:
        raise ValueError(f"{run_id!r} names a moment that is no date") from error
