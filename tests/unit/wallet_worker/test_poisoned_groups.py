"""Counterfeits and dust that one transaction leaves in many histories."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import ZERO_ADDRESS, Address, Transaction
from common.results.envelope import Reason
from wallet_worker.analysis.poisoned_groups import COUNTERFEIT, DUST
from wallet_worker.analysis.poisoning import KnownTokens, find_poisoning
from wallet_worker.models import Movement

BuildMovement = Callable[..., Movement]
BuildTransaction = Callable[..., Transaction]

USDT = Address("0xdac17f958d2ee523a2206206994597c13d831ec7")
FAKE = Address("0x" + "fa" * 20)
STRANGER = Address("0x9999" + "c" * 32 + "8888")
ATTACKER = Address("0x" + "a7" * 20)
TOKENS = KnownTokens(
    officials=frozenset({USDT}),
    counterfeits={FAKE: Reason(code="counterfeit_symbol", detail="its symbol is that of USDT")},
)


def codes(
    wallet: Address, movements: list[Movement], transactions: list[Transaction], group: int
) -> list[list[str]]:
    """The marks when the transaction of the last movement holds a group of its token."""
    last = movements[-1]
    groups = {last.transaction_hash: {last.contract: group}}
    by_hash = {each.hash: each for each in transactions}
    found = find_poisoning(wallet, movements, by_hash, groups, TOKENS, WalletThresholds())
    return [[reason.code for reason in found.suspects.get(each.position, ())] for each in movements]


@pytest.mark.parametrize(("group", "marked"), [(50, True), (5, True), (4, False), (0, False)])
def test_a_counterfeit_among_many_of_its_kind_is_a_suspect(
    wallet: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    group: int,
    *,
    marked: bool,
) -> None:
    bait = a_movement(contract=FAKE, sender=STRANGER)

    found = codes(wallet, [bait], [a_transaction(bait, sender=ATTACKER)], group)

    assert found == [[COUNTERFEIT] if marked else []]


def test_a_counterfeit_that_claims_the_wallet_sent_it_is_a_suspect_by_itself(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    payment = a_movement(contract=USDT, sender=wallet, recipient=STRANGER, block_number=1)
    copied = a_movement(contract=FAKE, sender=wallet, recipient=ATTACKER, block_number=2)
    transactions = [a_transaction(payment), a_transaction(copied, sender=ATTACKER)]

    assert codes(wallet, [payment, copied], transactions, 1) == [[], [COUNTERFEIT]]


@pytest.mark.parametrize("case", ["sent by the wallet", "minted", "genuine", "unread"])
def test_other_transfers_of_many_are_no_suspects(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction, case: str
) -> None:
    contract = USDT if case == "genuine" else FAKE
    arrival = a_movement(
        contract=contract, sender=ZERO_ADDRESS if case == "minted" else STRANGER, amount=777
    )
    sender = wallet if case == "sent by the wallet" else ATTACKER
    transactions = [] if case == "unread" else [a_transaction(arrival, sender=sender)]

    assert codes(wallet, [arrival], transactions, 50) == [[]]


@pytest.mark.parametrize(
    ("paid", "arrived", "group", "marked"),
    [
        (16_000_000_000, 16_000, 10, True),  # 16,000 and 0.016 USDT
        (16_123_450_000, 16_123, 10, True),
        (16_123_450_000, 10_000, 10, True),  # one digit is enough in such a group
        (16_000_000_000, 16_000, 9, False),
        (16_000_000_000, 17_000, 50, False),
        (16_000, 1_600, 50, False),  # not a hundredth of it
        (1_600, 16_000, 50, False),
    ],
)
def test_small_change_with_the_digits_of_a_real_amount_is_a_suspect_in_a_group(
    wallet: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    paid: int,
    arrived: int,
    group: int,
    *,
    marked: bool,
) -> None:
    payment = a_movement(
        contract=USDT, sender=wallet, recipient=STRANGER, amount=paid, block_number=1
    )
    dust = a_movement(contract=USDT, sender=ATTACKER, amount=arrived, block_number=2)
    transactions = [a_transaction(payment), a_transaction(dust, sender=ATTACKER)]

    found = codes(wallet, [payment, dust], transactions, group)

    assert found == [[], [DUST] if marked else []]


def test_dust_imitates_what_was_before_it_and_is_imitated_by_nothing(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    early = a_movement(contract=USDT, sender=ATTACKER, amount=16, block_number=1)
    payment = a_movement(
        contract=USDT, sender=wallet, recipient=STRANGER, amount=16_000, block_number=2
    )
    transactions = [a_transaction(early, sender=ATTACKER), a_transaction(payment)]
    groups = {early.transaction_hash: {USDT: 50}}

    found = find_poisoning(
        wallet,
        [early, payment],
        {each.hash: each for each in transactions},
        groups,
        TOKENS,
        WalletThresholds(),
    )

    assert found.suspects == {}


@given(st.lists(st.tuples(st.integers(1, 10**6), st.booleans()), min_size=1, max_size=30))
def test_dust_is_what_the_definition_says(
    wallet: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    story: list[tuple[int, bool]],
) -> None:
    movements = [
        a_movement(contract=USDT, sender=STRANGER, amount=amount, block_number=number)
        for number, (amount, _) in enumerate(story, start=1)
    ]
    transactions = {
        each.transaction_hash: a_transaction(each, sender=ATTACKER) for each in movements
    }
    groups = {
        each.transaction_hash: {USDT: 10}
        for each, (_, grouped) in zip(movements, story, strict=True)
        if grouped
    }

    found = find_poisoning(wallet, movements, transactions, groups, TOKENS, WalletThresholds())

    real: list[int] = []
    for movement, (amount, grouped) in zip(movements, story, strict=True):
        digits = str(amount).rstrip("0")
        imitates = [each for each in real if each >= 100 * amount and str(each).startswith(digits)]
        is_dust = grouped and bool(imitates)
        assert (movement.position in found.suspects) == is_dust
        if not is_dust:
            real.append(amount)
