"""Movements of one collection as a table of columns, from the moment that they are decoded.

A collection may have a million movements: as records they take half a gigabyte, and most of the
time would go into looking at each. Rules are written for few records; columns find the few, and
only these become records again.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from common.chain.transfers import NftTransfer
from common.chain.types import ZERO_ADDRESS, Address
from nft_worker.analysis.arrays import (
    CHUNK,
    Exact,
    Ints,
    Mask,
    Numbering,
    chunks,
    exact,
    numbers_of,
)
from nft_worker.analysis.movements import NOBODY
from nft_worker.models import Position, Timestamps

Hashes = NDArray[np.void]
"""Transaction hashes, 32 bytes each."""

COLUMNS = (
    *("block", "log", "part", "place", "hashes", "sender", "recipient", "operator"),
    *("token", "amount", "seconds", "is_unique"),
)
_PLACES = attrgetter("block_number", "log_index", "batch_index", "transaction_index")


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


@dataclass(frozen=True, eq=False)
class Movements:
    """One row a movement, in the order of the chain.

    Attributes:
        collection: Whose tokens they are.
        accounts: Numbers of senders, recipients and operators.
        tokens: Numbers of token ids.
        ranking: Of their positions, and of those that `take` leaves.
        block: Block numbers.
        log: Log indexes.
        part: Positions within a log.
        place: Transaction indexes.
        hashes: Transaction hashes.
        sender: Account numbers, as `recipient`.
        operator: Account numbers; -1 for none.
        token: Token numbers.
        amount: Units.
        seconds: Unix seconds.
        is_unique: ERC-721 and not ERC-1155.
    """

    collection: Address
    accounts: Numbering[Address]
    tokens: Numbering[int]
    ranking: Ranking
    block: Ints
    log: Ints
    part: Ints
    place: Ints
    hashes: Hashes
    sender: Ints
    recipient: Ints
    operator: Ints
    token: Ints
    amount: Exact
    seconds: Ints
    is_unique: Mask

    def __len__(self) -> int:
        return len(self.block)

    @cached_property
    def keys(self) -> Ints:
        """Rank key of each position, ascending."""
        return self.ranking.keys(self.block, self.log, self.part)

    @cached_property
    def is_mint(self) -> Mask:
        """From nobody."""
        return self.accounts.mask_of((ZERO_ADDRESS,))[self.sender]

    @cached_property
    def is_burn(self) -> Mask:
        """To nobody, and no mint."""
        burned: Mask = ~self.is_mint & self.accounts.mask_of(NOBODY)[self.recipient]
        return burned

    def times(self, rows: Ints | Mask | slice) -> Timestamps:
        """Return the Unix seconds of the blocks of some rows."""
        return dict(zip(self.block[rows].tolist(), self.seconds[rows].tolist(), strict=True))

    def position(self, row: int) -> Position:
        """Return where on the chain a row's movement happened."""
        return (int(self.block[row]), int(self.log[row]), int(self.part[row]))

    def rows_of(self, positions: Collection[Position]) -> Ints:
        """Return the rows of positions, all of which must be here, ascending."""
        wanted = np.array(sorted(map(self.ranking.key, positions)), np.int64)
        return np.searchsorted(self.keys, wanted)

    def take(self, rows: Ints | Mask) -> "Movements":
        """Return the table of some rows, with the same numbers for the same things."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def pick(self, rows: Ints | Mask) -> list[NftTransfer]:
        """Return some rows as records."""
        at = numbers_of(rows)
        accounts = self.accounts.values()
        columns = zip(
            repeat(self.collection, len(at)),
            ["erc721" if is_unique else "erc1155" for is_unique in self.is_unique[at].tolist()],
            [None if number < 0 else accounts[number] for number in self.operator[at].tolist()],
            self.accounts.named(self.sender[at]),
            self.accounts.named(self.recipient[at]),
            self.tokens.named(self.token[at]),
            self.amount[at].tolist(),
            self.block[at].tolist(),
            self.digests(at),
            self.place[at].tolist(),
            self.log[at].tolist(),
            self.part[at].tolist(),
            strict=True,
        )
        return [NftTransfer(*fields) for fields in columns]

    def digests(self, rows: Ints) -> list[str]:
        """Return the transaction hashes of some rows as hex with `0x`."""
        return [f"0x{digest.hex()}" for digest in self.hashes[rows].tolist()]

    def iterate(self, rows: Ints | Mask) -> Iterator[NftTransfer]:
        """Yield some rows as records, few at a time in memory."""
        numbers = numbers_of(rows)
        for start in range(0, len(numbers), CHUNK):
            yield from self.pick(numbers[start : start + CHUNK])


def movements(
    collection: Address, transfers: Iterable[NftTransfer], timestamps: Timestamps
) -> Movements:
    """Return the table of a collection's transfers, each once however often it was read.

    Args:
        collection: The contract.
        transfers: In any order; they may be made while they are read.
        timestamps: Unix seconds of each block.
    """
    accounts: Numbering[Address] = Numbering()
    tokens: Numbering[int] = Numbering()
    parts = [_encoded(chunk, timestamps, accounts, tokens) for chunk in chunks(transfers)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
    ranking = Ranking(
        int(columns["log"].max(initial=0)) + 1, int(columns["part"].max(initial=0)) + 1
    )
    table = Movements(collection, accounts, tokens, ranking, **columns)
    if np.all(np.diff(table.keys) > 0):
        return table
    rows = np.argsort(table.keys, kind="stable")
    return table.take(rows[np.append(True, np.diff(table.keys[rows]) > 0)])


def _encoded(
    transfers: list[NftTransfer],
    timestamps: Timestamps,
    accounts: Numbering[Address],
    tokens: Numbering[int],
) -> dict[str, NDArray[np.generic]]:
    places = np.array(list(map(_PLACES, transfers)), np.int64).reshape(-1, 4)
    digests = b"".join(bytes.fromhex(each.transaction_hash[2:]) for each in transfers)
    return {
        "block": places[:, 0],
        "log": places[:, 1],
        "part": places[:, 2],
        "place": places[:, 3],
        "hashes": np.frombuffer(digests, "V32"),
        "sender": accounts.number(each.sender for each in transfers),
        "recipient": accounts.number(each.recipient for each in transfers),
        "operator": _operators(transfers, accounts),
        "token": tokens.number(each.token_id for each in transfers),
        "amount": exact([each.amount for each in transfers]),
        "seconds": np.array([timestamps[each.block_number] for each in transfers], np.int64),
        "is_unique": np.array([each.standard == "erc721" for each in transfers], np.bool_),
    }


def _operators(transfers: list[NftTransfer], accounts: Numbering[Address]) -> Ints:
    named = [each.operator for each in transfers if each.operator is not None]
    found = np.full(len(transfers), -1, np.int64)
    found[[each.operator is not None for each in transfers]] = accounts.number(named)
    return found
