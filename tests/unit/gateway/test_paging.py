"""Cursors lead back to where a page ended, and nowhere else."""

from datetime import datetime

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from common.models import from_millis
from gateway.paging import Key, after, decode_cursor, encode_cursor, next_link

BY_ID = (("_id", ObjectId),)
BY_TIME = (("dueAt", datetime), ("_id", str))

millis = st.integers(0, 32_503_680_000_000)
ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(millis, ids)
def test_a_cursor_is_read_as_it_was_written(moment: int, identity: str) -> None:
    key: Key = [from_millis(moment), identity]

    assert decode_cursor(encode_cursor(key), BY_TIME) == key


@given(st.binary(min_size=12, max_size=12).map(ObjectId))
def test_a_cursor_of_an_object_id_is_read_as_it_was_written(identity: ObjectId) -> None:
    assert decode_cursor(encode_cursor([identity]), BY_ID) == [identity]


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text: str) -> None:
    for order in (BY_ID, BY_TIME):
        with pytest.raises(ValueError, match="not a cursor of this list"):
            decode_cursor(text, order)


@given(millis, ids)
def test_a_cursor_of_another_list_is_refused(moment: int, identity: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        decode_cursor(encode_cursor([from_millis(moment), identity]), BY_ID)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), unique=True),
    st.integers(0, 3),
    st.integers(0, 9),
)
def test_the_filter_lets_pass_exactly_what_sorts_behind_the_key(
    items: list[tuple[int, int]], first: int, second: int
) -> None:
    key: Key = [from_millis(first), str(second)]
    condition = after(key, BY_TIME)

    def passes(item: tuple[int, int]) -> bool:
        document = {"dueAt": from_millis(item[0]), "_id": str(item[1])}
        return any(
            all(
                document[name] < wanted["$lt"]
                if isinstance(wanted, dict)
                else document[name] == wanted
                for name, wanted in branch.items()
            )
            for branch in condition["$or"]
        )

    assert [item for item in items if passes(item)] == [
        item for item in items if (item[0], item[1]) < (first, second)
    ]


def test_the_link_keeps_the_other_parameters() -> None:
    link = next_link("/jobs", {"status": "failed", "cursor": "old", "limit": "2"}, "new=")

    assert link == '</jobs?status=failed&cursor=new%3D&limit=2>; rel="next"'
