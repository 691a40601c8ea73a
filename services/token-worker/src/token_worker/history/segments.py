"""Segments of a token's history, as MongoDB keeps them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from common.chain.types import Address
from token_worker.analysis.table import TransferTable

SEGMENT_TRANSFERS = 100_000
"""Most transfers of a segment: at up to 130 bytes each they stay below the 16 MB of a document."""
CHECKPOINTS_KEPT = 32

_WHOLE_NUMBERS = (
    "senders",
    "recipients",
    "timestamps",
    "block_numbers",
    "transaction_indexes",
    "log_indexes",
)


@dataclass(frozen=True)
class Checkpoint:
    """A block up to which everything has been read, and its hash at that time."""

    number: int
    hash: str


@dataclass(frozen=True)
class Segment:
    """The transfers of consecutive blocks.

    Attributes:
        sequence: Place in the history, from 0.
        version: Counts the writes of this segment.
        previous: Where the segment before ends; None for the first one.
        checkpoints: Ascending; the last one is where this segment ends.
        table: The transfers.
        unread_logs: Transfer events among them that are none of a fungible token.
    """

    sequence: int
    version: int
    previous: Checkpoint | None
    checkpoints: tuple[Checkpoint, ...]
    table: TransferTable
    unread_logs: int

    @property
    def end(self) -> Checkpoint:
        """Where this segment ends."""
        return self.checkpoints[-1]

    def cut(self, checkpoint: Checkpoint) -> "Segment":
        """Return this segment as it was at one of its checkpoints.

        Transfer events that could not be read are not kept one by one: their number stays.
        """
        kept = tuple(each for each in self.checkpoints if each.number <= checkpoint.number)
        table = self.table.until(checkpoint.number)
        return Segment(self.sequence, self.version, self.previous, kept, table, self.unread_logs)

    def extended(self, table: TransferTable, unread_logs: int, end: Checkpoint) -> "Segment":
        """Return this segment with the transfers of the blocks that follow it."""
        return Segment(
            self.sequence,
            self.version,
            self.previous,
            (*self.checkpoints, end)[-CHECKPOINTS_KEPT:],
            TransferTable.join([self.table, table]),
            self.unread_logs + unread_logs,
        )


def pack(segment: Segment) -> dict[str, Any]:
    """Return the fields of a segment's document."""
    table = segment.table
    return {
        "sequence": segment.sequence,
        "version": segment.version,
        "previous": None if segment.previous is None else _pack_checkpoint(segment.previous),
        "checkpoints": [_pack_checkpoint(each) for each in segment.checkpoints],
        "unreadLogs": segment.unread_logs,
        "addresses": bytes.fromhex("".join(address[2:] for address in table.addresses)),
        "hashes": table.hashes.tobytes(),
        "limbs": table.limbs.astype("<u4").tobytes(),
        **{name: getattr(table, name).astype("<u4").tobytes() for name in _WHOLE_NUMBERS},
    }


def unpack(document: dict[str, Any]) -> Segment:
    """Return the segment of a document."""
    columns = {
        name: np.frombuffer(document[name], dtype="<u4").astype(np.int64) for name in _WHOLE_NUMBERS
    }
    count = columns["senders"].size
    digits = document["addresses"].hex()
    limbs = np.frombuffer(document["limbs"], dtype="<u4")
    previous = document["previous"]
    return Segment(
        sequence=document["sequence"],
        version=document["version"],
        previous=None if previous is None else _unpack_checkpoint(previous),
        checkpoints=tuple(map(_unpack_checkpoint, document["checkpoints"])),
        table=TransferTable(
            addresses=tuple(
                Address("0x" + digits[start : start + 40]) for start in range(0, len(digits), 40)
            ),
            hashes=np.frombuffer(document["hashes"], dtype="V32"),
            limbs=limbs.reshape(count, limbs.size // count if count else 1),
            **columns,
        ),
        unread_logs=document["unreadLogs"],
    )


def _pack_checkpoint(checkpoint: Checkpoint) -> list[Any]:
    return [checkpoint.number, checkpoint.hash]


def _unpack_checkpoint(packed: list[Any]) -> Checkpoint:
    return Checkpoint(*packed)
