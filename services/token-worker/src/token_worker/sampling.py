"""Compares what transfers say with what the token answers, for a sample of addresses."""

from collections.abc import Mapping, Sequence

from common.chain import abi
from common.chain.chains import MULTICALL3
from common.chain.client import PinnedChain
from common.chain.errors import CallReverted, ChainError, MissingState, PrunedHistory
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.types import Address, Call, CallResult
from token_worker.analysis.ledger import Ledger
from token_worker.models import Sampled


def sum_balances(ledger: Ledger) -> dict[Address, int | None]:
    """Return what a whole history of transfers makes of each balance, at least 0."""
    return {
        address: net if net > 0 else 0
        for address, net in zip(ledger.addresses, ledger.nets, strict=True)
    }


async def fetch_sample(
    pinned: PinnedChain,
    token: Address,
    chosen: Sequence[Address],
    balances: Mapping[Address, int | None],
    from_block: int,
) -> dict[Address, Sampled]:
    """Return balances before and after the window of some addresses.

    Empty where the node has no state of the block before the window, as most nodes have not for
    old blocks.

    Raises:
        ChainError: The chain could not be read.
    """
    if from_block == 0:
        before: Sequence[int | None] = [0] * len(chosen)
    else:
        before = await _fetch_balances_at(pinned, token, chosen, from_block - 1)
    return {
        address: Sampled(earlier, now)
        for address, earlier in zip(chosen, before, strict=True)
        if earlier is not None and (now := balances.get(address)) is not None
    }


async def _fetch_balances_at(
    pinned: PinnedChain, token: Address, holders: Sequence[Address], number: int
) -> Sequence[int | None]:
    """One aggregate3 at an older block; plain calls where Multicall3 did not exist yet."""
    calls = [abi.balance_of(token, holder) for holder in holders]
    if not calls:
        return []
    [together] = await pinned.call_batch([_call_at(abi.aggregate3(MULTICALL3, calls), number)])
    if isinstance(together, str):
        results = abi.decode_aggregate3(together, len(calls)) if together != "0x" else None
        if results is not None:
            return [abi.decode_uint(result) for result in results]
    elif isinstance(together, (MissingState, PrunedHistory)):
        return [None] * len(calls)
    answers = await pinned.call_batch([_call_at(call, number) for call in calls])
    return [_decoded(answer) for answer in answers]


def _call_at(call: Call, number: int) -> Request[str]:
    return Request("eth_call", ({"to": call.to, "data": call.data}, hex(number)), parse_data)


def _decoded(answer: str | ChainError) -> int | None:
    if isinstance(answer, (CallReverted, MissingState, PrunedHistory)):
        return None
    if isinstance(answer, ChainError):
        raise answer
    return abi.decode_uint(CallResult(success=True, data=answer))
