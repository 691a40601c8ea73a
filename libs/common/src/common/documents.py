"""What rests in MongoDB, and the indexes that the queries of each service need.

`jobs`: the gateway writes definitions, the scheduler the status, what the latest run left behind
and its own state in `schedule`. Beside `updatedAt`, only the next occurrence, a trigger, a pause
and its end, and a request are written by both, each by an update that names what it replaces or
decides by what is stored. `runs`: the scheduler alone. `alerts` and the results: workers.
"""

from typing import Any, ClassVar, Final

from beanie import Document, PydanticObjectId
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pymongo import ASCENDING, DESCENDING, IndexModel

from common.models import UtcDatetime
from common.results.alerts import AlertMetrics, AlertSubject, Evidence, Severity
from common.states import (
    UNFINISHED,
    JobStatus,
    JobType,
    OverlapPolicy,
    PausedBy,
    RequestKind,
    RunState,
    SkipReason,
)


class Stored(BaseModel):
    """Base of stored parts: camelCase in MongoDB; unknown fields of a newer version are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="ignore")


def _stored_name(field: str) -> str:
    return "_id" if field == "id" else to_camel(field)


class StoredDocument(Document):
    """Base of stored documents, see `Stored`."""

    model_config = ConfigDict(alias_generator=_stored_name, validate_by_name=True, extra="ignore")


class LastError(Stored):
    """Why the latest attempt of a job failed."""

    type: str
    message: str
    attempt: int
    at: UtcDatetime
    run_id: str


class CurrentRun(Stored):
    """The run that a job's status shows, mirrored so that one document answers and guards it."""

    run_id: str
    attempt: int
    state: RunState
    ended_at: UtcDatetime | None = None


class Pause(Stored):
    """A job that is not to occur until it is resumed.

    Attributes:
        at: Since when.
        note: Why, in the words of who paused it.
        by: Who paused it.
        next_run_at: The occurrence that was next; the job's own `next_run_at` is None meanwhile.
    """

    at: UtcDatetime
    note: str | None = None
    by: PausedBy = PausedBy.USER
    next_run_at: UtcDatetime | None = None


class RetryBackoff(Stored):
    """Pauses between attempts: `initial * coefficient**(attempt - 1)`, at most `maximum`."""

    initial_seconds: float
    coefficient: float
    maximum_seconds: float


class SkippedStretch(Stored):
    """Occurrences that do not run, from the first to the last, and why."""

    first: UtcDatetime
    last: UtcDatetime
    occurrences: int
    reason: SkipReason


class Schedule(Stored):
    """The scheduler's own state of a job; the gateway sets its grid, triggers it, ends a pause.

    Attributes:
        interval_ms: Length of the recurring interval in milliseconds, None for a one-time job.
        anchor_at: Origin of the fixed grid on which a recurring job fires.
        trigger_at: A run asked for by hand and not yet created.
        paused_until: End of a pause whose occurrences are not recorded yet.
        runs: How many occurrences have run.
        current: The latest run that was not skipped.
        unrecorded: What was decided to be skipped, until the runs that say so are inserted.
        pass_id: The scheduler's pass that decided last.
    """

    interval_ms: int | None = None
    anchor_at: UtcDatetime
    trigger_at: UtcDatetime | None = None
    paused_until: UtcDatetime | None = None
    runs: int = 0
    current: CurrentRun | None = None
    unrecorded: list[SkippedStretch] | None = None
    pass_id: PydanticObjectId | None = None


class Job(StoredDocument):
    """What to do and when.

    Who pauses a job writes `pause`: the gateway, or the scheduler after too many failures.
    """

    action: str
    payload: dict[str, Any]
    type: JobType
    interval_minutes: float | None = None
    cron: str | None = None
    timezone: str | None = None
    scheduled_at: UtcDatetime | None = None
    start_at: UtcDatetime | None = None
    end_at: UtcDatetime | None = None
    max_runs: int | None = None
    jitter_seconds: float | None = None
    spread: bool = False
    overlap: OverlapPolicy = OverlapPolicy.SKIP
    catch_up_window_minutes: float | None = None
    pause: Pause | None = None
    resumed_at: UtcDatetime | None = None
    pause_after_failures: int | None = None
    backoff: RetryBackoff | None = None
    max_attempts: int = 3
    timeout_seconds: int
    status: JobStatus = JobStatus.PENDING
    next_run_at: UtcDatetime | None
    last_run_at: UtcDatetime | None = None
    last_error: LastError | None = None
    created_at: UtcDatetime
    updated_at: UtcDatetime
    traceparent: str | None = None
    schedule: Schedule

    class Settings:
        """Collection and indexes."""

        name = "jobs"
        indexes: ClassVar = [
            IndexModel(
                [("nextRunAt", ASCENDING)],
                name="due",
                partialFilterExpression={"nextRunAt": {"$type": "date"}},
            ),
            IndexModel(
                [("schedule.triggerAt", ASCENDING)],
                name="triggered",
                partialFilterExpression={"schedule.triggerAt": {"$type": "date"}},
            ),
            IndexModel(
                [("schedule.unrecorded.first", ASCENDING)],
                name="unrecorded",
                partialFilterExpression={"schedule.unrecorded.first": {"$type": "date"}},
            ),
            # also finds a job whose status was set back to `pending` by hand
            IndexModel(
                [("status", ASCENDING), ("schedule.current.state", ASCENDING), ("_id", ASCENDING)],
                name="statusAndRun",
            ),
            IndexModel([("action", ASCENDING), ("_id", ASCENDING)], name="action"),
            IndexModel([("type", ASCENDING), ("_id", ASCENDING)], name="type"),
        ]


