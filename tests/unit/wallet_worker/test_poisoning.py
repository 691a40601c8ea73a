from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import Address, Transaction
from wallet_worker.analysis.counterparties import (
    counterparties,
    native_exchanges,
    token_exchanges,
)
from wallet_worker.analysis.poisoning import (
    LOOK_ALIKE,
    ZERO_VALUE,
    KnownTokens,
    Poisoning,
    find_poisoning,
)
from wallet_worker.models import Movement, Payment

BuildMovement = Callable[..., Movement]
BuildTransaction = Callable[..., Transaction]

GENUINE = Address("0x1111" + "a" * 32 + "2222")
IMITATOR = Address("0x1111" + "b" * 32 + "2222")
STRANGER = Address("0x9999" + "c" * 32 + "8888")


def codes(
    wallet: Address, movements: list[Movement], transactions: list[Transaction], digits: int = 4
) -> list[list[str]]:
    by_hash = {each.hash: each for each in transactions}
    thresholds = WalletThresholds(look_alike_digits=digits)
    found = find_poisoning(wallet, movements, by_hash, {}, KnownTokens(), thresholds)
    return [[reason.code for reason in found.suspects.get(each.position, ())] for each in movements]


def test_a_zero_value_transfer_sent_by_somebody_else_is_a_suspect(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    forged = a_movement(sender=wallet, recipient=STRANGER, amount=0)

    assert codes(wallet, [forged], [a_transaction(forged, sender=STRANGER)]) == [[ZERO_VALUE]]


def test_a_zero_value_transfer_sent_by_the_owner_is_not(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    own = a_movement(sender=wallet, recipient=STRANGER, amount=0)

    assert codes(wallet, [own], [a_transaction(own, sender=wallet)]) == [[]]


def test_without_the_transaction_a_zero_value_transfer_is_not_judged(
    wallet: Address, a_movement: BuildMovement
) -> None:
    assert codes(wallet, [a_movement(amount=0)], []) == [[]]


@pytest.mark.parametrize("amount", [0, 1, 10**18])
def test_a_look_alike_of_somebody_paid_before_is_a_suspect_whatever_it_sends(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction, amount: int
) -> None:
    payment = a_movement(sender=wallet, recipient=GENUINE, block_number=1)
    bait = a_movement(sender=IMITATOR, amount=amount, block_number=2)
    transactions = [a_transaction(payment), a_transaction(bait, sender=IMITATOR)]

    payment_codes, bait_codes = codes(wallet, [payment, bait], transactions)

    assert payment_codes == []
    assert LOOK_ALIKE in bait_codes


def test_whom_the_owner_paid_is_genuine_even_when_the_imitator_was_seen_earlier(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    bait = a_movement(sender=IMITATOR, amount=5, block_number=1)
    payment = a_movement(sender=wallet, recipient=GENUINE, block_number=2)
    transactions = [a_transaction(bait, sender=IMITATOR), a_transaction(payment)]

    assert codes(wallet, [bait, payment], transactions) == [[LOOK_ALIKE], []]


def test_whom_the_owner_paid_native_coin_is_imitated_too(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    bait = a_movement(sender=IMITATOR, amount=5, block_number=9)
    own = a_movement(block_number=2)
    payment = a_transaction(own, recipient=GENUINE, value_wei=1)
    worthless = a_transaction(own, recipient=GENUINE, value_wei=0)

    assert codes(wallet, [bait], [payment]) == [[LOOK_ALIKE]]
    assert codes(wallet, [bait], [worthless]) == [[]]


def test_nobody_becomes_genuine_by_transfers_of_nothing_or_by_sending(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    nothing = a_movement(sender=IMITATOR, amount=0, block_number=1)
    claimed = a_movement(sender=IMITATOR, block_number=2)
    received = a_movement(sender=GENUINE, block_number=3)
    payment = a_movement(sender=wallet, recipient=GENUINE, block_number=4)

    assert codes(wallet, [nothing, received], []) == [[LOOK_ALIKE], []]
    transactions = [a_transaction(claimed), a_transaction(payment)]
    assert codes(wallet, [claimed, payment], transactions) == [[LOOK_ALIKE], []]


def test_a_payment_to_an_imitator_is_marked_too(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    honest = a_movement(sender=wallet, recipient=GENUINE, block_number=1)
    mistake = a_movement(sender=wallet, recipient=IMITATOR, block_number=3)
    transactions = [a_transaction(honest), a_transaction(mistake)]

    assert codes(wallet, [honest, mistake], transactions) == [[], [LOOK_ALIKE]]


def test_the_wallets_own_address_is_imitated_too(
    wallet: Address, a_movement: BuildMovement
) -> None:
    twin = Address(wallet[:6] + "0" * 32 + wallet[-4:])

    assert codes(wallet, [a_movement(sender=twin, amount=1)], []) == [[LOOK_ALIKE]]


def test_equal_digits_at_one_end_only_are_no_imitation(
    wallet: Address, a_movement: BuildMovement
) -> None:
    same_start = Address(GENUINE[:6] + "0" * 36)
    movements = [a_movement(sender=GENUINE), a_movement(sender=same_start, block_number=11)]

    assert codes(wallet, movements, []) == [[], []]


def test_the_number_of_digits_is_a_threshold(wallet: Address, a_movement: BuildMovement) -> None:
    close = Address("0x111" + "b" * 34 + "222")
    movements = [a_movement(sender=GENUINE), a_movement(sender=close, block_number=11)]

    assert codes(wallet, movements, [], digits=4) == [[], []]
    assert codes(wallet, movements, [], digits=3) == [[], [LOOK_ALIKE]]


def test_mints_and_transfers_to_oneself_imitate_nobody(
    wallet: Address, a_movement: BuildMovement
) -> None:
    zero = Address("0x" + "0" * 40)
    movements = [
        a_movement(sender=zero),
        a_movement(sender=wallet, recipient=wallet, block_number=11),
        a_movement(sender=Address("0x0000" + "1" * 32 + "0000"), block_number=12),
    ]

    assert codes(wallet, movements, []) == [[], [], []]


@given(st.permutations(range(6)))
def test_the_order_of_reading_never_changes_the_marks(
    a_movement: BuildMovement, a_transaction: BuildTransaction, wallet: Address, order: list[int]
) -> None:
    movements = [
        a_movement(sender=wallet, recipient=GENUINE, block_number=1),
        a_movement(sender=IMITATOR, amount=0, block_number=2),
        a_movement(sender=IMITATOR, amount=1, block_number=3),
        a_movement(sender=STRANGER, amount=0, block_number=4),
        a_movement(sender=GENUINE, block_number=5),
        a_movement(sender=wallet, recipient=IMITATOR, block_number=6),
    ]
    senders = [wallet, IMITATOR, IMITATOR, STRANGER, GENUINE, wallet]
    transactions = {
        each.transaction_hash: a_transaction(each, sender=sender)
        for each, sender in zip(movements, senders, strict=True)
    }

    def found(read: list[Movement]) -> Poisoning:
        return find_poisoning(wallet, read, transactions, {}, KnownTokens(), WalletThresholds())

    shuffled = found([movements[index] for index in order])

    assert shuffled == found(movements)
    assert {block for block, _, _ in shuffled.suspects} == {2, 3, 4, 6}


def test_counterparties_are_those_with_whom_something_was_exchanged(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    movements = [
        a_movement(sender=GENUINE, block_number=1),
        a_movement(sender=wallet, recipient=GENUINE, block_number=2),
        a_movement(sender=IMITATOR, block_number=3),
        a_movement(sender=STRANGER, amount=0, block_number=4),
        a_movement(sender=wallet, recipient=wallet, block_number=5),
        a_movement(sender=Address("0x" + "0" * 40), block_number=6),
        a_movement(sender=STRANGER, block_number=7, standard="erc721", token_id=1, amount=1),
    ]

    paid = a_transaction(movements[0], hash="0x1", recipient=STRANGER, value_wei=1)
    nothing = a_transaction(movements[0], hash="0x2", recipient=IMITATOR, value_wei=0)
    inside = Payment("internal", 9, "0x3", GENUINE, wallet, 1)
    withdrawal = Payment("withdrawal", 9, None, None, wallet, 1)

    found = counterparties(
        wallet,
        [
            *token_exchanges(movements, suspects={movements[2].position}),
            *native_exchanges({"0x1": paid, "0x2": nothing}, {}, [inside, withdrawal]),
        ],
    )

    assert [(each.address, each.in_count, each.out_count) for each in found] == [
        (GENUINE, 2, 1),
        (STRANGER, 1, 1),
    ]
