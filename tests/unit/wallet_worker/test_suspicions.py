"""Tokens sent to the many and tokens that borrow a symbol are marked, those asked for are not."""

from collections.abc import Callable
from typing import Any

import pytest

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.transfers import TRANSFER
from common.chain.types import Address, Log, Receipt, Transaction
from wallet_worker.analysis.mass_sends import large_batches
from wallet_worker.analysis.suspicions import contract_suspicions, known_tokens
from wallet_worker.models import Movement, WalletReading

Build = Callable[..., Any]
USDC = Address("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48")
SOMEBODY = Address("0x" + "51" * 20)


def codes(reading: WalletReading, contract: Address, **thresholds: Any) -> list[str]:
    assert reading.history is not None
    counterfeits = known_tokens(reading, reading.history).counterfeits
    found = contract_suspicions(
        reading, reading.history, {}, counterfeits, WalletThresholds(**thresholds)
    )
    return [reason.code for reason, _ in found[contract]]


def receipt_of(contract: Address, transfers: int) -> Receipt:
    logs = tuple(
        Log(contract, (TRANSFER, "0x", "0x"), "0x", 10, "0x", "0x", 0, index)
        for index in range(transfers)
    )
    return Receipt("0x", 10, "0x", 0, True, 1, 1, 0, None, logs)


@pytest.mark.parametrize(
    ("transfers", "marked"), [(500, True), (51, True), (50, False), (3, False)]
)
def test_what_came_with_many_others_unasked_is_a_mass_send(
    a_movement: Build, a_reading: Build, token: Address, transfers: int, marked: bool
) -> None:
    arrival: Movement = a_movement()
    batches = {arrival.transaction_hash: large_batches(receipt_of(token, transfers))}

    found = codes(a_reading([arrival], batches=batches), token)

    assert ("mass_send" in found) == marked


def test_a_mass_send_is_a_matter_of_the_threshold(
    a_movement: Build, a_reading: Build, token: Address
) -> None:
    arrival: Movement = a_movement()
    reading = a_reading([arrival], batches={arrival.transaction_hash: {token: 60}})

    assert codes(reading, token, mass_send_transfers=59) == ["mass_send"]
    assert codes(reading, token, mass_send_transfers=60) == []


@pytest.mark.parametrize("what", ["the wallet called", "it passed some on", "it is well known"])
def test_what_the_wallet_asked_for_or_everybody_knows_is_no_mass_send(
    wallet: Address,
    a_movement: Build,
    a_transaction: Build,
    a_reading: Build,
    token: Address,
    what: str,
) -> None:
    arrival: Movement = a_movement()
    later: Movement = a_movement(block_number=11, sender=wallet, recipient=SOMEBODY)
    asked: dict[str, tuple[list[Movement], list[Transaction], dict[str, frozenset[Address]]]] = {
        "the wallet called": ([arrival], [a_transaction(arrival)], {}),
        "it passed some on": ([arrival, later], [a_transaction(later)], {}),
        "it is well known": ([arrival], [], {"usdc": frozenset({token})}),
    }
    movements, transactions, officials = asked[what]
    batches = {arrival.transaction_hash: {token: 500}}

    reading = a_reading(movements, (), transactions, batches=batches, officials=officials)

    assert codes(reading, token) == []
