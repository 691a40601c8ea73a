"""Transfers of one token as columns, so that a million of them are array arithmetic."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from common.chain.transfers import Erc20Transfer
from common.chain.types import ZERO_ADDRESS, Address
from token_worker.analysis.exact import (
    BoolArray,
    FloatArray,
    IntArray,
    LimbArray,
    distinct,
    largest_rows,
    sum_all,
    sum_by_group,
    to_floats,
    to_ints,
    to_limbs,
    widened,
)
from token_worker.analysis.packed import (
    PackedAddresses,
    distinct_packed,
    find_packed,
    pack_addresses,
    unpack_addresses,
    unpack_one,
)

HashArray = npt.NDArray[np.void]

LOG_INDEX_BITS = 32
LOG_INDEX_MASK = (1 << LOG_INDEX_BITS) - 1
EVIDENCE_CAP = 10
"""So many transfers are shown of a finding that rests on more of them."""


@dataclass(frozen=True)
class Position:
    """One row for a reader."""

    transaction_hash: str
    log_index: int
    block_number: int
    sender: Address
    recipient: Address
    amount: int


@dataclass(frozen=True, eq=False)
class TransferTable:
    """One row a transfer, in chain order whatever the order of the input.

    Attributes:
        packed: Every sender and recipient, sorted: a position is an address's code, and the order
            of codes is the order of addresses.
        senders: Code of each row's sender.
        recipients: Code of each row's recipient.
        timestamps: Unix seconds of each row's block.
        block_numbers: Each row's block.
        transaction_indexes: Where in its block each row's transaction stands.
        log_indexes: Where in its block each row's log stands.
        hashes: The 32 bytes of each row's transaction hash.
        limbs: Amounts, see `to_limbs`.
    """

    packed: PackedAddresses
    senders: IntArray
    recipients: IntArray
    timestamps: IntArray
    block_numbers: IntArray
    transaction_indexes: IntArray
    log_indexes: IntArray
    hashes: HashArray
    limbs: LimbArray

    @classmethod
    def from_transfers(
        cls, transfers: Collection[Erc20Transfer], timestamps: Mapping[int, int]
    ) -> "TransferTable":
        """Return the table of `transfers`, given the Unix seconds of their blocks.

        Raises:
            KeyError: The time of a transfer's block is missing.
        """
        ordered = sorted(
            transfers, key=lambda transfer: (transfer.block_number, transfer.log_index)
        )
        seen = {transfer.sender for transfer in ordered}
        seen.update(transfer.recipient for transfer in ordered)
        addresses = sorted(seen)
        codes = {address: code for code, address in enumerate(addresses)}
        hashes = b"".join([bytes.fromhex(each.transaction_hash[2:]) for each in ordered])
        return cls(
            packed=pack_addresses(addresses),
            senders=_integers([codes[each.sender] for each in ordered]),
            recipients=_integers([codes[each.recipient] for each in ordered]),
            timestamps=_integers([timestamps[each.block_number] for each in ordered]),
            block_numbers=_integers([each.block_number for each in ordered]),
            transaction_indexes=_integers([each.transaction_index for each in ordered]),
            log_indexes=_integers([each.log_index for each in ordered]),
            hashes=np.frombuffer(hashes, dtype="V32"),
            limbs=to_limbs([each.amount for each in ordered]),
        )

    @classmethod
    def join(cls, tables: Sequence["TransferTable"]) -> "TransferTable":
        """Return all rows of tables that follow one another in chain order, at least one table."""
        packed = distinct_packed(np.concatenate([table.packed for table in tables]))
        recoded = [np.searchsorted(packed, table.packed) for table in tables]
        width = max(table.limbs.shape[1] for table in tables)
        columns = {
            name: np.concatenate([getattr(table, name) for table in tables])
            for name in (*_PLAIN_COLUMNS, "hashes")
        }
        return cls(
            packed=packed,
            senders=np.concatenate(
                [code[table.senders] for code, table in zip(recoded, tables, strict=True)]
            ),
            recipients=np.concatenate(
                [code[table.recipients] for code, table in zip(recoded, tables, strict=True)]
            ),
            limbs=np.concatenate([widened(table.limbs, width) for table in tables]),
            **columns,
        )

    def until(self, block_number: int) -> "TransferTable":
        """Return the rows up to a block, that one included."""
        end = int(np.searchsorted(self.block_numbers, block_number, side="right"))
        return self.part(0, end)

    def part(self, start: int, end: int) -> "TransferTable":
        """Return the rows from `start` up to, but not including, `end`."""
        if (start, end) == (0, len(self)):
            return self
        return self.select(slice(start, end))

    def select(self, rows: slice | IntArray | BoolArray) -> "TransferTable":
        """Return some rows, with the addresses in them only; their order must not change."""
        ends = np.concatenate([self.senders[rows], self.recipients[rows]])
        kept = distinct(ends)
        codes = np.searchsorted(kept, ends)
        names = (*_PLAIN_COLUMNS, "hashes", "limbs")
        return TransferTable(
            packed=self.packed[kept],
            senders=codes[: codes.size // 2],
            recipients=codes[codes.size // 2 :],
            **{name: getattr(self, name)[rows] for name in names},
        )

    def __len__(self) -> int:
        return int(self.senders.size)

    def __getitem__(self, row: int) -> Position:
        """Return one row for a reader."""
        return Position(
            transaction_hash="0x" + self.hashes[row].tobytes().hex(),
            log_index=int(self.log_indexes[row]),
            block_number=int(self.block_numbers[row]),
            sender=unpack_one(self.packed[self.senders[row]]),
            recipient=unpack_one(self.packed[self.recipients[row]]),
            amount=self.amount(row),
        )

    def amount(self, row: int) -> int:
        """Return the raw amount of a row."""
        return int.from_bytes(self.limbs[row].tobytes(), "little")

    def amounts(self, rows: IntArray) -> list[int]:
        """Return the raw amounts of rows."""
        return to_ints(self.limbs[rows])

    def largest(self, rows: IntArray, count: int = EVIDENCE_CAP) -> list[int]:
        """Return the largest of some rows, as far as floats tell them apart, in chain order."""
        order = np.lexsort((rows, -self.sizes[rows]))
        return sorted(rows[order[:count]].tolist())

    def top_rows(self, count: int) -> list[int]:
        """Return the rows of the largest amounts, largest first, then in chain order."""
        return largest_rows(self.limbs, self.sizes, count)

    @cached_property
    def sizes(self) -> FloatArray:
        """Amounts as floats, to find the rows worth an exact look."""
        return to_floats(self.limbs)

    @cached_property
    def addresses(self) -> tuple[Address, ...]:
        """Every sender and recipient, sorted, as text."""
        return tuple(unpack_addresses(self.packed))

    def code(self, address: str) -> int:
        """Return the code of an address, or -1, which no row has, when it is not in the table."""
        return find_packed(self.packed, address)

    @cached_property
    def positions(self) -> IntArray:
        """One number for each row's place in the chain: ascending, and no other row has it."""
        return (self.block_numbers << LOG_INDEX_BITS) | self.log_indexes

    @cached_property
    def transactions(self) -> IntArray:
        """Number of each row's transaction, counted from 0 in chain order."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        starts = (np.diff(self.block_numbers, prepend=-1) != 0) | (
            np.diff(self.transaction_indexes, prepend=-1) != 0
        )
        return np.cumsum(starts) - 1

    @cached_property
    def is_mint(self) -> BoolArray:
        """Rows from the zero address, also when they go there (Uniswap's first liquidity)."""
        return np.equal(self.senders, self.code(ZERO_ADDRESS))

    @cached_property
    def is_burn(self) -> BoolArray:
        """Rows to the zero address from anybody else."""
        return np.equal(self.recipients, self.code(ZERO_ADDRESS)) & ~self.is_mint

    @cached_property
    def is_self(self) -> BoolArray:
        """Rows from an address to itself, mints aside."""
        return np.equal(self.senders, self.recipients) & ~self.is_mint

    def sum_by(self, groups: IntArray, group_count: int, rows: IntArray | None = None) -> list[int]:
        """Return the exact sum of the amounts of each group, see `sum_by_group`.

        Args:
            groups: Group of each row, or of each of `rows`.
            group_count: Number of groups.
            rows: The rows to sum; all by default.
        """
        limbs = self.limbs if rows is None else self.limbs[rows]
        return sum_by_group(limbs, groups, group_count)

    def sum_where(self, selected: BoolArray) -> int:
        """Return the exact sum of the amounts of the selected rows."""
        return sum_all(self.limbs[selected])


_PLAIN_COLUMNS = ("timestamps", "block_numbers", "transaction_indexes", "log_indexes")


def _integers(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)
