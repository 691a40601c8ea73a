"""Moments are UTC to the millisecond; JSON is camelCase and holds nothing unknown."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from common.models import CamelModel, Number, UtcDatetime, from_millis, now_utc, to_millis

MOMENT = TypeAdapter(UtcDatetime)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
aware = st.builds(
    lambda micros, zone: datetime.fromtimestamp(micros // 10**6, zone).replace(
        microsecond=micros % 10**6
    ),
    st.integers(-(10**16), 10**17),
    st.one_of(st.just(UTC), offsets),
)


@given(st.integers(-(10**13), 10**14))
def test_milliseconds_survive_the_way_to_a_moment_and_back(millis: int) -> None:
    assert to_millis(from_millis(millis)) == millis


@given(aware)
def test_a_moment_is_cut_to_the_millisecond_before(moment: datetime) -> None:
    cut = from_millis(to_millis(moment))
    assert timedelta(0) <= moment - cut < timedelta(milliseconds=1)
    assert cut.tzinfo is UTC


@given(aware, aware)
def test_milliseconds_keep_the_order_of_moments(one: datetime, other: datetime) -> None:
    if one <= other:
        assert to_millis(one) <= to_millis(other)


@given(aware)
def test_a_moment_of_any_zone_becomes_the_same_moment_in_utc(moment: datetime) -> None:
    read = MOMENT.validate_python(moment)
    assert read == moment
    assert read.utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(datetime(2026, 1, 1))  # noqa: DTZ001  # that is the point


def test_the_present_has_the_precision_that_mongodb_keeps() -> None:
    assert now_utc().microsecond % 1000 == 0


class Sample(CamelModel):
    total_value: int


def test_json_is_camel_case_and_python_is_not() -> None:
    assert Sample(total_value=1) == Sample.model_validate({"totalValue": 1})
    assert Sample(total_value=1).model_dump(by_alias=True) == {"totalValue": 1}


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="totalvalue"):
        Sample.model_validate({"totalValue": 1, "totalvalue": 2})


def test_a_count_is_shown_as_an_integer_and_a_measure_with_its_fraction() -> None:
    numbers: TypeAdapter[list[Number]] = TypeAdapter(list[Number])

    assert numbers.dump_json(numbers.validate_python([3, 3.0, 2.5])) == b"[3,3.0,2.5]"


def test_a_count_beyond_what_json_tells_exactly_is_a_measure() -> None:
    number: TypeAdapter[Number] = TypeAdapter(Number)

    assert isinstance(number.validate_python(2**53), int)
    assert isinstance(number.validate_python(2**70), float)  # MongoDB would refuse the integer
