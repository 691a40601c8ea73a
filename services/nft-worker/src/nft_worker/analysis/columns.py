"""Movements as columns of numbers: what is asked of all of them at once is answered by numpy.

A collection may have a million movements. Rules are written for few records; columns find the few.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from common.chain.transfers import NftTransfer
from common.chain.types import ZERO_ADDRESS, Address
from nft_worker.analysis.movements import NOBODY
from nft_worker.models import Position, Timestamps

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
RecordT = TypeVar("RecordT")
KeyT = TypeVar("KeyT")


class Numbering(Generic[KeyT]):
    """Numbers values from 0 in the order in which they first appear."""

    def __init__(self) -> None:
        self._numbers: defaultdict[KeyT, int] = defaultdict(count().__next__)

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, values: Iterable[KeyT], length: int) -> Ints:
        """Return the number of each of `length` values; new ones get the next numbers."""
        return np.fromiter(map(self._numbers.__getitem__, values), np.int64, length)

    def mask_of(self, values: Collection[KeyT]) -> Mask:
        """Return for each number whether its value is among `values`."""
        mask = np.zeros(len(self._numbers), np.bool_)
        mask[[self._numbers[value] for value in values if value in self._numbers]] = True
        return mask

    def values(self) -> list[KeyT]:
        """Return the values by number."""
        return list(self._numbers)


def column(records: Sequence[Any], name: str) -> Ints:
    """Return an integer attribute of all records."""
    return np.fromiter(map(attrgetter(name), records), np.int64, len(records))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Turns positions into numbers of the same order.

    Attributes:
        logs: Above every log index.
        parts: Above every index within a log.
    """

    logs: int
    parts: int

    def keys(self, block: Ints, log: Ints, part: Ints) -> Ints:
        """Return the rank keys of positions given as columns."""
        return (block * self.logs + log) * self.parts + part

    def key(self, at: Position) -> int:
        """Return the rank key of one position."""
        return (at[0] * self.logs + at[1]) * self.parts + at[2]


@dataclass(frozen=True, slots=True)
class Movements:
    """Transfers in the order of the chain, with their columns.

    Attributes:
        keys: Rank key of each, ascending.
        sender: Account numbers, as `recipient`.
        token: Token numbers.
        seconds: Unix seconds.
        is_unique: ERC-721 and not ERC-1155.
        is_mint: From nobody.
        is_burn: To nobody, and no mint.
    """

    transfers: Sequence[NftTransfer]
    ranking: Ranking
    accounts: Numbering[Address]
    tokens: Numbering[int]
    keys: Ints
    block: Ints
    sender: Ints
    recipient: Ints
    token: Ints
    seconds: Ints
    is_unique: Mask
    is_mint: Mask
    is_burn: Mask

    def rows_of(self, positions: Collection[Position]) -> Ints:
        """Return the rows of positions, all of which must be here, ascending."""
        wanted = np.array(sorted(map(self.ranking.key, positions)), np.int64)
        return np.searchsorted(self.keys, wanted)

    def pick(self, rows: Ints | Mask) -> list[NftTransfer]:
        """Return the transfers of some rows."""
        return pick(self.transfers, rows)


def movements(transfers: Iterable[NftTransfer], timestamps: Timestamps) -> Movements:
    """Return transfers in the order of the chain, each once however often it was read.

    Args:
        transfers: In any order.
        timestamps: Unix seconds of each block.
    """
    given = transfers if isinstance(transfers, list | tuple) else list(transfers)
    block, log, part = (
        column(given, name) for name in ("block_number", "log_index", "batch_index")
    )
    ranking = Ranking(int(log.max(initial=0)) + 1, int(part.max(initial=0)) + 1)
    keys = ranking.keys(block, log, part)
    if np.any(np.diff(keys) <= 0):
        rows = np.argsort(keys, kind="stable")
        rows = rows[np.append(True, np.diff(keys[rows]) > 0)]
        keys, block, given = keys[rows], block[rows], pick(given, rows)
    return _described(given, ranking, keys, block, timestamps, Numbering(), Numbering())


def replaced(logged: Movements, transfers: Sequence[NftTransfer], seconds: Timestamps) -> Movements:
    """Return other movements at positions of `logged`, with the same numbers for the same things.

    Args:
        logged: The movements as they were logged.
        transfers: In the order of the chain.
        seconds: Unix seconds of each block.
    """
    block, log, part = (
        column(transfers, name) for name in ("block_number", "log_index", "batch_index")
    )
    keys = logged.ranking.keys(block, log, part)
    return _described(
        transfers, logged.ranking, keys, block, seconds, logged.accounts, logged.tokens
    )


def _described(
    transfers: Sequence[NftTransfer],
    ranking: Ranking,
    keys: Ints,
    block: Ints,
    timestamps: Timestamps,
    accounts: Numbering[Address],
    tokens: Numbering[int],
) -> Movements:
    length = len(transfers)
    sender = accounts.number(map(attrgetter("sender"), transfers), length)
    recipient = accounts.number(map(attrgetter("recipient"), transfers), length)
    is_mint = accounts.mask_of((ZERO_ADDRESS,))[sender]
    return Movements(
        transfers=transfers,
        ranking=ranking,
        accounts=accounts,
        tokens=tokens,
        keys=keys,
        block=block,
        sender=sender,
        recipient=recipient,
        token=tokens.number(map(attrgetter("token_id"), transfers), length),
        seconds=_seconds(block, timestamps),
        is_unique=_is_unique(transfers),
        is_mint=is_mint,
        is_burn=~is_mint & accounts.mask_of(NOBODY)[recipient],
    )


def _is_unique(transfers: Sequence[NftTransfer]) -> Mask:
    standard = attrgetter("standard")
    if set(map(standard, transfers)) == {"erc721"}:
        return np.ones(len(transfers), np.bool_)
    return np.fromiter(map("erc721".__eq__, map(standard, transfers)), np.bool_, len(transfers))


def _seconds(block: Ints, timestamps: Timestamps) -> Ints:
    changes = np.flatnonzero(np.diff(block, prepend=-1))
    lengths = np.diff(np.append(changes, len(block)))
    of_blocks = [timestamps[number] for number in block[changes].tolist()]
    return np.repeat(np.array(of_blocks, np.int64), lengths)


def pick(records: Sequence[RecordT], rows: Ints | Mask) -> list[RecordT]:
    """Return the records of some rows, given by number or by mask."""
    numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    return [records[row] for row in numbers.tolist()]


def is_in(values: Ints, ordered: Ints) -> Mask:
    """Return for each value whether it is one of the ascending `ordered`."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: Mask = ordered[place] == values
    return found


def distinct(values: Ints) -> Ints:
    """Return the different values, ascending; by sorting, which numpy does faster than hashing."""
    ordered = np.sort(values)
    different: Ints = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
    return different


def occurring(values: Ints, least: int) -> Ints:
    """Return the values that occur at least `least` times, ascending."""
    ordered = np.sort(values)
    last = ordered[least - 1 :]
    return distinct(last[ordered[: len(last)] == last])


def grouped(numbers: Ints) -> Ints:
    """Return the rows ordered by their number, rows of one number in their own order."""
    fits = len(numbers) and numbers.max() < 2**16  # numpy sorts short integers by radix
    keys = numbers.astype(np.uint16) if fits else numbers
    return np.argsort(keys, kind="stable")
