"""Problem documents are complete, bounded and always encodable."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.field_errors import SHOWN_ERRORS, field_errors, pointer, shown
from gateway.problems import KINDS, FieldError, invalid_request, problem_response
from gateway.requests import JobRequest

ANY_TEXT = st.text(st.characters(exclude_categories=()))


def _errors_of(body: object) -> list[FieldError]:
    try:
        JobRequest.model_validate(body)
    except ValidationError as error:
        return field_errors(error.errors(), JobRequest, ("body",))
    raise AssertionError(f"accepted {body!r}")


@given(ANY_TEXT, st.lists(ANY_TEXT))
def test_whatever_text_a_problem_quotes_it_can_be_sent(text: str, parts: list[str]) -> None:
    problem = invalid_request(FieldError(detail=shown(text), pointer=pointer(parts)))

    response = problem_response(problem, instance="/jobs", trace_id=None)

    document = json.loads(bytes(response.body))
    assert document["errors"] == [{"detail": shown(text), "pointer": pointer(parts)}]
    assert set(document) == {"type", "title", "status", "detail", "instance", "errors"}


def test_a_pointer_is_escaped_as_rfc_6901_has_it() -> None:
    assert pointer([]) == "#"
    assert pointer(["payload", "a/b", "m~n", 3, "c%d", "é"]) == (
        "#/payload/a~1b/m~0n/3/c%25d/%C3%A9"
    )


def test_long_text_is_cut() -> None:
    assert shown("x" * 500) == "x" * 119 + "…"


def test_the_answer_to_very_many_mistakes_stays_small() -> None:
    errors = _errors_of({f"unknown{number}" * 50: number for number in range(5_000)})

    response = problem_response(invalid_request(*errors), instance="/jobs", trace_id="ab")

    assert len(errors) == SHOWN_ERRORS
    assert len(bytes(response.body)) < 50_000


def test_a_large_value_is_quoted_in_part() -> None:
    [error] = _errors_of(
        {"action": "wallet_snapshot", "payload": {}, "type": "x" * 100_000, "intervalMinutes": 1}
    )

    assert len(error.detail) < 500


def test_kinds_have_one_code_each_and_say_what_to_do() -> None:
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)
    for code, kind in KINDS.items():
        assert kind.code == code
        assert 400 <= kind.status < 600
        assert kind.way_out.endswith(".")
