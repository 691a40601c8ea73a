"""Balances of one run: which of them are read, and which an earlier run is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain.client import PinnedChain
from common.chain.types import Address
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.analysis.quiet_tokens import balances_to_read, note_balance
from wallet_worker.index import find_balances, keep_balances
from wallet_worker.models import KnownBalance, TokenId

TokenT = TypeVar("TokenT", Address, TokenId)

Answered: TypeAlias = tuple[int | None, Address | None]
"""The wallet's amount, and the owner of an id that has one; None for no answer."""


@dataclass(frozen=True, slots=True)
class BalancePlan(Generic[TokenT]):
    """What is to be read.

    Attributes:
        ledgers: What the logs say of each token.
        known: Balances as earlier runs read them.
        to_read: Which to ask for, sorted.
        is_newest: False for a snapshot of a named block, which reads all balances and keeps none.
    """

    ledgers: Mapping[TokenT, TokenLedger]
    known: Mapping[TokenT, KnownBalance]
    to_read: Sequence[TokenT]
    is_newest: bool


async def plan_balances(
    pinned: PinnedChain,
    wallet: Address,
    ledgers: Mapping[TokenT, TokenLedger],
    options: WalletSnapshotOptions,
) -> BalancePlan[TokenT]:
    """Return which of the tokens in `ledgers` to read."""
    is_newest = options.at_block is None
    known = await find_balances(pinned, wallet, ledgers.keys()) if is_newest else {}
    to_read = sorted(balances_to_read(ledgers, known, options.quiet_balances))
    return BalancePlan(ledgers, known, to_read, is_newest)


async def settle_balances(
    pinned: PinnedChain,
    wallet: Address,
    plan: BalancePlan[TokenT],
    read: Mapping[TokenT, Answered],
) -> tuple[dict[TokenT, KnownBalance], dict[TokenT, int]]:
    """Return all balances, and the block of each that was not read now; keep what was.

    Args:
        pinned: The chain.
        wallet: The wallet.
        plan: What was to be read.
        read: What the contracts answered for each of `plan.to_read`.
    """
    noted = {
        token: note_balance(
            plan.ledgers[token], amount, pinned.block.number, plan.known.get(token), owner
        )
        for token, (amount, owner) in read.items()
    }
    if plan.is_newest:
        await keep_balances(pinned, wallet, noted)
    carried = {token: each for token, each in plan.known.items() if token not in read}
    return {**carried, **noted}, {token: each.block for token, each in carried.items()}
