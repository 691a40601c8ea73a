"""Answers a page of a list as a plain JSON array with a Link header to the next page."""

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request, Response

from gateway.documents import DocumentT, Page
from gateway.paging import next_link

ViewT = TypeVar("ViewT")


def answer_page(
    page: Page[DocumentT],
    view: Callable[[DocumentT], ViewT],
    request: Request,
    response: Response,
) -> list[ViewT]:
    """Return what users see of each item, and set the Link header unless this is the last page."""
    if page.next_cursor is not None:
        path = request.url.path
        response.headers["Link"] = next_link(path, request.query_params, page.next_cursor)
    return [view(item) for item in page.items]
