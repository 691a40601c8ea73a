"""Whom the wallet exchanged tokens and native coin with."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TypeAlias

from common.chain.types import ZERO_ADDRESS, Address, Receipt, Transaction
from common.results.wallet_snapshot import Counterparty
from wallet_worker.models import Movement, Payment, Position

Exchange: TypeAlias = tuple[Address, Address]
"""Who gave something to whom."""


def token_exchanges(
    movements: Iterable[Movement], suspects: Container[Position]
) -> Iterator[Exchange]:
    """Yield the parties of token transfers, those of nothing and suspects of poisoning aside."""
    for movement in movements:
        if movement.amount and movement.position not in suspects:
            yield movement.sender, movement.recipient


def native_exchanges(
    transactions: Mapping[str, Transaction],
    receipts: Mapping[str, Receipt],
    payments: Iterable[Payment],
) -> Iterator[Exchange]:
    """Yield the parties of native coin that moved; transactions that failed moved none."""
    for transaction in transactions.values():
        receipt = receipts.get(transaction.hash)
        failed = receipt is not None and receipt.is_success is False
        if transaction.value_wei and transaction.recipient is not None and not failed:
            yield transaction.sender, transaction.recipient
    for payment in payments:
        if payment.sender is not None:
            yield payment.sender, payment.recipient


def counterparties(wallet: Address, exchanges: Iterable[Exchange]) -> list[Counterparty]:
    """Return everybody at the other end of an exchange with the wallet, most of them first.

    Left out: mints and burns, and what the wallet sent to itself.
    """
    received: Counter[Address] = Counter()
    sent: Counter[Address] = Counter()
    for giver, taker in exchanges:
        if giver == wallet and taker not in (wallet, ZERO_ADDRESS):
            sent[taker] += 1
        elif taker == wallet and giver not in (wallet, ZERO_ADDRESS):
            received[giver] += 1
    everybody = received.keys() | sent.keys()
    return [
        Counterparty(address=address, in_count=received[address], out_count=sent[address])
        for address in sorted(everybody, key=lambda each: (-received[each] - sent[each], each))
    ]
