"""Block headers: the block a run is pinned to, and times of blocks."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from common.chain.block_times import BlockTimes
from common.chain.chains import confirmations
from common.chain.endpoint import Endpoint
from common.chain.errors import (
    BlockNotFinal,
    ChainError,
    InvalidRequest,
    MissingState,
    ReorgDetected,
    UnsupportedTag,
)
from common.chain.kept import Kept
from common.chain.parsing import parse_block
from common.chain.requests import Request, block_request
from common.chain.rpc import RpcClient
from common.chain.types import Block

VOTERS = 2
VOTE_SECONDS = 2.0


async def fetch_final_block(rpc: RpcClient, chain_id: int) -> tuple[Block, Endpoint]:
    """Reads the newest block that counts as final, and says which endpoint served it.

    Raises:
        ChainError: The chain could not be read.
    """
    try:
        return await _fetch_located(rpc, _tag_request("finalized"))
    except (UnsupportedTag, InvalidRequest, MissingState):
        depth = confirmations(chain_id)
    latest = await rpc.call(_tag_request("latest"))
    return await _fetch_located(
        rpc, block_request(max(0, latest.number - depth), tag=f"latest-{depth}")
    )


async def agree_on_block(
    rpc: RpcClient, block: Block, served_by: Endpoint
) -> tuple[Block, Endpoint]:
    """Compares a block with what up to two other endpoints have at its number.

    Endpoints that are resting, silent, slow or behind have no vote. With one vote against ours
    nobody can say who is right; with two against ours, theirs counts.

    Raises:
        ReorgDetected: Two endpoints disagree.
    """

    async def vote(endpoint: Endpoint) -> Block | None:
        try:
            async with asyncio.timeout(VOTE_SECONDS):
                return await rpc.send_checked(endpoint, block_request(block.number, block.tag))
        except (ChainError, TimeoutError):
            return None

    others = rpc.endpoints.others(served_by, VOTERS)
    votes = await asyncio.gather(*(vote(endpoint) for endpoint in others))
    given = [(each, of) for each, of in zip(votes, others, strict=True) if each is not None]
    if not given or any(each.hash == block.hash for each, _ in given):
        return block, served_by
    theirs, endpoint = given[0]
    if len(given) > 1 and all(each.hash == theirs.hash for each, _ in given):
        return theirs, endpoint
    raise ReorgDetected(
        f"block {block.number} is {block.hash} at {served_by.label} and {theirs.hash} at"
        f" {endpoint.label}: one of them follows another chain"
    )


async def fetch_block_at(rpc: RpcClient, number: int, newest: Block) -> tuple[Block, Endpoint]:
    """Reads the block with that number, which must not be above `newest`.

    Raises:
        BlockNotFinal: It is.
        ChainError: The chain could not be read.
    """
    if number > newest.number:
        raise BlockNotFinal(
            f"block {number} is not final yet: the newest final block is {newest.number}; "
            "ask for that or an earlier one, or leave the block out"
        )
    return await _fetch_located(rpc, block_request(number))


async def fetch_timestamps(
    rpc: RpcClient, times: BlockTimes, numbers: Collection[int], kept: Kept
) -> dict[int, int]:
    """Reads the unix time of each block that is known neither here nor to earlier runs.

    Raises:
        ChainError: A block could not be read.
    """
    found = times.find(numbers)
    earlier = await kept.find_timestamps(set(numbers) - found.keys())
    times.add(earlier, are_kept=True)
    found |= earlier
    missing = sorted(set(numbers) - found.keys())
    answers = await rpc.call_batch([block_request(number) for number in missing])
    read: dict[int, int] = {}
    for number, answer in zip(missing, answers, strict=True):
        if isinstance(answer, ChainError):
            raise answer
        read[number] = answer.timestamp
    times.add(read)
    await kept.keep_timestamps(times.take_unkept(numbers))
    return found | read


async def fetch_headers(rpc: RpcClient, numbers: Sequence[int]) -> list[Block | None]:
    """Reads headers; None for a block that the endpoint does not have.

    Raises:
        ChainError: A block could not be read.
    """

    def parse(number: int) -> Callable[[Any], Block | None]:
        known = parse_block("number", number)
        return lambda answer: None if answer is None else known(answer)

    answers = await rpc.call_batch(
        [Request("eth_getBlockByNumber", (hex(number), False), parse(number)) for number in numbers]
    )
    headers: list[Block | None] = []
    for answer in answers:
        if isinstance(answer, ChainError):
            raise answer
        headers.append(answer)
    return headers


async def confirm_block(rpc: RpcClient, pinned: Block) -> None:
    """Checks that a block is still part of the chain.

    Raises:
        ReorgDetected: Another one has its number now.
        ChainError: The chain could not be read.
    """
    current = await rpc.call(block_request(pinned.number))
    if current.hash != pinned.hash:
        raise ReorgDetected(
            f"block {pinned.number} was {pinned.hash} when this run began and is"
            f" {current.hash} now: all that was read is void"
        )


async def _fetch_located(rpc: RpcClient, request: Request[Block]) -> tuple[Block, Endpoint]:
    async def send(endpoint: Endpoint) -> tuple[Block, Endpoint]:
        return await rpc.send(endpoint, request), endpoint

    return await rpc.run(send)


def _tag_request(tag: str) -> Request[Block]:
    parse = parse_block(tag)

    def parse_known(answer: Any) -> Block:
        if answer is None:
            raise UnsupportedTag(f"there is no {tag} block")
        return parse(answer)

    return Request("eth_getBlockByNumber", (tag, False), parse_known)
