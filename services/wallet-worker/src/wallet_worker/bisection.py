"""Blocks in which an account's balance or nonce changed, found by comparing states.

Source of the method: status-go, services/wallet/transfer: equal states at both ends of a range
mean that nothing happened in it; different ones that it has to be cut further.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.parsing import parse_quantity
from common.chain.requests import Request
from common.chain.types import Address

State: TypeAlias = tuple[int, int]
"""Balance in wei and nonce."""

PARTS = 16
RANGES_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class ChangedBlocks:
    """What a bounded search found.

    Attributes:
        numbers: Blocks in which something changed, ascending.
        complete_from: From this block on they are all there are.
    """

    numbers: list[int]
    complete_from: int


@dataclass(frozen=True, slots=True)
class _Range:
    low: int
    high: int
    low_state: State
    high_state: State


async def search_changed_blocks(
    pinned: PinnedChain, wallet: Address, first: int, state_now: State, calls: int
) -> ChangedBlocks:
    """Search from the newest block back to `first` until `calls` state reads are spent.

    Many parts at once instead of two: a range of 20 million blocks takes 7 rounds, not 25.
    A contract's balance may have come and gone within a range: that is not seen. An account with
    a key spends only by its own transactions, which its nonce counts.

    Raises:
        ChainError: Such as MissingState, when no endpoint has old states.
    """
    before = max(first - 1, 0)
    [state_before] = await _states(pinned, wallet, [before])
    spent = 2
    whole = _Range(before, pinned.block.number, state_before, state_now)
    found, open_ranges = _sorted_out([whole])
    while open_ranges:
        probes: list[list[int]] = []
        for each in open_ranges[:RANGES_AT_ONCE]:
            numbers = _midpoints(each)
            if spent + 2 * len(numbers) > calls:
                break
            spent += 2 * len(numbers)
            probes.append(numbers)
        if not probes:
            return ChangedBlocks(sorted(found), open_ranges[0].high + 1)
        chosen = open_ranges[: len(probes)]
        states = iter(await _states(pinned, wallet, [n for numbers in probes for n in numbers]))
        parts: list[_Range] = []
        for each, numbers in zip(chosen, probes, strict=True):
            bounds = [each.low, *numbers, each.high]
            known = [each.low_state, *(next(states) for _ in numbers), each.high_state]
            parts += [
                _Range(bounds[i], bounds[i + 1], known[i], known[i + 1])
                for i in range(len(bounds) - 1)
            ]
        single, wide = _sorted_out(parts)
        found += single
        open_ranges = [*wide, *open_ranges[len(chosen) :]]
    return ChangedBlocks(sorted(found), first)


def _sorted_out(ranges: Sequence[_Range]) -> tuple[list[int], list[_Range]]:
    """Changed blocks that stand alone, and the ranges that hide others, newest first."""
    changed = [each for each in ranges if each.low_state != each.high_state]
    single = [each.high for each in changed if each.high - each.low == 1]
    wide = [each for each in changed if each.high - each.low > 1]
    return single, sorted(wide, key=lambda each: -each.high)


def _midpoints(each: _Range) -> list[int]:
    width = each.high - each.low
    parts = min(PARTS, width)
    return [each.low + width * part // parts for part in range(1, parts)]


async def _states(pinned: PinnedChain, wallet: Address, numbers: list[int]) -> list[State]:
    balances = await _read(pinned, "eth_getBalance", wallet, numbers)
    nonces = await _read(pinned, "eth_getTransactionCount", wallet, numbers)
    return list(zip(balances, nonces, strict=True))


async def _read(pinned: PinnedChain, method: str, wallet: Address, numbers: list[int]) -> list[int]:
    answers = await pinned.call_batch(
        [Request(method, (wallet, hex(number)), parse_quantity) for number in numbers]
    )
    values = []
    for answer in answers:
        if isinstance(answer, ChainError):
            raise answer
        values.append(answer)
    return values
