"""Base of everything that travels as JSON over HTTP or rests in MongoDB: camelCase outside."""

from datetime import UTC, datetime, timedelta
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


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now_utc() -> datetime:
    """Return the present moment in UTC, cut to milliseconds, the precision MongoDB keeps."""
    moment = datetime.now(UTC)
    return moment - timedelta(microseconds=moment.microsecond % 1000)


def to_millis(moment: datetime) -> int:
    """Return milliseconds since the Unix epoch of an aware `moment`, exactly."""
    return (moment - _EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """Return the UTC moment `millis` milliseconds after the Unix epoch.

    Raises:
        OverflowError: That is in no year from 1 to 9999.
    """
    return _EPOCH + timedelta(milliseconds=millis)
