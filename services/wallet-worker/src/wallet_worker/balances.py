"""ERC-20 balances of one run: which of them are read, and which an earlier run is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain.client import PinnedChain
from common.chain.types import Address
from wallet_worker.analysis.ledger import TokenLedger, token_ledgers
from wallet_worker.analysis.quiet_tokens import balances_to_read, note_balance
from wallet_worker.index import find_balances, keep_balances
from wallet_worker.models import History, KnownBalance


@dataclass(frozen=True, slots=True)
class BalancePlan:
    """What is to be read.

    Attributes:
        ledgers: What the logs say of each token.
        known: Balances as earlier runs read them.
        to_read: Contracts to ask, sorted.
        is_newest: False for a snapshot of a named block, which reads all balances and keeps none.
    """

    ledgers: Mapping[Address, TokenLedger]
    known: Mapping[Address, KnownBalance]
    to_read: Sequence[Address]
    is_newest: bool


async def plan_balances(
    pinned: PinnedChain, wallet: Address, history: History, options: WalletSnapshotOptions
) -> BalancePlan:
    """Return which balances to read; none when they are switched off."""
    if not options.include_token_balances:
        return BalancePlan({}, {}, (), is_newest=False)
    ledgers = token_ledgers(wallet, history.movements, history.wraps)
    is_newest = options.at_block is None
    known = await find_balances(pinned, wallet, ledgers) if is_newest else {}
    to_read = sorted(balances_to_read(ledgers, known, options.quiet_balances))
    return BalancePlan(ledgers, known, to_read, is_newest)


async def settle_balances(
    pinned: PinnedChain,
    wallet: Address,
    plan: BalancePlan,
    read: Mapping[Address, int | None],
) -> tuple[dict[Address, int | None], dict[Address, int]]:
    """Return all balances, and the block of each that was not read now; keep what was.

    Args:
        pinned: The chain.
        wallet: The wallet.
        plan: What was to be read.
        read: What the contracts of `plan.to_read` answered, None for no answer.
    """
    noted = {
        contract: note_balance(
            plan.ledgers[contract], amount, pinned.block.number, plan.known.get(contract)
        )
        for contract, amount in read.items()
    }
    if plan.is_newest:
        await keep_balances(pinned, wallet, noted)
    carried = {contract: each for contract, each in plan.known.items() if contract not in read}
    balances = {contract: each.amount for contract, each in (carried | noted).items()}
    return balances, {contract: each.block for contract, each in carried.items()}
