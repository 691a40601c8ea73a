"""What users send."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from common.actions import ACTIONS
from common.models import CamelModel
from common.timetable import check_cron

MINUTES_PER_YEAR: Final = 525_600
MILLIS_PER_MINUTE: Final = 60_000
SHORTEST_INTERVAL_MILLIS: Final = 1000

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def parse_moment(text: Any) -> datetime:
    """Return the UTC moment that an RFC 3339 `text` names, cut to milliseconds.

    Raises:
        ValueError: It is not RFC 3339, has no time zone, or lies outside the years 1970 to 2999.
    """
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError(
            "expected an RFC 3339 time with time zone, such as 2024-01-15T10:00:00Z, "
            f"got {str(text)[:80]!r}"
        )
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:80]!r} names no existing moment: {error}") from error
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(f"expected a time in the years 1970 to 2999, got {text[:80]!r}")
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def interval_millis(minutes: float) -> int:
    """Return the whole milliseconds nearest to `minutes`."""
    return round(minutes * MILLIS_PER_MINUTE)


def _at_least_a_second(minutes: float) -> float:
    if interval_millis(minutes) < SHORTEST_INTERVAL_MILLIS:
        raise ValueError(f"expected at least one second (0.0167 minutes), got {minutes}")
    return minutes


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_timezone(name: str) -> str:
    if name not in _timezones():
        raise ValueError(f"expected an IANA time zone such as Europe/Berlin, got {name[:80]!r}")
    return name


def _known_action(name: str) -> str:
    if name not in ACTIONS:
        raise ValueError(f"unknown action {name[:80]!r}; known actions: {', '.join(ACTIONS)}")
    return name


ActionName = Annotated[
    str, AfterValidator(_known_action), WithJsonSchema({"type": "string", "enum": list(ACTIONS)})
]
JobTypeName = Annotated[
    Literal["retry", "recurring", "scheduled"],
    Field(
        description="`retry` is a recurring job; `recurring` is another word for it and stored as "
        "`retry`; `scheduled` runs once"
    ),
]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
IntervalMinutes = Annotated[
    float,
    Field(gt=0, le=MINUTES_PER_YEAR, allow_inf_nan=False),
    AfterValidator(_at_least_a_second),
]
CronExpression = Annotated[str, Field(max_length=200), AfterValidator(check_cron)]
Timezone = Annotated[str, Field(max_length=80), AfterValidator(_known_timezone)]
MaxRuns = Annotated[int, Field(ge=1, le=1_000_000_000)]
JitterSeconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
CatchUpWindowMinutes = Annotated[float, Field(ge=0.1, le=MINUTES_PER_YEAR, allow_inf_nan=False)]
PauseAfterFailures = Annotated[int, Field(ge=1, le=100)]
Overlap = Annotated[
    Literal["skip", "bufferOne", "allowAll"],
    Field(
        description="what an occurrence does that finds the run before it unfinished: it is "
        "skipped, or waits for its end (one at a time), or runs beside it"
    ),
]
Note = Annotated[str, Field(max_length=500)]
MaxAttempts = Annotated[int, Field(ge=1, le=20)]
TimeoutSeconds = Annotated[int, Field(ge=1, le=86_400)]


class RequestModel(CamelModel):
    """Base of request bodies: names as documented, types as written, nothing unknown."""

    model_config = ConfigDict(validate_by_name=False, strict=True)


class Backoff(RequestModel):
    """Pauses between the attempts of a run: `initial * coefficient**(attempt - 1)` seconds.

    Of each pause between half and all is waited, so that what failed together is spread.
    """

    initial_seconds: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 5.0
    coefficient: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 2.0
    maximum_seconds: Annotated[float, Field(gt=0, le=604_800, allow_inf_nan=False)] = 300.0

    @model_validator(mode="after")
    def _maximum_is_not_below_initial(self) -> Self:
        if self.maximum_seconds < self.initial_seconds:
            raise ValueError(
                f"maximumSeconds is {self.maximum_seconds:g}, expected at least initialSeconds, "
                f"{self.initial_seconds:g}"
            )
        return self


class JobRequest(RequestModel):
    """A job to create: recurring by `intervalMinutes` or `cron`, or once at `scheduledAt`."""

    action: ActionName = Field(description="what to do; GET /actions lists what there is")
    payload: dict[str, Any] = Field(description="input of the action, validated by its contract")
    type: JobTypeName
    interval_minutes: IntervalMinutes | None = Field(
        default=None,
        description="recurring jobs only: minutes between two runs, fractions allowed, from one "
        "second to one year; the first run is due at once",
    )
    scheduled_at: Moment | None = Field(
        default=None,
        description="scheduled jobs only: when to run (RFC 3339 with time zone); a past time runs "
        "at once",
    )
    cron: CronExpression | None = Field(
        default=None,
        description="recurring jobs, in place of `intervalMinutes`: five fields as in cron(8)",
        examples=["30 9 * * MON-FRI"],
    )
    timezone: Timezone | None = Field(
        default=None,
        description="with `cron`: IANA name of the zone whose clocks it means; UTC when absent",
        examples=["Europe/Berlin"],
    )
    start_at: Moment | None = Field(
        default=None,
        description="recurring jobs: no run is due before; the grid of an interval begins here",
    )
    end_at: Moment | None = Field(default=None, description="recurring jobs: no run is due after")
    max_runs: MaxRuns | None = Field(
        default=None,
        description="recurring jobs: how many occurrences run; skipped ones and runs "
        "asked for by hand do not count",
    )
    jitter_seconds: JitterSeconds | None = Field(
        default=None,
        description="recurring jobs: each run is due later by less than this, and before the next "
        "occurrence; by how much is derived from job and occurrence",
    )
    spread: bool = Field(
        default=False,
        description="with `intervalMinutes`: the first run is due within the first interval, at a "
        "moment derived from the job's id, so that jobs created together do not run together",
    )
    overlap: Overlap = "skip"
    catch_up_window_minutes: CatchUpWindowMinutes | None = Field(
        default=None,
        description="an occurrence later than this does not run any more; no limit when absent",
    )
    pause_after_failures: PauseAfterFailures | None = Field(
        default=None, description="pause the job after so many failed runs in a row"
    )
    backoff: Backoff | None = Field(
        default=None, description="pauses between attempts; the scheduler's own when absent"
    )
    max_attempts: MaxAttempts = Field(
        default=3, description="how often a failing run is tried in all"
    )
    timeout_seconds: TimeoutSeconds | None = Field(
        default=None,
        description="longest time one attempt may take; the action's own limit when absent",
    )


_REMOVABLE: Final = frozenset(
    {
        *("end_at", "max_runs", "catch_up_window_minutes"),
        *("pause_after_failures", "backoff"),
    }
)


class JobChanges(RequestModel):
    """What to change in a job; absent fields stay as they are, limits that are null are lifted."""

    payload: dict[str, Any] | None = Field(default=None, description="replaces the whole payload")
    interval_minutes: IntervalMinutes | None = Field(
        default=None, description="recurring jobs only; the next run comes no later than planned"
    )
    cron: CronExpression | None = Field(
        default=None, description="recurring jobs only; a run that is due already stays due"
    )
    timezone: Timezone | None = None
    scheduled_at: Moment | None = Field(
        default=None, description="scheduled jobs only: run (again) at this time"
    )
    end_at: Moment | None = None
    max_runs: MaxRuns | None = None
    overlap: Overlap | None = None
    catch_up_window_minutes: CatchUpWindowMinutes | None = None
    pause_after_failures: PauseAfterFailures | None = None
    backoff: Backoff | None = None
    max_attempts: MaxAttempts | None = None
    timeout_seconds: TimeoutSeconds | None = None
    status: Literal["pending"] | None = Field(
        default=None, description="`pending` runs a completed or failed job again"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None and info.field_name not in _REMOVABLE:
            raise ValueError("null is not a value here: leave the field out to keep it as it is")
        return value


class NoteRequest(RequestModel):
    """Why something is done."""

    note: Note | None = Field(default=None, description="shown with the job or the run")
