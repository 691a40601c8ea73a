"""Reads the transfer logs of the window that a job asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.actions.analyze_nft_movements import NftMovementOptions
from common.chain.client import PinnedChain
from common.chain.errors import BlockNotFinal
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
class WindowLogs:
    """Transfer logs of the window.

    Attributes:
        logs: In the order of the chain.
        first_block: First block of the window.
        last_block: Last block of the window.
        truncated: Older transfers exist and were not read.
        reaches_origin: Every transfer of every token up to `last_block` is here.
        gaps: What was asked for and left out.
    """

    logs: tuple[Log, ...]
    first_block: int
    last_block: int
    truncated: bool
    reaches_origin: bool
    gaps: tuple[Reason, ...]


async def fetch_window_logs(
    pinned: PinnedChain, collection: Collection, options: NftMovementOptions
) -> WindowLogs:
    """Read the window's logs, at most about `transferLimit` of the newest.

    Raises:
        BlockNotFinal: The window ends above the pinned block.
        ChainError: The chain could not be read.
    """
    filters = _filters(collection, options.token_ids)
    last = pinned.block.number if options.to_block is None else options.to_block
    if last > pinned.block.number:
        raise BlockNotFinal(
            f"toBlock {last} is above block {pinned.block.number}, the newest final one"
        )
    first = options.from_block
    if options.days is not None:
        end = (await pinned.fetch_timestamps([last]))[last]
        first = await fetch_first_block_since(pinned, end - options.days * DAY_SECONDS, last)
    if first is None:
        return await _fetch_newest(pinned, filters, options)
    return await _fetch_range(pinned, filters, first, last, options)


def _filters(collection: Collection, token_ids: Sequence[str] | None) -> list[LogFilter]:
    """Return the filters of a window; ids that no topic carries are sorted out after decoding."""
    emitter = (collection.address,)
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
    newest = await pinned.fetch_newest_logs(filters[0], options.transfer_limit)
    logs = list(newest.logs)
    for wanted in filters[1:]:
        logs += await pinned.fetch_logs(wanted, newest.from_block)
    return WindowLogs(
        logs=tuple(logs),
        first_block=newest.from_block,
        last_block=pinned.block.number,
        truncated=newest.truncated,
        reaches_origin=not newest.truncated and options.token_ids is None,
        gaps=(),
    )


async def _fetch_range(
    pinned: PinnedChain,
    filters: Sequence[LogFilter],
    first: int,
    last: int,
    options: NftMovementOptions,
) -> WindowLogs:
    logs = [log for wanted in filters for log in await pinned.fetch_logs(wanted, first, last)]
    logs.sort(key=lambda log: (log.block_number, log.log_index))
    kept = newest_whole_blocks(logs, options.transfer_limit)
    truncated = len(kept) < len(logs)
    gap = Reason(
        code="transfer_limit",
        detail=(
            f"the window holds {len(logs)} transfer events; the newest {len(kept)} were analysed. "
            "Raise transferLimit to analyse more"
        ),
    )
    return WindowLogs(
        logs=tuple(kept),
        first_block=kept[0].block_number if truncated else first,
        last_block=last,
        truncated=truncated,
        reaches_origin=first == 0 and not truncated and options.token_ids is None,
        gaps=(gap,) if truncated else (),
    )


def newest_whole_blocks(logs: Sequence[Log], limit: int) -> Sequence[Log]:
    """Return the newest logs, at least `limit` if there are so many, and no block in part.

    Args:
        logs: In the order of the chain.
        limit: At least 1.
    """
    if len(logs) <= limit:
        return logs
    oldest_block = logs[-limit].block_number
    start = len(logs) - limit
    while start > 0 and logs[start - 1].block_number == oldest_block:
        start -= 1
    return logs[start:]


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
