"""What users read. Every field is always present; what is not known or not set is null."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_serializer

from common.actions import AnyAction
from common.documents import (
    AlertDocument,
    Job,
    LastError,
    RetryBackoff,
    Run,
    RunCancellation,
    RunError,
    UnreadableEntry,
)
from common.models import CamelModel, UtcDatetime
from common.results.alerts import AlertMetrics, AlertSubject, Evidence, Severity
from common.results.envelope import ResultFrame
from common.states import JobStatus, JobType, OverlapPolicy, PausedBy, RunState, SkipReason
from common.telemetry import trace_id_of
from gateway.payloads import RequestWarning


class View(CamelModel):
    """Base of answers."""

    model_config = ConfigDict(from_attributes=True)


class JobLinks(View):
    """Paths that belong to a job."""

    self: str
    runs: str
    schedule: str
    alerts: str


class PauseView(View):
    """Since when a job is paused, by whom and why."""

    at: UtcDatetime
    by: PausedBy
    note: str | None


class JobView(View):
    """A job as users see it."""

    id: str
    action: str
    payload: dict[str, Any] = Field(description="normalised: defaults filled in, lower-case")
    type: JobType
    interval_minutes: float | None = Field(description="of a job that recurs by interval")
    cron: str | None = Field(description="of a job that recurs by the clock")
    timezone: str | None = Field(description="whose clocks `cron` means; null means UTC")
    scheduled_at: UtcDatetime | None = Field(description="null for a recurring job")
    start_at: UtcDatetime | None
    end_at: UtcDatetime | None
    max_runs: int | None
    jitter_seconds: float | None
    spread: bool
    overlap: OverlapPolicy
    catch_up_window_minutes: float | None
    pause_after_failures: int | None
    backoff: RetryBackoff | None = Field(description="null means the scheduler's own")
    status: JobStatus = Field(description="state of the latest run")
    pause: PauseView | None = Field(description="null unless the job is paused")
    next_run_at: UtcDatetime | None = Field(description="null when no run is planned")
    last_run_at: UtcDatetime | None
    last_error: LastError | None
    max_attempts: int
    timeout_seconds: int
    created_at: UtcDatetime
    updated_at: UtcDatetime
    trace_id: str | None = Field(description="trace of the request that created the job")
    links: JobLinks

    @field_serializer("interval_minutes")
    def _without_needless_fraction(self, minutes: float | None) -> float | int | None:
        return int(minutes) if minutes is not None and minutes.is_integer() else minutes


class AcceptedJobView(JobView):
    """A job as just created or changed."""

    warnings: list[RequestWarning] = Field(description="what may be a mistake in the request")


class RunLinks(View):
    """Paths that belong to a run."""

    self: str
    job: str
    alerts: str
    result: str | None = Field(description="null until the run is completed")


class RunView(View):
    """One firing of a job."""

    id: str = Field(examples=["65a5c1d2e4b0a1b2c3d4e5f6:1705312800000"])
    job_id: str
    action: str
    payload: dict[str, Any] = Field(description="the job's payload when the run was created")
    chain_id: int | None = Field(description="null means the workers' default chain")
    state: RunState
    due_at: UtcDatetime
    attempt: int = Field(description="the present or last attempt, from 1")
    max_attempts: int
    timeout_seconds: int
    cancel: RunCancellation | None = Field(description="that a user wants it to end, and why")
    progress: str | None
    worker: str | None
    errors: list[RunError]
    summary: dict[str, Any] | None = Field(description="figures of the result")
    alerts_count: int | None
    skip_reason: SkipReason | None
    skipped_until: UtcDatetime | None
    occurrences: int = Field(description="due times this run stands for; above 1 when skipped")
    created_at: UtcDatetime
    started_at: UtcDatetime | None
    finished_at: UtcDatetime | None
    trace_id: str | None
    links: RunLinks


class ScheduleView(View):
    """What a job has done lately and what it will do next."""

    job_id: str
    pause: PauseView | None = Field(description="null unless the job is paused")
    next_runs: list[UtcDatetime] = Field(
        description="due times as planned now; an occurrence may still be skipped"
    )
    last_runs: list[RunView] = Field(description="latest first, skipped ones too")


class TriggeredRun(View):
    """A run that was asked for by hand."""

    run_id: str
    job_id: str
    due_at: UtcDatetime
    links: RunLinks


class DeadLetterView(View):
    """A run that has failed for good, or a stream entry that nobody could use."""

    id: str
    reason: Literal["attempts_exhausted", "not_retryable", "unreadable"]
    at: UtcDatetime
    error_type: str | None
    error_message: str | None
    run_id: str | None
    job_id: str | None
    action: str | None
    attempt: int | None = Field(description="the last one")
    stream: str | None = Field(description="of an unreadable entry")
    entry: str | None = Field(description="what an unreadable entry held")
    redrive: str | None = Field(description="path to POST to; null where that is of no use")


class AlertLinks(View):
    """Paths that belong to an alert."""

    job: str
    run: str


class AlertView(View):
    """Something on the chain that deserves a look."""

    id: str
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
    links: AlertLinks


class ActionView(View):
    """An action, its input and its output."""

    name: str
    title: str
    description: str
    default_interval_minutes: int
    timeout_seconds: int
    payload_schema: dict[str, Any] = Field(description="JSON Schema (draft 2020-12)")
    result_schema: dict[str, Any] = Field(description="JSON Schema of the action's own fields")
    example: dict[str, Any] = Field(description="a valid payload")


class ResultView(ResultFrame):
    """A stored result: what all results share; beside it stand the action's own fields."""

    model_config = ConfigDict(extra="allow")

    run_id: str
    job_id: str
    action: str
    attempt: int = Field(description="the attempt that produced it")
    run_summary: dict[str, Any] = Field(description="figures for lists, as shown with the run")
    alert_ids: list[str]


