"""What is known of stored results without reading all of them; for whoever needs to know of any."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection


@dataclass(frozen=True)
class Recorded:
    """The outcome of a run as it is stored with its result."""

    result_id: str
    alerts_count: int
    summary: dict[str, Any]


async def find_recorded(
    results: AsyncCollection[dict[str, Any]], run_ids: Iterable[str]
) -> dict[str, Recorded]:
    """Return by run id what attempts of these runs have stored in a results collection."""
    found = results.find({"_id": {"$in": list(run_ids)}}, {"runSummary": 1, "alertIds": 1})
    return {
        each["_id"]: Recorded(each["_id"], len(each["alertIds"]), each["runSummary"])
        async for each in found
    }