class RunError(Stored):
    """A failed attempt, kept with its run."""

    type: str
    message: str
    attempt: int
    at: UtcDatetime
    traceback: str | None = None


class RunCancellation(Stored):
    """A user's wish that a run end."""

    requested_at: UtcDatetime
    note: str | None = None


class Run(StoredDocument):
    """One firing of a job; `_id` is `<job_id>:<due_at in ms>`.

    Attributes:
        due_at: When it was due; for a skipped stretch, the first due time.
        skipped_until: Last due time of a skipped stretch.
        occurrences: How many due times this document stands for: 1, or more when skipped.
        first_attempt: The first one since the run was last taken from the dead letters.
        emit_at: When the present attempt was or is to be emitted (last).
        emissions: How often the present attempt was put on its stream.
    """

    id: str  # type: ignore[assignment]  # Beanie's documented way to choose an id type
    job_id: PydanticObjectId
    action: str
    payload: dict[str, Any]
    chain_id: int | None = None
    due_at: UtcDatetime
    state: RunState
    attempt: int = 1
    first_attempt: int = 1
    max_attempts: int
    backoff: RetryBackoff | None = None
    timeout_seconds: int
    emit_at: UtcDatetime
    emissions: int = 1
    created_at: UtcDatetime
    started_at: UtcDatetime | None = None
    finished_at: UtcDatetime | None = None
    worker: str | None = None
    progress: str | None = None
    errors: list[RunError] = Field(default_factory=list)
    cancel: RunCancellation | None = None
    skip_reason: SkipReason | None = None
    skipped_until: UtcDatetime | None = None
    occurrences: int = 1
    result_id: str | None = None
    alerts_count: int | None = None
    summary: dict[str, Any] | None = None
    traceparent: str | None = None

    class Settings:
        """Collection and indexes."""

        name = "runs"
        indexes: ClassVar = [
            IndexModel([("jobId", ASCENDING), ("dueAt", DESCENDING)], name="history"),
            IndexModel(
                [("finishedAt", DESCENDING), ("_id", DESCENDING)],
                name="failed",
                partialFilterExpression={"state": RunState.FAILED.value},
            ),
            IndexModel(
                [("state", ASCENDING), ("action", ASCENDING), ("emitAt", ASCENDING)],
                name="unfinishedByAction",
                partialFilterExpression={"state": {"$in": [state.value for state in UNFINISHED]}},
            ),
        ]


class RunRequest(StoredDocument):
    """What a user wants to be done with a run: the gateway writes it, the scheduler does it.

    Its id is `<kind>:<run id>`, so that asking again is the same. It is deleted when it is done.
    """

    id: str  # type: ignore[assignment]  # Beanie's documented way to choose an id type
    kind: RequestKind
    run_id: str
    at: UtcDatetime
    note: str | None = None

    class Settings:
        """Collection."""

        name = "runRequests"


class LetterError(Stored):
    """Why an entry could not be used."""

    type: str
    message: str


class UnreadableEntry(StoredDocument):
    """A stream entry that nobody could use; `_id` is that of its letter on the dead stream.

    The other dead letters are the runs that have failed.
    """

    id: str  # type: ignore[assignment]  # Beanie's documented way to choose an id type
    stream: str
    error: LetterError
    entry: str | None = None
    at: UtcDatetime

    class Settings:
        """Collection and indexes."""

        name = "deadLetters"
        indexes: ClassVar = [IndexModel([("at", DESCENDING), ("_id", DESCENDING)], name="newest")]


class AlertDocument(StoredDocument):
    """An alert as recorded; `_id` is its deterministic id."""

    id: str  # type: ignore[assignment]  # Beanie's documented way to choose an id type
    action: str
    job_id: str
    run_id: str
    chain_id: int
    type: str
    severity: Severity
    subject: AlertSubject
    title: str
    metrics: AlertMetrics
    evidence: list[Evidence]
    confidence: float
    detected_at: UtcDatetime
    recorded_at: UtcDatetime

    class Settings:
        """Collection and indexes."""

        name = "alerts"
        indexes: ClassVar = [
            IndexModel([("recordedAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
            IndexModel([("jobId", ASCENDING), ("recordedAt", DESCENDING)], name="job"),
            IndexModel([("runId", ASCENDING)], name="run"),
        ]


DOCUMENTS: Final = (Job, Run, RunRequest, UnreadableEntry, AlertDocument)
"""All of them, for `init_beanie`."""