def job_view(job: Job) -> JobView:
    """Return what users see of `job`."""
    return JobView(**_fields_of(job))


def accepted_job_view(job: Job, warnings: list[RequestWarning]) -> AcceptedJobView:
    """Return the answer to a request that created or changed `job`."""
    return AcceptedJobView(**_fields_of(job), warnings=warnings)


def _fields_of(job: Job) -> dict[str, Any]:
    path = f"/jobs/{job.id}"
    return {
        **_shared(JobView, job, "id", "trace_id", "links"),
        "id": str(job.id),
        "trace_id": trace_id_of(job.traceparent),
        "links": JobLinks(
            self=path,
            runs=f"{path}/runs",
            schedule=f"{path}/schedule",
            alerts=f"/alerts?jobId={job.id}",
        ),
    }


def run_links(run_id: str, job_id: str, *, has_result: bool) -> RunLinks:
    """Return the paths that belong to a run."""
    path = f"/runs/{run_id}"
    return RunLinks(
        self=path,
        job=f"/jobs/{job_id}",
        alerts=f"/alerts?runId={run_id}",
        result=f"{path}/result" if has_result else None,
    )


def run_view(run: Run) -> RunView:
    """Return what users see of `run`."""
    return RunView(
        **_shared(RunView, run, "job_id", "trace_id", "links"),
        job_id=str(run.job_id),
        trace_id=trace_id_of(run.traceparent),
        links=run_links(run.id, str(run.job_id), has_result=run.state is RunState.COMPLETED),
    )


def schedule_view(job: Job, next_runs: list[datetime], last_runs: list[Run]) -> ScheduleView:
    """Return what users see of the schedule of `job`."""
    return ScheduleView(
        job_id=str(job.id),
        pause=job_view(job).pause,
        next_runs=next_runs,
        last_runs=[run_view(run) for run in last_runs],
    )


def dead_letter_view(letter: Run | UnreadableEntry) -> DeadLetterView:
    """Return what users see of a dead letter."""
    if isinstance(letter, UnreadableEntry):
        nothing = ("run_id", "job_id", "action", "attempt", "redrive")
        return DeadLetterView(
            **dict.fromkeys(nothing),
            id=letter.id,
            reason="unreadable",
            at=letter.at,
            error_type=letter.error.type,
            error_message=letter.error.message,
            stream=letter.stream,
            entry=letter.entry,
        )
    error = letter.errors[-1] if letter.errors else None
    is_exhausted = letter.attempt >= letter.max_attempts
    return DeadLetterView(
        id=letter.id,
        reason="attempts_exhausted" if is_exhausted else "not_retryable",
        at=letter.finished_at or letter.created_at,
        error_type=error and error.type,
        error_message=error and error.message,
        run_id=letter.id,
        job_id=str(letter.job_id),
        action=letter.action,
        attempt=letter.attempt,
        stream=None,
        entry=None,
        redrive=f"/dead-letters/{letter.id}/redrive",
    )


def alert_view(alert: AlertDocument) -> AlertView:
    """Return what users see of `alert`."""
    return AlertView(
        **_shared(AlertView, alert, "links"),
        links=AlertLinks(job=f"/jobs/{alert.job_id}", run=f"/runs/{alert.run_id}"),
    )


def action_view(action: AnyAction) -> ActionView:
    """Return what users see of `action`."""
    return ActionView(
        **_shared(ActionView, action, "payload_schema", "result_schema", "example"),
        payload_schema=action.payload.model_json_schema(),
        result_schema=action.result.model_json_schema(mode="serialization"),
        example=dict(action.example),
    )


def _shared(view: type[View], source: object, *others: str) -> dict[str, Any]:
    fields = vars(source)  # each access by name would pass through Beanie's own
    return {name: fields[name] for name in view.model_fields if name not in others}
