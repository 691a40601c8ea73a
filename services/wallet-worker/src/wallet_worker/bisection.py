"""Blocks in which an account's balance or nonce changed, found by comparing states.

Source of the method: status-go, services/wallet/transfer: equal states at both ends of a range
mean that nothing happened in it; different ones that it has to be cut further.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeAlias, TypeVar

from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.parsing import parse_quantity
from common.chain.requests import Request
from common.chain.types import Address

State: TypeAlias = tuple[int, int]
"""Balance in wei and nonce."""

T = TypeVar("T")

PARTS = 16
RANGES_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class ChangedBlocks(Generic[T]):
    """What a bounded search found.

    Attributes:
        states: Of blocks in which something changed: before and after, by number.
        complete_from: From this block on they are all there are.
    """

    states: dict[int, tuple[T, T]]
    complete_from: int

    @property
    def numbers(self) -> list[int]:
        """The blocks, ascending."""
        return sorted(self.states)


@dataclass(frozen=True, slots=True)
class _Range(Generic[T]):
    low: int
    high: int
    low_state: T
    high_state: T


async def search_changed_blocks(
    pinned: PinnedChain, wallet: Address, first: int, state_now: State, calls: int
) -> ChangedBlocks[State]:
    """Search from the newest block back to `first` until `calls` state reads are spent.

    A contract's balance may have come and gone within a range: that is not seen. An account with
    a key spends only by its own transactions, which its nonce counts.

    Raises:
        ChainError: Such as MissingState, when no endpoint has old states.
    """

    async def read(numbers: list[int]) -> list[State]:
        balances = await read_balances(pinned, wallet, numbers)
        nonces = await _read(pinned, "eth_getTransactionCount", wallet, numbers)
        return list(zip(balances, nonces, strict=True))

    before = max(first - 1, 0)
    [state_before] = await read([before])
    found = await search_changes(
        read, (before, state_before), (pinned.block.number, state_now), (calls - 2) // 2
    )
    return replace(found, complete_from=first) if found.complete_from == before + 1 else found


async def search_changes(
    read: Callable[[list[int]], Awaitable[list[T]]],
    oldest: tuple[int, T],
    newest: tuple[int, T],
    most_states: int,
) -> ChangedBlocks[T]:
    """Search for the blocks between two, the newer one included, that changed a state.

    Many parts at once instead of two: a range of 20 million blocks takes 7 rounds, not 25.

    Args:
        read: Reads the states after some blocks.
        oldest: A block and its state.
        newest: A later one.
        most_states: States to read at most; the newest changes are found first.

    Raises:
        ChainError: What `read` raises.
    """
    spent = 0
    found: dict[int, tuple[T, T]] = {}
    single, open_ranges = _sorted_out([_Range(oldest[0], newest[0], oldest[1], newest[1])])
    found.update(single)
    while open_ranges:
        probes: list[list[int]] = []
        for each in open_ranges[:RANGES_AT_ONCE]:
            numbers = _midpoints(each)
            if spent + len(numbers) > most_states:
                break
            spent += len(numbers)
            probes.append(numbers)
        if not probes:
            return ChangedBlocks(found, open_ranges[0].high + 1)
        chosen = open_ranges[: len(probes)]
        states = iter(await read([n for numbers in probes for n in numbers]))
        parts: list[_Range[T]] = []
        for each, numbers in zip(chosen, probes, strict=True):
            bounds = [each.low, *numbers, each.high]
            known = [each.low_state, *(next(states) for _ in numbers), each.high_state]
            parts += [
                _Range(bounds[i], bounds[i + 1], known[i], known[i + 1])
                for i in range(len(bounds) - 1)
            ]
        single, wide = _sorted_out(parts)
        found.update(single)
        open_ranges = [*wide, *open_ranges[len(chosen) :]]
    return ChangedBlocks(found, oldest[0] + 1)


def _sorted_out(
    ranges: Sequence[_Range[T]],
) -> tuple[dict[int, tuple[T, T]], list[_Range[T]]]:
    """Changed blocks that stand alone, and the ranges that hide others, newest first."""
    changed = [each for each in ranges if each.low_state != each.high_state]
    single = {
        each.high: (each.low_state, each.high_state)
        for each in changed
        if each.high - each.low == 1
    }
    wide = [each for each in changed if each.high - each.low > 1]
    return single, sorted(wide, key=lambda each: -each.high)


def _midpoints(each: _Range[T]) -> list[int]:
    width = each.high - each.low
    parts = min(PARTS, width)
    return [each.low + width * part // parts for part in range(1, parts)]


async def read_balances(pinned: PinnedChain, wallet: Address, numbers: list[int]) -> list[int]:
    """Read the native balance after each of some blocks, in wei.

    Raises:
        ChainError: Such as MissingState, when no endpoint has old states.
    """
    return await _read(pinned, "eth_getBalance", wallet, numbers)


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
