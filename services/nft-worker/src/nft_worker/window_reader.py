"""Reads the transfer logs of the window that a job asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.actions.analyze_nft_movements import NftMovementOptions
from common.chain.client import PinnedChain
from common.chain.errors import BlockNotFinal
from common.chain.punks import MOVED
from common.chain.transfers import (
    CONSECUTIVE_TRANSFER,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
)
from common.chain.types import Log, LogFilter
from common.results.envelope import Reason
from nft_worker.models import Collection

DAY_SECONDS = 86_400
PROBES = 16
"""Blocks asked for at once when a moment is searched: few rounds, small batches."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a window reaches.

    Attributes:
        first_block: First block of the window.
        last_block: Last block of the window.
        truncated: Older transfers exist and were not read.
        reaches_origin: It holds every transfer of every token up to `last_block`.
        gaps: What was asked for and left out.
    """

    first_block: int
    last_block: int
    truncated: bool
    reaches_origin: bool
    gaps: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowLogs:
    """Transfer logs of a window, in the order of the chain."""

    logs: tuple[Log, ...]
    extent: Extent


async def fetch_window_logs(
    pinned: PinnedChain, collection: Collection, options: NftMovementOptions
) -> WindowLogs:
    """Read the window's logs, at most about `transferLimit` of the newest.

    Raises:
        BlockNotFinal: The window ends above the pinned block.
        ChainError: The chain could not be read.
    """
    last = pinned.block.number if options.to_block is None else options.to_block
    if last > pinned.block.number:
        raise BlockNotFinal(
            f"toBlock {last} is above block {pinned.block.number}, the newest final one"
        )
    first = await fetch_first_block(pinned, options, last)
    if first is None:
        return await _fetch_newest(pinned, _filters(collection, options.token_ids), options)
    return await _fetch_range(pinned, collection, first, last, options)


async def fetch_first_block(
    pinned: PinnedChain, options: NftMovementOptions, last: int
) -> int | None:
    """Return the first block that a job asks for; None where it asks for the newest transfers."""
    if options.days is None:
        return options.from_block
    end = (await pinned.fetch_timestamps([last]))[last]
    return await fetch_first_block_since(pinned, end - options.days * DAY_SECONDS, last)


async def fetch_transfer_logs(
    pinned: PinnedChain,
    collection: Collection,
    token_ids: Sequence[str] | None,
    first: int,
    last: int,
) -> list[Log]:
    """Read all transfer logs of a range of blocks, in the order of the chain.

    They are not kept as they are: the movement index keeps them decoded.
    """
    logs = [
        log
        for wanted in _filters(collection, token_ids)
        for log in await pinned.fetch_logs(wanted, first, last, keep=False)
    ]
    return sorted(logs, key=lambda log: (log.block_number, log.log_index))


def _filters(collection: Collection, token_ids: Sequence[str] | None) -> list[LogFilter]:
    """Return the filters of a window; ids that no topic carries are sorted out after decoding."""
    emitter = (collection.address,)
    if collection.standard == "cryptopunks":
        return [LogFilter(emitter, ((*MOVED, TRANSFER),))]
    if token_ids is None or collection.standard == "erc1155":
        events = (TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH, CONSECUTIVE_TRANSFER)
        return [LogFilter(emitter, (events,))]
    ids = tuple(f"0x{int(token_id):064x}" for token_id in token_ids)
    return [
        LogFilter(emitter, (TRANSFER, None, None, ids)),
        LogFilter(emitter, (CONSECUTIVE_TRANSFER,)),
    ]


async def _fetch_newest(
    pinned: PinnedChain, filters: Sequence[LogFilter], options: NftMovementOptions
) -> WindowLogs:
    newest = await pinned.fetch_newest_logs(filters[0], options.transfer_limit, keep=False)
    logs = list(newest.logs)
    for wanted in filters[1:]:
        logs += await pinned.fetch_logs(wanted, newest.from_block, keep=False)
    logs.sort(key=lambda log: (log.block_number, log.log_index))
    extent = Extent(
        first_block=newest.from_block,
        last_block=pinned.block.number,
        truncated=newest.truncated,
        reaches_origin=not newest.truncated and options.token_ids is None,
    )
    return WindowLogs(tuple(logs), extent)


async def _fetch_range(
    pinned: PinnedChain,
    collection: Collection,
    first: int,
    last: int,
    options: NftMovementOptions,
) -> WindowLogs:
    logs = await fetch_transfer_logs(pinned, collection, options.token_ids, first, last)
    extent = extent_of_range(
        [(log.block_number, log.transaction_hash, 1) for log in reversed(logs)],
        options.transfer_limit,
        first,
        last,
        is_whole=first == 0 and options.token_ids is None,
    )
    return WindowLogs(tuple(log for log in logs if log.block_number >= extent.first_block), extent)


Place = tuple[int, str, int]
"""Block and transaction hash, and the number of transfer logs there."""


def newest_whole_blocks(places: Iterable[Place], limit: int) -> tuple[int | None, int]:
    """Return from which block on there are `limit` logs, and how many there are then.

    Args:
        places: Newest first.
        limit: At least 1.

    Returns:
        None for the block where there are no more than `limit` logs, or none in older blocks.
    """
    start: int | None = None
    held = total = 0
    for block, _, logs in places:
        total += logs
        if start is None or block == start:
            held += logs
            if held >= limit:
                start = block
    return (start, held) if held < total else (None, total)


def extent_of_range(
    places: Iterable[Place], limit: int, first: int, last: int, *, is_whole: bool
) -> Extent:
    """Return the extent of a window from `first` to `last`, cut to the newest `limit` logs.

    Args:
        places: Of the window, newest first.
        limit: At least 1; rounded up to whole blocks.
        first: First block asked for.
        last: Last block.
        is_whole: Nothing moved before `first`.
    """
    start, held = newest_whole_blocks(places, limit)
    if start is None:
        return Extent(first, last, truncated=False, reaches_origin=is_whole)
    gap = Reason(
        code="transfer_limit",
        detail=(
            f"the window holds more than the newest {held} transfer events, which were analysed. "
            "Raise transferLimit to analyse more"
        ),
    )
    return Extent(start, last, truncated=True, reaches_origin=False, gaps=(gap,))


def extent_of_newest(places: Iterable[Place], limit: int, covered: Extent) -> Extent:
    """Return the extent of the newest `limit` logs.

    Args:
        places: All that are kept, newest first.
        limit: At least 1; rounded up to whole blocks.
        covered: What is kept.
    """
    start, _ = newest_whole_blocks(places, limit)
    if start is None:
        return covered
    return Extent(start, covered.last_block, truncated=True, reaches_origin=False)


async def fetch_first_block_since(pinned: PinnedChain, seconds: float, last: int) -> int:
    """Find the first block at or after a moment, by narrowing down with block times.

    Args:
        pinned: The chain.
        seconds: The moment in Unix seconds.
        last: A block that is not before the moment.

    Raises:
        ChainError: The chain could not be read.
    """
    low, high = 0, last  # the block is in low..high
    while low < high:
        probes = sorted({low + (high - low) * step // PROBES for step in range(PROBES)})
        times = await pinned.fetch_timestamps(probes)
        late = [number for number in probes if times[number] >= seconds]
        early = [number for number in probes if times[number] < seconds]
        high = min(late, default=high)
        low = max(early, default=low - 1) + 1
    return high
