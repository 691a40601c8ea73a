"""Reads dead letters: runs that have failed for good, and entries that nobody could use."""

from datetime import datetime
from typing import Any, Final

from common.documents import Run, UnreadableEntry
from gateway.documents import Page, read_documents
from gateway.field_errors import shown
from gateway.paging import Order, PageQuery, after, decode_cursor, encode_cursor
from gateway.problems import (
    NOT_FOUND,
    NOT_REDRIVABLE,
    FieldError,
    ProblemError,
    invalid_request,
)
from gateway.run_store import find_run

_RUNS_ORDER: Final[Order] = (("finishedAt", datetime), ("_id", str))
_ENTRIES_ORDER: Final[Order] = (("at", datetime), ("_id", str))

Letter = Run | UnreadableEntry


async def find_letters(query: PageQuery) -> Page[Any]:
    """Return a page of dead letters, newest first.

    Raises:
        ProblemError: The cursor belongs to no list, or to another one.
    """
    key = None
    if query.cursor is not None:
        try:
            key = decode_cursor(query.cursor, _RUNS_ORDER)
        except ValueError as error:
            raise invalid_request(FieldError(detail=str(error), parameter="cursor")) from error
    found: list[Letter] = []
    for model, order, criteria in (
        (Run, _RUNS_ORDER, {"state": "failed", "finishedAt": {"$type": "date"}}),
        (UnreadableEntry, _ENTRIES_ORDER, {}),
    ):
        wanted = {"$and": [criteria, after(key, order)]} if key is not None else criteria
        moment = order[0][0]
        cursor = model.get_pymongo_collection().find(wanted)
        newest = cursor.sort([(moment, -1), ("_id", -1)]).limit(query.limit + 1)
        found += read_documents(model, await newest.to_list())
    found.sort(key=_key, reverse=True)
    page = found[: query.limit]
    goes_on = len(found) > query.limit
    return Page(page, encode_cursor(_key(page[-1])) if goes_on else None)


def _key(letter: Letter) -> tuple[datetime, str]:
    if isinstance(letter, Run):
        return letter.finished_at or letter.created_at, letter.id
    return letter.at, letter.id


async def find_failed_run(letter_id: str) -> Run:
    """Return the run that a dead letter stands for.

    Raises:
        ProblemError: There is no such letter, or it stands for no run.
    """
    if ":" in letter_id:
        return await find_run(letter_id)
    if await UnreadableEntry.get_pymongo_collection().find_one({"_id": letter_id}):
        raise ProblemError(NOT_REDRIVABLE, f"dead letter {letter_id} is an unreadable entry")
    raise ProblemError(NOT_FOUND, f"there is no dead letter {shown(letter_id)!r}")
