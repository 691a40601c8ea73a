"""Base of everything that travels as JSON over HTTP or rests in MongoDB: camelCase outside."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class CamelModel(BaseModel):
    """snake_case in Python, camelCase in JSON and MongoDB; unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, extra="forbid"
    )


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A moment with a time zone, converted to UTC. A naive one is refused rather than guessed."""

RawAmount = Annotated[str, "decimal digits of an integer of up to 256 bits, possibly negative"]
"""An exact integer as a decimal string: JSON numbers lose precision above 2**53."""


Number = Annotated[int, Field(ge=-(2**53), le=2**53)] | float
"""A count or a measure: a count stays an integer as long as JSON numbers are exact."""


def now_utc() -> datetime:
    """Return the present moment in UTC, cut to milliseconds, the precision MongoDB keeps."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def to_millis(moment: datetime) -> int:
    """Return milliseconds since the Unix epoch of an aware `moment`, exactly."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000


def from_millis(millis: int) -> datetime:
    """Return the UTC moment `millis` milliseconds after the Unix epoch."""
    return datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)
