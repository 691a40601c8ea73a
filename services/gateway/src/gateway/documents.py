"""Reads stored documents, and lives with one that somebody broke by hand."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pymongo import DESCENDING

from common.documents import StoredDocument
from gateway.paging import Order, PageQuery, after, decode_cursor, encode_cursor
from gateway.problems import UNREADABLE_DOCUMENT, FieldError, ProblemError, invalid_request

logger = logging.getLogger(__name__)

DocumentT = TypeVar("DocumentT", bound=StoredDocument)


@dataclass(frozen=True)
class Page(Generic[DocumentT]):
    """A part of a list.

    Attributes:
        items: Newest first.
        next_cursor: Where the list goes on; None on the last page.
    """

    items: list[DocumentT]
    next_cursor: str | None


async def find_page(
    model: type[DocumentT], criteria: Mapping[str, Any], order: Order, query: PageQuery
) -> Page[DocumentT]:
    """Return the page that `query` asks for among the documents that match `criteria`.

    Raises:
        ProblemError: The cursor belongs to no list, or to another one.
    """
    wanted = dict(criteria)
    if query.cursor is not None:
        try:
            wanted.update(after(decode_cursor(query.cursor, order), order))
        except ValueError as error:
            raise invalid_request(FieldError(detail=str(error), parameter="cursor")) from error
    found = (
        await model.get_pymongo_collection()
        .find(wanted)
        .sort([(name, DESCENDING) for name, _ in order])
        .limit(query.limit + 1)
        .to_list()
    )
    shown = found[: query.limit]
    goes_on = len(found) > query.limit
    next_cursor = encode_cursor([shown[-1][name] for name, _ in order]) if goes_on else None
    return Page(list(read_documents(model, shown)), next_cursor)


def read_document(model: type[DocumentT], stored: Mapping[str, Any]) -> DocumentT:
    """Return `stored` as `model`.

    Raises:
        ProblemError: It does not fit: something else wrote or changed it.
    """
    try:
        document: DocumentT = model.model_validate(stored)
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        raise ProblemError(
            UNREADABLE_DOCUMENT,
            f"document {stored['_id']} of {model.get_collection_name()} has missing or wrong "
            f"fields: {', '.join(fields)}",
        ) from error
    return document


def read_documents(
    model: type[DocumentT], found: Iterable[Mapping[str, Any]]
) -> Iterator[DocumentT]:
    """Yield what was found as `model`, without those that something else broke."""
    for stored in found:
        try:
            yield read_document(model, stored)
        except ProblemError as problem:
            logger.warning("left out of a list: %s", problem.detail)
