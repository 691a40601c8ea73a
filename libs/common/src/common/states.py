"""The states and kinds of jobs and runs, as stored and shown."""

from enum import StrEnum


class JobType(StrEnum):
    """`retry` is the former system's word for a recurring job."""

    RECURRING = "retry"
    SCHEDULED = "scheduled"


class JobStatus(StrEnum):
    """What users see of a job: the state of its latest run."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class RunState(StrEnum):
    """Life of a run: queued -> running -> completed | failed, with `retrying` between attempts."""

    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


UNFINISHED = (RunState.QUEUED, RunState.RUNNING, RunState.RETRYING)


class SkipReason(StrEnum):
    """Why an occurrence did not run."""

    OVERLAP = "overlap"
    MISFIRE = "misfire"
    PAUSED = "paused"


class OverlapPolicy(StrEnum):
    """What an occurrence does that finds the job's run before it unfinished.

    It is skipped, or waits until the run ends (one at a time: a later one takes its place), or
    runs beside it.
    """

    SKIP = "skip"
    BUFFER_ONE = "bufferOne"
    ALLOW_ALL = "allowAll"


class RequestKind(StrEnum):
    """What users ask to be done with a run."""

    CANCEL = "cancel"
    REDRIVE = "redrive"


class PausedBy(StrEnum):
    """Who paused a job."""

    USER = "user"
    FAILURES = "failures"
