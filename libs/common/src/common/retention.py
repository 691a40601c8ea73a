"""How long documents are kept: MongoDB removes them by itself when their time has passed."""

from datetime import timedelta
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

INDEX = "retention"


async def keep_for(
    collection: AsyncCollection[dict[str, Any]], field: str, days: float | None
) -> None:
    """Let documents be removed `days` after the moment in `field`; for ever kept when None.

    Documents without that moment stay. What was set before is changed.
    """
    present = (await collection.index_information()).get(INDEX)
    seconds = None if days is None else round(timedelta(days=days).total_seconds())
    if seconds is None:
        if present is not None:
            await collection.drop_index(INDEX)
    elif present is None:
        await collection.create_index(field, name=INDEX, expireAfterSeconds=seconds)
    elif present["expireAfterSeconds"] != seconds:
        changed = {"name": INDEX, "expireAfterSeconds": seconds}
        await collection.database.command("collMod", collection.name, index=changed)
