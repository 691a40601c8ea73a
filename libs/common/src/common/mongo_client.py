"""MongoDB connections that report a missing server soon, and survive a change of primary."""

from typing import Any

from pydantic import SecretStr
from pymongo import AsyncMongoClient

SERVER_SELECTION_MILLISECONDS = 3_000


def create_mongo(uri: SecretStr, **options: Any) -> AsyncMongoClient[dict[str, Any]]:
    """Return a client for the running event loop; times are read as aware UTC.

    Args:
        uri: `mongodb://` or `mongodb+srv://` URI; never logged.
        options: Further options of the client; they win over those of the URI.
    """
    return AsyncMongoClient(
        uri.get_secret_value(),
        tz_aware=True,
        **{"serverSelectionTimeoutMS": SERVER_SELECTION_MILLISECONDS, **options},
    )
