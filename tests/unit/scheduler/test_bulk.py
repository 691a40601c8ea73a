"""Changes are written as few statements, none of which can mistake one document for another."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from pymongo import UpdateMany

from scheduler.bulk import MOST_TOGETHER, Change, to_writes

changes = st.builds(
    lambda number, attempt, state, extra: Change(
        number,
        ("_id", number),
        (("attempt", (attempt,)), ("state", (state,))),
        {"state": "ended", **({"worker": number} if extra else {})},
        {"errors": number} if extra is None else {},
    ),
    st.integers(0, 1000),
    st.integers(1, 2),
    st.sampled_from(["queued", "running"]),
    st.sampled_from([True, False, None]),
)


def expected_by(change: Change) -> tuple[object, ...]:
    return (change.guard, tuple(change.values), bool(change.push))


@given(st.lists(changes, max_size=500, unique_by=lambda change: change.document_id))
def test_every_change_is_written_once_under_its_own_guard(batch: list[Change]) -> None:
    written: Counter[object] = Counter()
    for write in to_writes(batch):
        wanted = dict(write._filter)
        ids = wanted["_id"]["$in"] if isinstance(write, UpdateMany) else [wanted["_id"]]
        assert len(ids) <= MOST_TOGETHER
        mine = [change for change in batch if change.document_id in ids]
        assert len({expected_by(change) for change in mine}) == 1
        for path, values in mine[0].guard:
            assert wanted[path] == {"$in": list(values)}
        written.update(ids)
    assert written == Counter(change.document_id for change in batch)


def test_many_alike_make_few_statements() -> None:
    guard = (("attempt", (1,)),)
    batch = [Change(n, ("_id", n), guard, {"state": "completed"}) for n in range(1000)]
    assert len(to_writes(batch)) == 1000 / MOST_TOGETHER
