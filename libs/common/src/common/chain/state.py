"""Many contract calls at one block: Multicall3 where it is genuine, JSON-RPC batches elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_hash.auto import keccak

from common.chain.abi import aggregate3, decode_aggregate3
from common.chain.chains import multicall3_address
from common.chain.concurrency import run_all
from common.chain.errors import (
    CallReverted,
    ChainError,
    InvalidAnswer,
    InvalidRequest,
    LimitExceeded,
    ResultTooLarge,
)
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.types import Block, Call, CallResult

MULTICALL3_CODE_HASH = bytes.fromhex(
    "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"
)
"""keccak-256 of the published runtime code: some chains have other code at that address."""
LARGEST_BATCH = 300
CHUNKS_AT_ONCE = 4
"""aggregate3 calls in one HTTP request."""

_TOO_MUCH = (CallReverted, InvalidRequest, LimitExceeded, ResultTooLarge)
_NO_ANSWER = CallResult(success=False, data="0x")


@dataclass(slots=True)
class MulticallMemory:
    """What is known about Multicall3 on one chain, shared by its runs.

    Attributes:
        genuine_from: Lowest final block at which its code was seen to be genuine.
        absent_until: Highest final block at which there was none, or other code in its place.
        batch_size: Calls that fit into one aggregate3, as far as learnt.
    """

    genuine_from: int | None = None
    absent_until: int = -1
    batch_size: int = LARGEST_BATCH

    def learn(self, asked: int, largest_served: int) -> None:
        """Keeps the largest size that was served of batches of `asked`, or tries a tenth more.

        One call too many for any batch does not make the others small: halves without it are
        served.
        """
        if largest_served < asked:
            self.batch_size = largest_served
        elif asked == self.batch_size:
            self.batch_size = min(LARGEST_BATCH, asked + asked // 10 + 1)


async def call_many(
    rpc: RpcClient, block: Block, calls: Sequence[Call], memory: MulticallMemory
) -> list[CallResult]:
    """Answers of all calls at a block, in their order.

    Raises:
        ChainError: The chain could not be read. A call that reverts is no error.
    """
    if len(calls) < 2 or not await _is_genuine(rpc, block, memory):
        return await _call_directly(rpc, block, calls)
    size = memory.batch_size
    chunks = [calls[start : start + size] for start in range(0, len(calls), size)]
    served: list[int] = []
    together = [chunks[i : i + CHUNKS_AT_ONCE] for i in range(0, len(chunks), CHUNKS_AT_ONCE)]
    groups = await run_all(_call_chunks(rpc, block, each, served) for each in together)
    answered = [chunk for group in groups for chunk in group]
    memory.learn(len(chunks[0]), max(served, default=1))
    results = [result for chunk in answered for result in chunk]
    # A call that burns all gas of its batch makes the next ones fail without a word.
    silent = [index for index, result in enumerate(results) if result == _NO_ANSWER]
    again = await _call_directly(rpc, block, [calls[index] for index in silent])
    for index, result in zip(silent, again, strict=True):
        results[index] = result
    return results


async def _is_genuine(rpc: RpcClient, block: Block, memory: MulticallMemory) -> bool:
    if memory.genuine_from is not None and block.number >= memory.genuine_from:
        return True
    if block.number <= memory.absent_until:
        return False
    address = multicall3_address(rpc.endpoints.chain_id)
    code = await rpc.call(Request("eth_getCode", (address, block), parse_data))
    if keccak(bytes.fromhex(code[2:])) != MULTICALL3_CODE_HASH:
        memory.absent_until = block.number
        return False
    memory.genuine_from = block.number
    return True


async def _call_chunks(
    rpc: RpcClient, block: Block, chunks: Sequence[Sequence[Call]], served: list[int]
) -> list[list[CallResult]]:
    """Several aggregate3 in one request; what is too much for the node is asked for in parts."""
    if len(chunks) == 1:
        return [await _call_chunk(rpc, block, chunks[0], served)]
    requests = [_chunk_request(rpc, block, chunk) for chunk in chunks]
    answers: list[list[CallResult] | ChainError]
    try:
        answers = await rpc.call_batch(requests, is_divisible=True)
    except _TOO_MUCH:
        return await run_all(_call_chunk(rpc, block, chunk, served) for chunk in chunks)
    results = []
    for chunk, answer in zip(chunks, answers, strict=True):
        if isinstance(answer, _TOO_MUCH):
            results.append(await _call_halves(rpc, block, chunk, served))
        elif isinstance(answer, ChainError):
            raise answer
        else:
            served.append(len(chunk))
            results.append(answer)
    return results


async def _call_chunk(
    rpc: RpcClient, block: Block, calls: Sequence[Call], served: list[int]
) -> list[CallResult]:
    """One aggregate3; if that is too much for the node, two of half the size, down to one call.

    Sizes that were not too much are added to `served`.
    """
    if len(calls) == 1:
        return await _call_directly(rpc, block, calls)
    try:
        results = await rpc.call(_chunk_request(rpc, block, calls), is_divisible=True)
    except _TOO_MUCH:
        return await _call_halves(rpc, block, calls, served)
    served.append(len(calls))
    return results


async def _call_halves(
    rpc: RpcClient, block: Block, calls: Sequence[Call], served: list[int]
) -> list[CallResult]:
    if len(calls) == 1:
        return await _call_directly(rpc, block, calls)
    half = len(calls) // 2
    return [
        *await _call_chunk(rpc, block, calls[:half], served),
        *await _call_chunk(rpc, block, calls[half:], served),
    ]


def _chunk_request(
    rpc: RpcClient, block: Block, calls: Sequence[Call]
) -> Request[list[CallResult]]:
    def parse(answer: object) -> list[CallResult]:
        results = decode_aggregate3(parse_data(answer), len(calls))
        if results is None:
            raise InvalidAnswer(f"not the results of {len(calls)} calls")
        return results

    multicall3 = multicall3_address(rpc.endpoints.chain_id)
    params = _call_params(aggregate3(multicall3, calls), block)
    return Request("eth_call", params, parse)


async def _call_directly(rpc: RpcClient, block: Block, calls: Sequence[Call]) -> list[CallResult]:
    answers = await rpc.call_batch(
        [Request("eth_call", _call_params(call, block), parse_data) for call in calls]
    )
    return [_direct_result(answer) for answer in answers]


def _direct_result(answer: str | ChainError) -> CallResult:
    if isinstance(answer, CallReverted):
        return _NO_ANSWER
    if isinstance(answer, ChainError):
        raise answer
    return CallResult(success=True, data=answer)


def _call_params(call: Call, block: Block) -> tuple[dict[str, str], Block]:
    return {"to": call.to, "data": call.data}, block
