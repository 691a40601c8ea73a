"""Pages of lists that grow while they are read: a cursor names the last item, not a count."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bson import ObjectId
from pydantic import ConfigDict, Field

from common.models import CamelModel, from_millis, to_millis

Order = Sequence[tuple[str, type]]
"""One or two sort fields with the type of their values, newest first; the last one is unique."""

Key = Sequence[datetime | ObjectId | str]
"""Values of an order's fields in one item."""


class PageQuery(CamelModel):
    """Which page of a list is asked for. Unknown parameters are refused, as a typo lists all."""

    model_config = ConfigDict(validate_by_name=False)

    limit: int = Field(default=100, ge=1, le=1000, description="items a page")
    cursor: str | None = Field(
        default=None,
        max_length=300,
        description="where to go on; part of the path in the Link header of the page before",
    )


def encode_cursor(key: Key) -> str:
    """Return the opaque text that stands for `key`."""
    parts = [to_millis(part) if isinstance(part, datetime) else str(part) for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()


def decode_cursor(cursor: str, order: Order) -> Key:
    """Return the key that `cursor` stands for.

    Raises:
        ValueError: It was not made by a list of this order.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return [_decode(part, kind) for part, (_, kind) in zip(parts, order, strict=True)]
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{cursor[:80]!r} is not a cursor of this list") from error


def _decode(part: Any, kind: type) -> datetime | ObjectId | str:
    if kind is datetime and isinstance(part, int):
        return from_millis(part)
    if kind is not datetime and isinstance(part, str):
        return ObjectId(part) if kind is ObjectId else part
    raise TypeError(f"expected the text of a {kind.__name__}, got {part!r}")


def after(key: Key, order: Order) -> dict[str, Any]:
    """Return the MongoDB filter of items that follow the one with `key`."""
    names = [name for name, _ in order]
    if len(names) == 1:
        return {names[0]: {"$lt": key[0]}}
    first, second = names
    return {"$or": [{first: {"$lt": key[0]}}, {first: key[0], second: {"$lt": key[1]}}]}


def next_link(path: str, parameters: Mapping[str, str], cursor: str) -> str:
    """Return the Link header's value that leads to the page at `cursor`. Source: RFC 8288."""
    return f'<{path}?{urlencode({**parameters, "cursor": cursor})}>; rel="next"'
