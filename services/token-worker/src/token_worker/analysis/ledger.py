"""What each address received and sent: the state of a history that grows by new transfers only."""

from dataclasses import dataclass
from functools import cached_property
from operator import sub

import numpy as np

from common.chain.types import ZERO_ADDRESS, Address
from token_worker.analysis.exact import IntArray
from token_worker.analysis.packed import (
    PackedAddresses,
    find_packed,
    places_in,
    unpack_addresses,
    unpack_one,
)
from token_worker.analysis.table import HashArray, TransferTable


@dataclass(frozen=True, eq=False)
class Ledger:
    """Raw sums and counts of every address up to a block; its place in the ledger is its code.

    A transfer to oneself is received and sent, but one transfer.

    Attributes:
        packed: The addresses, sorted.
        received: What each one received.
        sent: What each one sent.
        received_counts: Transfers to it.
        sent_counts: Transfers from it.
        self_counts: Transfers from it to itself.
        first_blocks: Block of its first transfer.
        last_positions: Place of its newest transfer in the chain, see `TransferTable.positions`.
        last_times: Unix seconds of its newest transfer.
        last_hashes: Transaction of its newest transfer.
    """

    packed: PackedAddresses
    received: list[int]
    sent: list[int]
    received_counts: IntArray
    sent_counts: IntArray
    self_counts: IntArray
    first_blocks: IntArray
    last_positions: IntArray
    last_times: IntArray
    last_hashes: HashArray

    @classmethod
    def of(cls, table: TransferTable) -> "Ledger":
        """Return the ledger of some transfers; codes are those of the table."""
        count = len(table.packed)
        first, last = _first_and_last(table, count)
        to_oneself = table.senders[table.senders == table.recipients]
        return cls(
            packed=table.packed,
            received=table.sum_by(table.recipients, count),
            sent=table.sum_by(table.senders, count),
            received_counts=np.bincount(table.recipients, minlength=count),
            sent_counts=np.bincount(table.senders, minlength=count),
            self_counts=np.bincount(to_oneself, minlength=count),
            first_blocks=table.block_numbers[first],
            last_positions=table.positions[last],
            last_times=table.timestamps[last],
            last_hashes=table.hashes[last],
        )

    def followed_by(self, newer: "Ledger") -> "Ledger":
        """Return the ledger of these transfers and of others, all of which came later."""
        places = places_in(self.packed, newer.packed)
        fresh = places < 0
        before = np.searchsorted(self.packed, newer.packed[fresh])
        packed = np.insert(self.packed, before, newer.packed[fresh])
        codes = np.searchsorted(packed, newer.packed)
        received, sent = _spread(self.received, before), _spread(self.sent, before)
        for code, more, less in zip(codes.tolist(), newer.received, newer.sent, strict=True):
            received[code] += more
            sent[code] += less

        def added(older: IntArray, later: IntArray) -> IntArray:
            values = np.insert(older, before, 0)
            values[codes] += later
            return values

        first_blocks = np.insert(self.first_blocks, before, newer.first_blocks[fresh])
        newest = {}
        for name in ("last_positions", "last_times", "last_hashes"):
            later = getattr(newer, name)
            newest[name] = np.insert(getattr(self, name), before, later[fresh])
            newest[name][codes] = later
        return Ledger(
            packed=packed,
            received=received,
            sent=sent,
            received_counts=added(self.received_counts, newer.received_counts),
            sent_counts=added(self.sent_counts, newer.sent_counts),
            self_counts=added(self.self_counts, newer.self_counts),
            first_blocks=first_blocks,
            **newest,
        )

    def __len__(self) -> int:
        return int(self.packed.size)

    def net(self, code: int) -> int:
        """Received - sent; the sum over all addresses, the zero address included, is 0."""
        return self.received[code] - self.sent[code]

    def code(self, address: str) -> int:
        """Return the code of an address, or -1 when it is in no transfer."""
        return find_packed(self.packed, address)

    def address(self, code: int) -> Address:
        """Return the address of a code."""
        return unpack_one(self.packed[code])

    def transfer_count(self, code: int) -> int:
        """Transfers that an address took part in."""
        both = self.received_counts[code] + self.sent_counts[code]
        return int(both - self.self_counts[code])

    @cached_property
    def addresses(self) -> list[Address]:
        """All addresses as text, by code."""
        return unpack_addresses(self.packed)

    @cached_property
    def nets(self) -> list[int]:
        """What each address received less what it sent."""
        return list(map(sub, self.received, self.sent))

    @cached_property
    def has_debts(self) -> bool:
        """Somebody other than the zero address sent more than it ever received."""
        zero = self.code(ZERO_ADDRESS)
        return any(net < 0 for net in [*self.nets[: max(zero, 0)], *self.nets[zero + 1 :]])


def _first_and_last(table: TransferTable, count: int) -> tuple[IntArray, IntArray]:
    """First and last row of each address; an assignment of several rows keeps the last of them."""
    ends = np.stack([table.senders, table.recipients], axis=1).ravel()
    rows = np.repeat(np.arange(len(table)), 2)
    first, last = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    first[ends[::-1]] = rows[::-1]
    last[ends] = rows
    return first, last


def _spread(values: list[int], before: IntArray) -> list[int]:
    """The values with zeros put in front of the given places, which ascend."""
    parts: list[int] = []
    start = 0
    for place in before.tolist():
        parts += values[start:place]
        parts.append(0)
        start = place
    return parts + values[start:]
