"""Segments of a token's history, as MongoDB keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from token_worker.analysis.exact import LimbArray
from token_worker.analysis.packed import ADDRESS_BYTES
from token_worker.analysis.table import TransferTable

SEGMENT_TRANSFERS = 25_000
"""Most transfers of a segment: 3 MB at up to 130 bytes each, as every run rewrites the last one."""
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
class Outline:
    """A segment without its transfers.

    Attributes:
        sequence: Place in the history, from 0.
        version: Counts the writes of this segment.
        previous: Where the segment before ends; None for the first one.
        checkpoints: Ascending; the last one is where this segment ends.
        unread_logs: Transfer events among them that are none of a fungible token.
        transfers: How many there are.
        last_time: Unix seconds of the newest one; None without any.
    """

    sequence: int
    version: int
    previous: Checkpoint | None
    checkpoints: tuple[Checkpoint, ...]
    unread_logs: int
    transfers: int
    last_time: int | None

    @property
    def end(self) -> Checkpoint:
        """Where this segment ends."""
        return self.checkpoints[-1]


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

    @property
    def outline(self) -> Outline:
        """This segment without its transfers."""
        return Outline(
            self.sequence,
            self.version,
            self.previous,
            self.checkpoints,
            self.unread_logs,
            len(self.table),
            int(self.table.timestamps[-1]) if len(self.table) else None,
        )

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
        "transfers": segment.outline.transfers,
        "lastTime": segment.outline.last_time,
        **pack_table(table),
    }


def pack_table(table: TransferTable) -> dict[str, bytes]:
    """Return the columns of a table as bytes."""
    return {
        "addresses": table.packed.tobytes(),
        "hashes": table.hashes.tobytes(),
        "limbs": table.limbs.astype("<u4").tobytes(),
        **{name: getattr(table, name).astype("<u4").tobytes() for name in _WHOLE_NUMBERS},
    }


def unpack_table(document: Mapping[str, Any]) -> TransferTable:
    """Return the table of `pack_table`."""
    columns = {
        name: np.frombuffer(document[name], dtype="<u4").astype(np.int64) for name in _WHOLE_NUMBERS
    }
    return TransferTable(
        packed=np.frombuffer(document["addresses"], dtype=f"S{ADDRESS_BYTES}"),
        hashes=np.frombuffer(document["hashes"], dtype="V32"),
        limbs=unpack_limbs(document["limbs"], columns["senders"].size),
        **columns,
    )


def unpack_limbs(data: bytes, count: int) -> LimbArray:
    """Return so many amounts of `to_limbs` from their bytes."""
    limbs = np.frombuffer(data, dtype="<u4")
    return limbs.reshape(count, limbs.size // count if count else 1)


OUTLINE_FIELDS = (
    "sequence",
    "version",
    "previous",
    "checkpoints",
    "unreadLogs",
    "transfers",
    "lastTime",
)
"""What `unpack_outline` needs of a document."""


def unpack_outline(document: Mapping[str, Any]) -> Outline:
    """Return the outline of a segment's document."""
    previous = document["previous"]
    return Outline(
        sequence=document["sequence"],
        version=document["version"],
        previous=None if previous is None else _unpack_checkpoint(previous),
        checkpoints=tuple(map(_unpack_checkpoint, document["checkpoints"])),
        unread_logs=document["unreadLogs"],
        transfers=document["transfers"],
        last_time=document["lastTime"],
    )


def unpack(document: Mapping[str, Any]) -> Segment:
    """Return the segment of a document."""
    outline = unpack_outline(document)
    return Segment(
        sequence=outline.sequence,
        version=outline.version,
        previous=outline.previous,
        checkpoints=outline.checkpoints,
        table=unpack_table(document),
        unread_logs=outline.unread_logs,
    )


def _pack_checkpoint(checkpoint: Checkpoint) -> list[Any]:
    return [checkpoint.number, checkpoint.hash]


def _unpack_checkpoint(packed: list[Any]) -> Checkpoint:
    return Checkpoint(*packed)
