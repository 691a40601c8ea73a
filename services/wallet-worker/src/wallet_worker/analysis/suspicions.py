"""Everything that speaks against the contracts of a wallet's tokens, by contract."""

from collections.abc import Iterable, Mapping
from itertools import chain

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import Address, Transaction
from common.prices.counterfeits import counterfeit_reason
from wallet_worker.analysis.discovery import erc20_contracts
from wallet_worker.analysis.mass_sends import mass_send_suspicions
from wallet_worker.analysis.poisoning import Suspects
from wallet_worker.analysis.spam import Suspicion, name_suspicions, poisoning_suspicions
from wallet_worker.models import History, Movement, WalletReading

COUNTERFEIT_WEIGHT = 0.6
"""Of a suspicion by symbol alone: some bridged tokens bear the symbol of the original."""


def contract_suspicions(
    reading: WalletReading, history: History, suspects: Suspects, thresholds: WalletThresholds
) -> dict[Address, list[Suspicion]]:
    """Return what is suspicious of each contract, its answers about balances aside.

    A well-known token, and one that the wallet asked for, is no counterfeit and no mass send.
    """
    wallet, movements = reading.account.address, history.movements
    trusted = {
        *wanted_contracts(wallet, movements, reading.transactions),
        *chain.from_iterable(reading.officials.values()),
    }
    poisoned = poisoning_suspicions(movements, suspects)
    sent_to_many = mass_send_suspicions(movements, reading.batches, thresholds.mass_send_transfers)
    coins = set(erc20_contracts(history))
    found: dict[Address, list[Suspicion]] = {}
    for contract, metadata in reading.answers.metadata.items():
        found[contract] = [*name_suspicions(metadata), *poisoned.get(contract, [])]
        if contract in coins and contract not in trusted:
            reason = counterfeit_reason(metadata, reading.officials)
            found[contract] += [(reason, COUNTERFEIT_WEIGHT)] if reason else []
        if contract in sent_to_many and contract not in trusted:
            found[contract].append(sent_to_many[contract])
    return found


def wanted_contracts(
    wallet: Address, movements: Iterable[Movement], transactions: Mapping[str, Transaction]
) -> set[Address]:
    """Return contracts whose tokens the wallet itself once moved, by a transaction of its own."""
    return {
        each.contract
        for each in movements
        if (transaction := transactions.get(each.transaction_hash)) is not None
        and transaction.sender == wallet
    }
