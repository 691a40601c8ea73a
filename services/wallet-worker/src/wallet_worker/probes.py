"""Balances around the last arrival of tokens whose transfers do not explain what the wallet has."""

from collections.abc import Mapping

from common.chain.abi import balance_of, decode_uint
from common.chain.client import PinnedChain
from common.chain.errors import CallReverted, ChainError, MissingState, PrunedHistory
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.types import Address, CallResult
from wallet_worker.models import Probe


async def fetch_probes(
    pinned: PinnedChain, wallet: Address, arrivals: Mapping[Address, int]
) -> dict[Address, tuple[int, Probe]]:
    """Read each token's balance before and after its arrival, with that block.

    Returns:
        Nothing for tokens that did not answer, and for all when no endpoint has states that old.

    Raises:
        ChainError: The chain could not be read.
    """
    requests: list[Request[str]] = []
    for contract, block in arrivals.items():
        call = balance_of(contract, wallet)
        for number in (block - 1, block):
            params = ({"to": call.to, "data": call.data}, hex(number))
            requests.append(Request("eth_call", params, parse_data))
    try:
        answered = await pinned.call_batch(requests)
    except (MissingState, PrunedHistory):
        return {}
    answers = iter(answered)
    probes: dict[Address, tuple[int, Probe]] = {}
    for (contract, block), before, after in zip(arrivals.items(), answers, answers, strict=True):
        amounts = [_amount(before), _amount(after)]
        if amounts[0] is not None and amounts[1] is not None:
            probes[contract] = (block, Probe(amounts[0], amounts[1]))
    return probes


def _amount(answer: str | ChainError) -> int | None:
    if isinstance(answer, (CallReverted, MissingState, PrunedHistory)):
        return None
    if isinstance(answer, ChainError):
        raise answer
    return decode_uint(CallResult(success=True, data=answer))
