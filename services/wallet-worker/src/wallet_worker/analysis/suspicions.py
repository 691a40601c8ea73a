"""Everything that speaks against the contracts of a wallet's tokens, by contract."""

from collections.abc import Iterable, Mapping
from itertools import chain

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import Address, Transaction
from common.prices.counterfeits import counterfeit_reason
from common.results.envelope import Reason
from wallet_worker.analysis.discovery import erc20_contracts
from wallet_worker.analysis.mass_sends import mass_send_suspicions
from wallet_worker.analysis.poisoning import KnownTokens, Suspects
from wallet_worker.analysis.spam import Suspicion, name_suspicions, poisoning_suspicions
from wallet_worker.models import History, Movement, WalletReading

COUNTERFEIT_WEIGHT = 0.6
"""Of a suspicion by symbol alone: some bridged tokens bear the symbol of the original."""


def known_tokens(reading: WalletReading, history: History) -> KnownTokens:
    """Return which tokens are well known, and which of the wallet's coins pretend to be.

    One that the wallet asked for is no counterfeit.
    """
    trusted = _trusted(reading, history)
    return KnownTokens(
        officials=frozenset(chain.from_iterable(reading.officials.values())),
        counterfeits={
            contract: reason
            for contract in erc20_contracts(history)
            if contract not in trusted
            and (
                reason := counterfeit_reason(reading.answers.metadata[contract], reading.officials)
            )
        },
    )


def contract_suspicions(
    reading: WalletReading,
    history: History,
    suspects: Suspects,
    counterfeits: Mapping[Address, Reason],
    thresholds: WalletThresholds,
) -> dict[Address, list[Suspicion]]:
    """Return what is suspicious of each contract, its answers about balances aside.

    A well-known token, and one that the wallet asked for, is no mass send.
    """
    movements, trusted = history.movements, _trusted(reading, history)
    poisoned = poisoning_suspicions(movements, suspects)
    sent_to_many = mass_send_suspicions(movements, reading.batches, thresholds.mass_send_transfers)
    found: dict[Address, list[Suspicion]] = {}
    for contract, metadata in reading.answers.metadata.items():
        found[contract] = [*name_suspicions(metadata), *poisoned.get(contract, [])]
        if contract in counterfeits:
            found[contract].append((counterfeits[contract], COUNTERFEIT_WEIGHT))
        if contract in sent_to_many and contract not in trusted:
            found[contract].append(sent_to_many[contract])
    return found


def _trusted(reading: WalletReading, history: History) -> set[Address]:
    return {
        *wanted_contracts(reading.account.address, history.movements, reading.transactions),
        *chain.from_iterable(reading.officials.values()),
    }


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
