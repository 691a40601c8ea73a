"""Payments that no transaction shows, looked for only where the balance says there must be some.

The balance after a block less what is known to have moved up to it is the same before and after
every block that is fully explained. So the blocks with something hidden are found by comparing
states, as in `wallet_worker.bisection`, and only these few are traced.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from common.chain.client import PinnedChain
from common.chain.errors import MissingState, PrunedHistory
from common.chain.transfers import WrapEvent
from common.chain.types import Address, Receipt, Transaction
from wallet_worker.analysis.native_flows import NativeMove, lists_all_since, native_moves
from wallet_worker.bisection import read_balances, search_changes
from wallet_worker.models import Account, History, NativeSearch, Payment
from wallet_worker.native_search import NOT_OFFERED
from wallet_worker.native_traces import (
    Payments,
    read_debugged_blocks,
    read_operations,
    read_traced_blocks,
    read_withdrawals,
)

MOST_BLOCKS = 50
"""Blocks with something hidden that are looked into in one run, the newest ones."""

Moves = Callable[[Iterable[Payment]], Iterable[NativeMove]]


async def settle_payments(
    pinned: PinnedChain,
    account: Account,
    history: History,
    wraps: Sequence[WrapEvent],
    native: NativeSearch,
    transactions: Mapping[str, Transaction],
    receipts: Mapping[str, Receipt],
    most_states: int,
) -> NativeSearch:
    """Look for what explains the balance since the last run, and note that it was done.

    Nothing is looked for in the first run, when the known moves explain the balance, when not all
    transactions since then are listed, and where no endpoint has the states of old blocks.

    Args:
        pinned: The chain.
        account: The wallet as it is now.
        history: Its events.
        wraps: Those of its wraps that count.
        native: What is known of its native coin.
        transactions: That are listed.
        receipts: Of them.
        most_states: Balances to read at most.

    Raises:
        ChainError: The chain could not be read.
    """
    wallet, now = account.address, (pinned.block.number, account.balance_wei)
    settled = replace(native, settled=now)

    def moves(payments: Iterable[Payment]) -> Iterable[NativeMove]:
        every = [*native.payments, *payments]
        return native_moves(wallet, transactions.values(), receipts, wraps, every)

    begin = native.settled
    if begin is None:
        return settled
    if not lists_all_since(begin[0], history, native, transactions, receipts):
        return settled
    try:
        hidden = await _hidden_blocks(pinned, wallet, begin, now, moves, most_states)
    except (MissingState, PrunedHistory):
        return settled
    found = await _look_into(pinned, wallet, hidden, moves, transactions)
    return replace(settled, payments=(*native.payments, *found))


async def _hidden_blocks(
    pinned: PinnedChain,
    wallet: Address,
    begin: tuple[int, int],
    now: tuple[int, int],
    moves: Moves,
    most_states: int,
) -> dict[int, int]:
    """By how much the balance changed in each block that is not fully explained."""
    by_block = _net_by_block(moves(()))
    numbers = sorted(by_block)
    sums = [0, *accumulate(by_block[number] for number in numbers)]

    def explained_up_to(number: int) -> int:
        return sums[bisect_right(numbers, number)]

    async def read(wanted: list[int]) -> list[int]:
        balances = await read_balances(pinned, wallet, wanted)
        return [
            balance - explained_up_to(number)
            for number, balance in zip(wanted, balances, strict=True)
        ]

    changes = await search_changes(
        read,
        (begin[0], begin[1] - explained_up_to(begin[0])),
        (now[0], now[1] - explained_up_to(now[0])),
        most_states,
    )
    newest = sorted(changes.states, reverse=True)[:MOST_BLOCKS]
    return {
        number: changes.states[number][1] - changes.states[number][0] + by_block[number]
        for number in newest
    }


async def _look_into(
    pinned: PinnedChain,
    wallet: Address,
    hidden: Mapping[int, int],
    moves: Moves,
    transactions: Mapping[str, Transaction],
) -> Payments:
    """Ask one source after the other about the blocks that the former ones do not explain."""
    if not hidden:
        return []
    blocks = sorted(hidden)
    withdrawals, made = await read_withdrawals(pinned, wallet, blocks)
    inside: Payments = []

    def unexplained() -> dict[int, int]:
        net = _net_by_block(moves([*withdrawals, *inside]))
        return {n: hidden[n] - net[n] for n in blocks if hidden[n] != net[n]}

    async def ask_operations(numbers: list[int]) -> Payments:
        listed = {
            digest: each.block_number
            for digest, each in transactions.items()
            if each.block_number in numbers
        }
        return await read_operations(pinned, wallet, listed)

    sources: list[Callable[[list[int]], Awaitable[Payments]]] = [
        ask_operations,
        lambda numbers: read_traced_blocks(pinned, wallet, numbers),
        lambda numbers: read_debugged_blocks(pinned, wallet, numbers),
    ]
    for source in sources:
        numbers = sorted(unexplained())
        if not numbers:
            break
        try:
            found = await source(numbers)
        except NOT_OFFERED:
            continue  # what stays unexplained is shown as such
        if found:
            inside = [each for each in inside if each.block_number not in numbers] + found
    rewards = [
        Payment("block_reward", number, None, None, wallet, amount)
        for number, amount in unexplained().items()
        if number in made and amount > 0
    ]
    return [*withdrawals, *inside, *rewards]


def _net_by_block(moves: Iterable[NativeMove]) -> Counter[int]:
    net: Counter[int] = Counter()
    for move in moves:
        net[move.block_number] += move.arrived_wei - move.left_wei
    return net
