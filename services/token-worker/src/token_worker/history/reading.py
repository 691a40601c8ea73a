"""Brings a token's history up to the pinned block: verifies what is kept, reads new blocks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pymongo.asynchronous.database import AsyncDatabase

from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.parsing import parse_data
from common.chain.requests import Request, block_request
from common.chain.transfers import decode_transfers
from common.chain.types import Address, LogFilter
from common.errors import PayloadError
from token_worker.analysis.digest import Digest
from token_worker.analysis.table import TransferTable
from token_worker.history.digests import DigestStore
from token_worker.history.segments import SEGMENT_TRANSFERS, Checkpoint, Outline, Segment
from token_worker.history.store import HistoryStore
from token_worker.wraps import with_wraps

HISTORY_CAP = 5_000_000
"""Transfers that one worker can hold and analyse in about 2 GB."""
PIECE_TRANSFERS = 12_500
FIRST_RANGE_BLOCKS = 2_000
MAX_RANGE_BLOCKS = 200_000
RANGE_LOGS = 20_000
"""A range of blocks grows until it holds about so many transfers: they are in memory as logs."""


@dataclass(frozen=True)
class History:
    """The transfers of a token up to the pinned block.

    Attributes:
        table: All of them, or beside `past` those that matter and the newest ones.
        unread_logs: Transfer events among them that are none of a fungible token.
        past: What is known of the transfers before `new_from`; its rows are rows of `table`.
        new_from: Row from which on transfers are in no digest.
        is_newest: Nothing newer is kept.
    """

    table: TransferTable
    unread_logs: int
    past: Digest | None = None
    new_from: int = 0
    is_newest: bool = True


async def read_history(
    pinned: PinnedChain,
    wanted: LogFilter,
    database: AsyncDatabase[dict[str, Any]],
    report_progress: Callable[[str], Awaitable[None]],
    digests: DigestStore | None = None,
    total_supply: int | None = None,
) -> History:
    """Return all transfers up to the pinned block, reading only blocks not read before.

    What is kept is trusted up to its newest checkpoint that is still part of the chain. A run at
    an older block than the newest one read uses what is kept and leaves it as it is.

    Args:
        pinned: The chain at one block.
        wanted: The events by which one token moves, see `movements_filter`.
        database: Where histories are kept.
        report_progress: Tells what happens now.
        digests: Where to find what is known of old transfers; without it all of them are read.
        total_supply: At the pinned block, raw; a digest made for a far larger one does not serve.

    Raises:
        PayloadError: The token has more transfers than one worker can analyse.
        HistoryChangedError: Another run changed what is kept meanwhile.
        ChainError: The chain could not be read.
    """
    [token] = wanted.addresses
    store = HistoryStore(database, pinned.chain_id, token)
    await store.create_indexes()
    known = await store.find_outlines()
    older, segments = await _still_on_chain(pinned, store, known)
    is_newest = not known or known[-1].end.number <= pinned.block.number
    if is_newest and len(older) + len(segments) < len(known):
        await store.delete_from(len(older) + len(segments))
    first = segments[-1].end.number + 1 if segments else await _birth_block(pinned, token)
    writing = is_newest
    blocks = FIRST_RANGE_BLOCKS
    while first <= pinned.block.number:
        last = min(first + blocks - 1, pinned.block.number)
        await report_progress(f"reading transfers of blocks {first} to {last}")
        table, unread_logs = await _read_range(pinned, wanted, first, last)
        if _count(older, segments) + len(table) > HISTORY_CAP:
            raise PayloadError(
                f"{token} has more than {HISTORY_CAP:,} transfers, the most that fullHistory can "
                "analyse: use transactionLimit instead"
            )
        for piece, end_block in _pieces(table, last):
            end = await _checkpoint(pinned, end_block)
            unread_of_piece = unread_logs if end_block == last else 0
            segments = _appended(len(older), segments, piece, unread_of_piece, end)
            full = len(segments[-1].table) + PIECE_TRANSFERS > SEGMENT_TRANSFERS
            if writing and (full or end_block == pinned.block.number):
                await pinned.confirm()  # what was read and the checkpoint's hash are of one chain
                writing = await store.write(segments[-1])
                segments[-1] = replace(segments[-1], version=segments[-1].version + 1)
        blocks = _next_blocks(blocks, len(table))
        first = last + 1
    unread = sum(each.unread_logs for each in older)
    unread += sum(each.unread_logs for each in segments)
    past = await _find_digest(pinned, digests, total_supply)
    if past:
        older = [each for each in older if (each.last_time or 0) >= past.whole_from]
    tables = [each.table for each in (*await store.load(older), *segments)]
    table = await asyncio.to_thread(TransferTable.join, tables)
    if past is None:
        return History(table, unread, is_newest=is_newest)
    past = await asyncio.to_thread(past.joined_to, table)
    return History(past.kept, unread, past, past.first_new_row(), is_newest)


async def _find_digest(
    pinned: PinnedChain, digests: DigestStore | None, total_supply: int | None
) -> Digest | None:
    """The newest digest of a block that is still part of the chain, if it serves."""
    if digests is None:
        return None
    await digests.create_indexes()
    async for digest_id, block in digests.find(pinned.block.number):
        if await _checkpoint(pinned, block.number) == block:
            digest = await digests.load(digest_id)
            if digest is not None and (total_supply or 0) >= digest.supply_floor:
                return digest
    return None


async def _still_on_chain(
    pinned: PinnedChain, store: HistoryStore, known: list[Outline]
) -> tuple[list[Outline], list[Segment]]:
    """What of the kept history is part of the chain at the pinned block.

    Returns:
        Outlines of all segments but the last one, and that one, with its transfers; two empty
        lists where nothing is.
    """
    older = list(known)
    while older:
        outline = older.pop()
        candidates = [each for each in outline.checkpoints if each.number <= pinned.block.number]
        for candidate in reversed(candidates):
            if await _checkpoint(pinned, candidate.number) == candidate:
                [segment] = await store.load([outline])
                return older, [segment.cut(candidate)]
    return [], []


def _count(older: list[Outline], segments: list[Segment]) -> int:
    return sum(each.transfers for each in older) + sum(len(each.table) for each in segments)


def _pieces(table: TransferTable, last: int) -> Iterator[tuple[TransferTable, int]]:
    """The rows of a range in pieces that fit a document, each with the block it ends at.

    A piece ends with a block; it holds more than planned only where one block does.
    """
    start = 0
    while len(table) - start > PIECE_TRANSFERS:
        block = int(table.block_numbers[start + PIECE_TRANSFERS])
        end = int(np.searchsorted(table.block_numbers, block))
        if end == start:
            block += 1
            end = int(np.searchsorted(table.block_numbers, block))
        if block > last:
            break
        yield table.part(start, end), block - 1
        start = end
    yield table.part(start, len(table)), last


def _appended(
    older: int, segments: list[Segment], table: TransferTable, unread_logs: int, end: Checkpoint
) -> list[Segment]:
    if segments and len(segments[-1].table) + len(table) <= SEGMENT_TRANSFERS:
        return [*segments[:-1], segments[-1].extended(table, unread_logs, end)]
    previous = segments[-1].end if segments else None
    return [*segments, Segment(older + len(segments), 0, previous, (end,), table, unread_logs)]


async def _read_range(
    pinned: PinnedChain, wanted: LogFilter, first: int, last: int
) -> tuple[TransferTable, int]:
    logs = await pinned.fetch_logs(wanted, first, last, keep=False)  # as columns they are kept here
    decoded = await asyncio.to_thread(decode_transfers, logs)
    transfers = with_wraps(decoded)
    times = await pinned.fetch_timestamps({each.block_number for each in transfers})
    table = await asyncio.to_thread(TransferTable.from_transfers, transfers, times)
    return table, decoded.undecodable + len(decoded.nft)


async def _birth_block(pinned: PinnedChain, token: Address) -> int:
    """The first block at which the token has code; 0 where the node has no states that old."""
    unborn, born = -1, pinned.block.number
    while born - unborn > 1:
        middle = (unborn + born) // 2
        request = Request("eth_getCode", (token, hex(middle)), parse_data)
        [code] = await pinned.call_batch([request])
        if isinstance(code, ChainError):
            return 0
        if code == "0x":
            unborn = middle
        else:
            born = middle
    return born


async def _checkpoint(pinned: PinnedChain, number: int) -> Checkpoint:
    if number == pinned.block.number:
        return Checkpoint(number, pinned.block.hash)
    [block] = await pinned.call_batch([block_request(number)])
    if isinstance(block, ChainError):
        raise block
    return Checkpoint(number, block.hash)


def _next_blocks(blocks: int, transfers: int) -> int:
    """Blocks of the next range: four times as many at most, as many as promise enough transfers."""
    promising = blocks * RANGE_LOGS // max(1, transfers)
    return int(np.clip(promising, max(1, blocks // 8), min(blocks * 4, MAX_RANGE_BLOCKS)))
