"""Logs in MongoDB, a stretch of blocks of one filter in a document.

A document says what it covers, so one write keeps logs and coverage together, and whatever is lost
(by retention, by a crash) is only a gap to be read again.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bson import Binary
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from common.chain.kept import Piece
from common.chain.store.packing import (
    MOST_BYTES,
    filter_digest,
    pack_logs,
    split_logs,
    unpack_logs,
)
from common.chain.store.ranges import without_overlap
from common.chain.store.trunks import View
from common.chain.types import Log, LogFilter
from common.models import now_utc

PIECE_LOGS = 25_000
JOINED_LOGS = 5_000
"""Neighbours are joined while they have no more together: a piece of every run would be too many,
and joining larger ones would write much again."""
USE_NOTED_AFTER = timedelta(days=1)

_WITHOUT_LOGS = {"first": 1, "last": 1, "count": 1, "branch": 1, "usedAt": 1}


class LogPieces:
    """The kept logs of all chains and filters."""

    def __init__(self, collection: AsyncCollection[dict[str, Any]]) -> None:
        self._collection = collection

    async def find(
        self, chain_id: int, view: View, wanted: LogFilter, first: int, last: int
    ) -> list[Piece]:
        """Pieces within `first..last` that the view may use, ascending, without overlap."""
        key = _key(chain_id, wanted)
        pieces: list[Piece] = []
        long_unused: list[str] = []
        recently = now_utc() - USE_NOTED_AFTER
        cursor = self._collection.find(
            {"_id": {"$gte": f"{key}/", "$lte": _name(key, last)}, "last": {"$gte": first}},
            _WITHOUT_LOGS,
        )
        async for found in cursor:
            end = int(min(found["last"], view.standing_to(found["branch"])))
            pieces.append(Piece(found["first"], end, found["_id"]))
            if found["usedAt"] < recently:
                long_unused.append(found["_id"])
        if long_unused:
            await self._collection.update_many(
                {"_id": {"$in": long_unused}}, {"$set": {"usedAt": now_utc()}}
            )
        return without_overlap(pieces, first, last)

    async def load(self, view: View, piece: Piece) -> list[Log] | None:
        """The logs of a piece; None when they are no longer kept."""
        key = piece.name.rpartition("/")[0]
        # Where it has been joined to an earlier one since it was found, that is the nearest before.
        found = await self._collection.find_one(
            {"_id": {"$gte": f"{key}/", "$lte": piece.name}}, sort=[("_id", -1)]
        )
        if found is None or min(found["last"], view.standing_to(found["branch"])) < piece.last:
            return None
        logs = unpack_logs(found["logs"])
        if piece.first == found["first"] and piece.last == found["last"]:
            return logs
        return [log for log in logs if piece.first <= log.block_number <= piece.last]

    async def keep(
        self,
        chain_id: int,
        view: View,
        wanted: LogFilter,
        first: int,
        last: int,
        logs: Sequence[Log],
    ) -> None:
        """Keeps all logs of `first..last`, joined to what is kept beside it if that is little."""
        key = _key(chain_id, wanted)
        for begin, end, part in split_logs(first, last, logs, PIECE_LOGS):
            if len(part) <= JOINED_LOGS and await self._join(key, view, begin, end, part):
                continue
            await self._insert(key, view, begin, end, part)

    async def forget(self, chain_id: int, wanted: LogFilter, first: int, last: int) -> None:
        """Drops all pieces that hold a block of `first..last`."""
        key = _key(chain_id, wanted)
        await self._collection.delete_many(
            {"_id": {"$gte": f"{key}/", "$lte": _name(key, last)}, "last": {"$gte": first}}
        )

    async def drop_void(self, chain_id: int, branch: int, above: int) -> None:
        """Drops what a reorg made void: pieces above a block, of branches before `branch`."""
        await self._collection.delete_many(
            {
                "_id": {"$gte": f"{chain_id}/", "$lt": f"{chain_id}0"},  # "0" follows "/"
                "first": {"$gt": above},
                "branch": {"$lt": branch},
            }
        )

    async def _insert(
        self, key: str, view: View, first: int, last: int, logs: Sequence[Log]
    ) -> None:
        packed = pack_logs(logs)
        if len(packed) > MOST_BYTES:
            if first < last:  # a single block of more than a document holds is read each time
                middle = (first + last) // 2
                lower = [log for log in logs if log.block_number <= middle]
                await self._insert(key, view, first, middle, lower)
                await self._insert(key, view, middle + 1, last, logs[len(lower) :])
            return
        document = {
            "first": first,
            "last": last,
            "count": len(logs),
            "branch": view.trunk.branch,
            "usedAt": now_utc(),
            "logs": Binary(packed),
        }
        branch = view.trunk.branch
        replaceable = [{"branch": {"$lt": branch}}, {"branch": branch, "last": {"$lte": last}}]
        try:
            await self._collection.replace_one(
                {"_id": _name(key, first), "$or": replaceable}, document, upsert=True
            )
        except DuplicateKeyError:
            return  # another run keeps as much or more there

    async def _join(self, key: str, view: View, first: int, last: int, logs: Sequence[Log]) -> bool:
        """Adds logs to the piece that ends right before them, and the piece right after to both."""
        before = await self._collection.find_one(
            {"_id": {"$gte": f"{key}/", "$lt": _name(key, first)}},
            _WITHOUT_LOGS,
            sort=[("_id", -1)],
        )
        if before is None or before["last"] != first - 1:
            return False
        after = await self._collection.find_one({"_id": _name(key, last + 1)}, _WITHOUT_LOGS)
        together = before["count"] + len(logs)
        if together > JOINED_LOGS or view.standing_to(before["branch"]) < before["last"]:
            return False
        earlier = await self.load(view, Piece(before["first"], before["last"], before["_id"]))
        later: list[Log] | None = None
        if after is not None and together + after["count"] <= JOINED_LOGS:
            later = await self.load(view, Piece(after["first"], after["last"], after["_id"]))
        if earlier is None:
            return False
        joined = [*earlier, *logs, *(later or ())]
        packed = pack_logs(joined)
        if len(packed) > MOST_BYTES:
            return False
        changes = {
            "last": last if after is None or later is None else after["last"],
            "count": len(joined),
            "branch": view.trunk.branch,
            "usedAt": now_utc(),
            "logs": Binary(packed),
        }
        changed = await self._collection.update_one(_as_found(before), {"$set": changes})
        if changed.modified_count == 0:
            return False
        if after is not None and later is not None:
            await self._collection.delete_one(_as_found(after))
        return True


def _as_found(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("_id", "last", "count", "branch")}


def _key(chain_id: int, wanted: LogFilter) -> str:
    return f"{chain_id}/{filter_digest(wanted)}"


def _name(key: str, first: int) -> str:
    return f"{key}/{first:012d}"
