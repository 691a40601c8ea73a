"""Reads and writes the segments of tokens' histories in MongoDB."""

from itertools import pairwise
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.chain.types import Address
from token_worker.history.segments import Segment, pack, unpack

COLLECTION = "coin_flow_history"


class HistoryStore:
    """The history of one token on one chain.

    Every write names what it replaces, so that of two attempts that bring the same history forward
    one is kept and the other one changes nothing.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]], chain_id: int, token: Address):
        self._segments = database[COLLECTION]
        self._key = f"{chain_id}:{token}"

    async def find_segments(self) -> list[Segment]:
        """Return the segments that follow one another without a gap, oldest first."""
        cursor = self._segments.find({"history": self._key}, sort=[("sequence", ASCENDING)])
        segments = [unpack(document) async for document in cursor]
        if segments and segments[0].previous is not None:
            return []
        for earlier, later in pairwise(segments):
            if later.previous != earlier.end:
                return segments[: segments.index(later)]
        return segments

    async def write(self, segment: Segment) -> bool:
        """Write one segment, and tell whether it replaced the version it was made from."""
        document = {
            **pack(segment),
            "_id": f"{self._key}:{segment.sequence}",
            "history": self._key,
            "version": segment.version + 1,
        }
        if segment.version == 0:
            try:
                await self._segments.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        replaced = await self._segments.replace_one(
            {"_id": document["_id"], "version": segment.version}, document
        )
        return replaced.modified_count == 1

    async def delete_from(self, sequence: int) -> None:
        """Delete a segment and all after it: they tell of blocks that are no more."""
        await self._segments.delete_many({"history": self._key, "sequence": {"$gte": sequence}})

    async def create_indexes(self) -> None:
        """Create what `find_segments` needs."""
        await self._segments.create_index([("history", ASCENDING), ("sequence", ASCENDING)])
