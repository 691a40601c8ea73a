"""Reads and writes the segments of tokens' histories in MongoDB."""

from collections.abc import Sequence
from typing import Any

from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.chain.types import Address
from common.errors import JobError
from token_worker.history.segments import (
    OUTLINE_FIELDS,
    Outline,
    Segment,
    pack,
    unpack,
    unpack_outline,
)

COLLECTION = "coin_flow_history"


class HistoryChangedError(JobError):
    """What is kept of a token was written by another run in between."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class HistoryStore:
    """The history of one token on one chain.

    Every write names what it replaces, so that of two attempts that bring the same history forward
    one is kept and the other one changes nothing.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]], chain_id: int, token: Address):
        self._segments = database[COLLECTION]
        self._key = f"{chain_id}:{token}"

    async def find_outlines(self) -> list[Outline]:
        """Return the segments that follow one another without a gap, oldest first.

        One that an earlier version of this program wrote, with other fields, ends them.
        """
        cursor = self._segments.find(
            {"history": self._key}, OUTLINE_FIELDS, sort=[("sequence", ASCENDING)]
        )
        outlines: list[Outline] = []
        async for document in cursor:
            if not document.keys() >= set(OUTLINE_FIELDS):
                break
            outline = unpack_outline(document)
            if outline.previous != (outlines[-1].end if outlines else None):
                break
            outlines.append(outline)
        return outlines

    async def load(self, outlines: Sequence[Outline]) -> list[Segment]:
        """Return segments with their transfers.

        Raises:
            HistoryChangedError: One of them is gone or has been written again.
        """
        wanted = [f"{self._key}:{outline.sequence}" for outline in outlines]
        cursor = self._segments.find({"_id": {"$in": wanted}}, sort=[("sequence", ASCENDING)])
        segments = [unpack(document) async for document in cursor]
        if [each.outline for each in segments] != list(outlines):
            raise HistoryChangedError(
                f"the kept history {self._key} was changed by another run while it was read: "
                "the next attempt reads what that one has left"
            )
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
