"""MongoDB connections that report a missing server soon, and survive a change of primary."""

from typing import Any

from pydantic import SecretStr
from pymongo import AsyncMongoClient

DUPLICATE_KEY = 11000
"""MongoDB's code for an insert whose `_id` exists."""

DEFAULTS = {"serverSelectionTimeoutMS": 3_000, "w": "majority", "retryWrites": True}


def create_mongo(uri: SecretStr, **options: Any) -> AsyncMongoClient[dict[str, Any]]:
    """Return a client for the running event loop; times are read as aware UTC.

    One that Python has no date for, such as a hand in the database may write, is read as a number
    of milliseconds that compares with no date: whoever uses it fails, and not who only reads it.

    A write is acknowledged when a majority has it, whatever the URI or the replica set's default
    says, and is sent again once after a change of primary: else an acknowledged job could vanish.

    Args:
        uri: `mongodb://` or `mongodb+srv://` URI; never logged.
        options: Further options of the client; they win over those of the URI.
    """
    return AsyncMongoClient(
        uri.get_secret_value(),
        tz_aware=True,
        datetime_conversion="DATETIME_AUTO",
        **{**DEFAULTS, **options},
    )
