"""Many guarded changes of single documents, written as few statements.

MongoDB parses and plans each statement of a bulk, and keeps a record of it so that it can be sent
again: that costs more than the change itself. Here one statement changes many documents, each of
which looks its own values up in a list that comes along.
"""

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo import UpdateMany, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

MOST_TOGETHER = 200
"""Documents of one statement. Each searches the list from its beginning, so a long one costs."""

WRITERS = 2
"""MongoDB carries out one bulk on one thread."""

OWN = "_own"
"""Name under which a document finds its own values while it is changed."""

Write = UpdateOne | UpdateMany
Guard = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class Change:
    """New values of one document, written where it still is as expected.

    Attributes:
        document_id: Its `_id`.
        key: A path and the value there that no other document has; part of what is expected.
        guard: Paths, and the values of which each must have one.
        values: New values by path.
        push: Elements to append, by path.
    """

    document_id: Any
    key: tuple[str, Any]
    guard: Guard
    values: Mapping[str, Any]
    push: Mapping[str, Any] = field(default_factory=dict)


def to_writes(changes: Iterable[Change]) -> list[Write]:
    """Return the statements that make `changes`, for a bulk in any order.

    Two changes of one document must differ in what they expect, or in the paths they write.
    """
    alike: dict[tuple[str, Guard, tuple[str, ...]], list[Change]] = {}
    writes: list[Write] = []
    for change in changes:
        if change.push:
            writes.append(_write_one(change))
        else:
            likeness = (change.key[0], change.guard, tuple(change.values))
            alike.setdefault(likeness, []).append(change)
    for group in alike.values():
        if len(group) == 1:
            writes.append(_write_one(group[0]))
        else:
            writes += [_write_many(part) for part in batches(group)]
    return writes


def batches(changes: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield parts of `changes`, each for one statement."""
    iterator = iter(changes)
    while part := list(itertools.islice(iterator, MOST_TOGETHER)):
        yield part


def each_its_own(
    path: str, values: Mapping[Any, Mapping[str, Any]], assignments: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return an update pipeline by which each document is changed in its own way.

    Args:
        path: Where a document has what `values` knows it by. It must be there.
        values: What each document finds under `$_own`.
        assignments: Expressions by path, the same for all documents.
    """
    own = own_value(path, values)
    return [{"$set": {OWN: own}}, {"$set": {**assignments, OWN: "$$REMOVE"}}]


def own_value(path: str, values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return an expression: what `values` has for the document that is known by `path`."""
    number = {"$indexOfArray": [{"$literal": list(values)}, f"${path}"]}
    return {"$arrayElemAt": [{"$literal": list(values.values())}, number]}


async def write_all(collection: AsyncCollection[dict[str, Any]], writes: Sequence[Write]) -> None:
    """Make changes in any order, `WRITERS` bulks side by side.

    Raises:
        PyMongoError: Nothing or a part was written; no bulk goes on when this is raised.
    """
    bulks = [writes[first::WRITERS] for first in range(min(WRITERS, len(writes)))]
    results = await asyncio.gather(
        *(collection.bulk_write(bulk, ordered=False) for bulk in bulks), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result


def _expected(guard: Guard) -> dict[str, Any]:
    return {path: {"$in": list(values)} for path, values in guard}


def _write_one(change: Change) -> UpdateOne:
    path, value = change.key
    expected = {"_id": change.document_id, path: value, **_expected(change.guard)}
    update: dict[str, Any] = {"$set": dict(change.values)}
    if change.push:
        update["$push"] = dict(change.push)
    return UpdateOne(expected, update)


def _write_many(changes: list[Change]) -> UpdateMany:
    path = changes[0].key[0]
    paths = list(changes[0].values)
    expected = {
        "_id": {"$in": [change.document_id for change in changes]},
        path: {"$in": [change.key[1] for change in changes]},
        **_expected(changes[0].guard),
    }
    values = {
        change.key[1]: {str(number): change.values[name] for number, name in enumerate(paths)}
        for change in changes
    }
    assignments = {name: f"${OWN}.{number}" for number, name in enumerate(paths)}
    return UpdateMany(expected, each_its_own(path, values, assignments))
