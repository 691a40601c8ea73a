"""What users send."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
)

from common.actions import ACTIONS
from common.models import CamelModel

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
MaxAttempts = Annotated[int, Field(ge=1, le=20)]
TimeoutSeconds = Annotated[int, Field(ge=1, le=86_400)]


class RequestModel(CamelModel):
    """Base of request bodies: names as documented, types as written, nothing unknown."""

    model_config = ConfigDict(validate_by_name=False, strict=True)


class JobRequest(RequestModel):
    """A job to create: recurring every `intervalMinutes`, or once at `scheduledAt`."""

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
    max_attempts: MaxAttempts = Field(
        default=3, description="how often a failing run is tried in all"
    )
    timeout_seconds: TimeoutSeconds | None = Field(
        default=None,
        description="longest time one attempt may take; the action's own limit when absent",
    )


class JobChanges(RequestModel):
    """What to change in a job; absent fields stay as they are."""

    payload: dict[str, Any] | None = Field(default=None, description="replaces the whole payload")
    interval_minutes: IntervalMinutes | None = Field(
        default=None, description="recurring jobs only; the next run comes no later than planned"
    )
    scheduled_at: Moment | None = Field(
        default=None, description="scheduled jobs only: run (again) at this time"
    )
    max_attempts: MaxAttempts | None = None
    timeout_seconds: TimeoutSeconds | None = None
    status: Literal["pending"] | None = Field(
        default=None, description="`pending` runs a completed or failed job again"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("null is not a value here: leave the field out to keep it as it is")
        return value
