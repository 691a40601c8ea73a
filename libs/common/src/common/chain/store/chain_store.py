"""The store of final chain data, one per process, and what one run sees of it."""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from common.chain.kept import FetchHeaders, Kept, Kind, NothingKept, Piece
from common.chain.store.facts import Facts
from common.chain.store.log_pieces import LogPieces
from common.chain.store.trunks import Trunks, View
from common.chain.types import Block, Log, LogFilter
from common.outages import describe_error
from common.retention import keep_for

logger = logging.getLogger(__name__)

COLLECTIONS = TRUNKS, LOGS, FACTS = "chainTrunks", "chainLogs", "chainFacts"
RETENTION_DAYS = 90.0
METADATA_DAYS = 30.0
DAY_SECONDS = 86_400

T = TypeVar("T")


class ChainStore:
    """What all workers keep of all chains, in three collections of one database."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        *,
        retention_days: float | None = RETENTION_DAYS,
        metadata_days: float = METADATA_DAYS,
    ) -> None:
        """Keep in `database`.

        Args:
            database: It may be shared with anything else.
            retention_days: How long data stay that no run uses; for ever when None.
            metadata_days: How long names, decimals and code are used before they are read again.
        """
        self._database = database
        self._retention_days = retention_days
        self.trunks = Trunks(database[TRUNKS])
        self.logs = LogPieces(database[LOGS])
        self.facts = Facts(database[FACTS], metadata_days * DAY_SECONDS)

    async def create_indexes(self) -> None:
        """Let MongoDB remove what no run has used for the retention time.

        Raises:
            PyMongoError: MongoDB is away.
        """
        for name in (LOGS, FACTS):
            await keep_for(self._database[name], "usedAt", self._retention_days)

    async def open(self, chain_id: int, block: Block, fetch: FetchHeaders) -> Kept:
        """What a run at `block` may use, after the newest checkpoint was compared with the chain.

        Args:
            chain_id: EIP-155 id.
            block: The run's block; it counts as final.
            fetch: Reads headers, one request for all.

        Raises:
            ChainError: The chain could not be read.
        """
        try:
            view, is_cut = await self.trunks.open(chain_id, block, fetch)
            if is_cut:
                await self._clear(chain_id, view)
        except PyMongoError as error:
            _warn(error)
            return NothingKept()
        return KeptRun(self, chain_id, block, view, fetch)

    async def _clear(self, chain_id: int, view: View) -> None:
        branch, above = view.trunk.branch, view.trunk.cuts[-1].above
        logger.warning(
            "a reorg below kept chain data was repaired",
            extra={"chain_id": chain_id, "above_block": above},
        )
        await self.logs.drop_void(chain_id, branch, above)
        await self.facts.drop_void(chain_id, branch, above)


class KeptRun:
    """One run's view of the store; see `common.chain.kept.Kept`.

    From the first failure of MongoDB on, the run goes on as if there were no store.
    """

    def __init__(
        self, store: ChainStore, chain_id: int, block: Block, view: View, fetch: FetchHeaders
    ) -> None:
        self._store = store
        self._chain_id = chain_id
        self._block = block
        self._view = view
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._is_marked = False
        self._is_away = False

    @property
    def branch(self) -> int:
        """Number of the branch of the chain."""
        return self._view.trunk.branch

    async def find_pieces(self, wanted: LogFilter, first: int, last: int) -> Sequence[Piece]:
        """Kept stretches within `first..last`, ascending, without overlap."""
        found = self._store.logs.find(self._chain_id, self._view, wanted, first, last)
        return await self._unless_away(found, ())

    async def load_piece(self, wanted: LogFilter, piece: Piece) -> list[Log] | None:
        """All logs of a stretch, in order; None when it is no longer kept."""
        return await self._unless_away(self._store.logs.load(self._view, piece), None)

    async def keep_logs(
        self, wanted: LogFilter, first: int, last: int, logs: Sequence[Log]
    ) -> None:
        """Keeps all logs of the filter in `first..last`, given in order."""

        async def keep() -> None:
            if view := await self._view_for_writing():
                await self._store.logs.keep(self._chain_id, view, wanted, first, last, logs)

        await self._unless_away(keep(), None)

    async def forget_logs(self, wanted: LogFilter, first: int, last: int) -> None:
        """Drops what is kept in a range, after it turned out to be doubtful."""
        await self._unless_away(self._store.logs.forget(self._chain_id, wanted, first, last), None)

    async def find_facts(self, kind: Kind, names: Collection[str]) -> dict[str, Any]:
        """Kept facts of one kind by name, those of the pinned block or below it."""
        found = self._store.facts.find(self._chain_id, self._view, self._block, kind, names)
        return await self._unless_away(found, {})

    async def keep_facts(
        self, kind: Kind, facts: Mapping[str, Any], blocks: Mapping[str, int] | None = None
    ) -> None:
        """Keeps facts that hold from a block on: of the pinned one, or as `blocks` says by name."""

        async def keep() -> None:
            if facts and (view := await self._view_for_writing()):
                await self._store.facts.keep(
                    self._chain_id, view, self._block, kind, facts, blocks or {}
                )

        await self._unless_away(keep(), None)

    async def find_timestamps(self, numbers: Collection[int]) -> dict[int, int]:
        """Kept block times, unix seconds by number."""
        found = self._store.facts.find_timestamps(self._chain_id, self._view, numbers)
        return await self._unless_away(found, {})

    async def keep_timestamps(self, times: Mapping[int, int]) -> None:
        """Keeps block times."""

        async def keep() -> None:
            if times and (view := await self._view_for_writing()):
                await self._store.facts.keep_timestamps(self._chain_id, view, times)

        await self._unless_away(keep(), None)

    async def _unless_away(self, use: Coroutine[Any, Any, T], otherwise: T) -> T:
        if self._is_away:
            use.close()
            return otherwise
        try:
            return await use
        except PyMongoError as error:
            if not self._is_away:
                self._is_away = True
                _warn(error)
            return otherwise

    async def _view_for_writing(self) -> View | None:
        """The view, once the run's block is a checkpoint; None where a run must not write."""
        async with self._lock:
            if self._view.is_writable and not self._is_marked:
                self._view = await self._store.trunks.mark(
                    self._chain_id, self._block, self._view, self._fetch
                )
                self._is_marked = True
            return self._view if self._view.is_writable else None


def _warn(error: PyMongoError) -> None:
    logger.warning("chain store not used by this run", extra={"error": describe_error(error)})
