"""What a run may find of the chain without asking it: the way to a store, or to none. No I/O."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from common.chain.types import Block, Log, LogFilter


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact.

    Attributes:
        name: As it is stored.
        may_change: It holds at the block at which it was read, and is read again after a while:
            what the contract behind a proxy says may change.
    """

    name: str
    may_change: bool = False


TOKEN = Kind("token", may_change=True)
"""TokenMetadata by contract."""
CODE = Kind("code", may_change=True)
"""Hash of a contract's code by address; accounts without code have none that could be kept."""
BYTECODE = Kind("bytecode")
"""Code by its hash."""
TRANSACTION = Kind("transaction")
"""Transaction by hash."""
RECEIPT = Kind("receipt")
"""Receipt without its logs by transaction hash."""


class Piece(NamedTuple):
    """A stretch of blocks whose logs of one filter are kept.

    Attributes:
        first: First block.
        last: Last block, included.
        name: Where the store finds them.
    """

    first: int
    last: int
    name: str


FetchHeaders = Callable[[Sequence[int]], Awaitable[list[Block | None]]]
"""Headers by number, None for one that the endpoint does not have (yet)."""


class Kept(Protocol):
    """Final data kept by earlier runs, as one run sees it: true on the chain of its pinned block.

    Nothing here raises because the store is away: then nothing is found, and nothing is kept.
    """

    @property
    def branch(self) -> int:
        """Number of the branch of the chain: it grows when a reorg below kept data is repaired."""

    async def find_pieces(self, wanted: LogFilter, first: int, last: int) -> Sequence[Piece]:
        """Kept stretches within `first..last`, ascending, without overlap."""

    async def load_piece(self, wanted: LogFilter, piece: Piece) -> list[Log] | None:
        """All logs of a stretch, in order; None when it is no longer kept."""

    async def keep_logs(
        self, wanted: LogFilter, first: int, last: int, logs: Sequence[Log]
    ) -> None:
        """Keeps all logs of the filter in `first..last`, given in order."""

    async def forget_logs(self, wanted: LogFilter, first: int, last: int) -> None:
        """Drops what is kept in a range, after it turned out to be doubtful."""

    async def find_facts(self, kind: Kind, names: Collection[str]) -> dict[str, Any]:
        """Kept facts of one kind by name, those of the pinned block or below it."""

    async def keep_facts(
        self, kind: Kind, facts: Mapping[str, Any], blocks: Mapping[str, int] | None = None
    ) -> None:
        """Keeps facts that hold from a block on: of the pinned one, or as `blocks` says by name."""

    async def find_timestamps(self, numbers: Collection[int]) -> dict[int, int]:
        """Kept block times, unix seconds by number."""

    async def keep_timestamps(self, times: Mapping[int, int]) -> None:
        """Keeps block times."""


class Store(Protocol):
    """Where the workers keep final data of all chains."""

    async def open(self, chain_id: int, block: Block, fetch: FetchHeaders) -> Kept:
        """What a run at `block` may use; `fetch` reads headers to see what is still true."""


class NothingKept:
    """No store: every run reads all from the chain."""

    @property
    def branch(self) -> int:
        """Always the first one."""
        return 0

    async def find_pieces(self, wanted: LogFilter, first: int, last: int) -> Sequence[Piece]:
        """None."""
        return ()

    async def load_piece(self, wanted: LogFilter, piece: Piece) -> list[Log] | None:
        """None."""
        return None

    async def keep_logs(
        self, wanted: LogFilter, first: int, last: int, logs: Sequence[Log]
    ) -> None:
        """Does nothing."""

    async def forget_logs(self, wanted: LogFilter, first: int, last: int) -> None:
        """Does nothing."""

    async def find_facts(self, kind: Kind, names: Collection[str]) -> dict[str, Any]:
        """None."""
        return {}

    async def keep_facts(
        self, kind: Kind, facts: Mapping[str, Any], blocks: Mapping[str, int] | None = None
    ) -> None:
        """Does nothing."""

    async def find_timestamps(self, numbers: Collection[int]) -> dict[int, int]:
        """None."""
        return {}

    async def keep_timestamps(self, times: Mapping[int, int]) -> None:
        """Does nothing."""
