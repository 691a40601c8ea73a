"""Bodies are read as RFC 8259 has them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import ProblemError
from gateway.strict_json import parse_json

DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_what_is_json_is_read_as_it_is(document: Any) -> None:
    assert parse_json(json.dumps(document).encode()) == document


@given(st.binary())
def test_anything_else_is_a_problem_and_never_another_error(body: bytes) -> None:
    with suppress(ProblemError):
        parse_json(body)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a": [NaN]}'])
def test_numbers_that_json_does_not_have_are_refused(constant: str) -> None:
    with pytest.raises(ProblemError, match="is not a JSON number"):
        parse_json(constant.encode())


def test_a_name_that_is_repeated_is_refused_because_one_value_would_be_lost() -> None:
    with pytest.raises(ProblemError, match="'b' appears twice"):
        parse_json(b'{"a": {"b": 1, "c": 2, "b": 3}}')


def test_a_byte_order_mark_is_not_json() -> None:
    with pytest.raises(ProblemError, match="not valid JSON"):
        parse_json(b"\xef\xbb\xbf{}")


def test_names_are_counted_in_linear_time() -> None:
    names = ", ".join(f'"n{number}": 0' for number in range(20_000))
    with pytest.raises(ProblemError, match="appears twice"):
        parse_json(f'{{{names}, "n19999": 0}}'.encode())
