from collections.abc import Callable

import pytest

from common.chain.types import Address, TokenMetadata, Transaction
from common.results.envelope import Reason
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.analysis.activity import token_transfers, wallet_transactions
from wallet_worker.models import Account, Movement

BuildMovement = Callable[..., Movement]
BuildTransaction = Callable[..., Transaction]
PLAIN = "0x"
CONTRACT = "0x6001"
DELEGATED = "0xef0100" + "ab" * 20


@pytest.mark.parametrize(
    ("sender", "recipient", "direction"),
    [("friend", "wallet", "in"), ("wallet", "friend", "out"), ("wallet", "wallet", "self")],
)
def test_a_transfer_has_a_direction(
    wallet: Address,
    friend: Address,
    token: Address,
    a_movement: BuildMovement,
    metadata_of: Callable[..., TokenMetadata],
    sender: str,
    recipient: str,
    direction: str,
) -> None:
    parties = {"wallet": wallet, "friend": friend}
    movement = a_movement(sender=parties[sender], recipient=parties[recipient])

    [shown] = token_transfers(wallet, [movement], {token: metadata_of(token)}, {10: 120}, {})

    assert shown.direction == direction
    assert shown.model_dump(by_alias=True)["from"] == parties[sender]


def test_amounts_follow_the_decimals_and_suspects_carry_their_reasons(
    wallet: Address,
    token: Address,
    a_movement: BuildMovement,
    metadata_of: Callable[..., TokenMetadata],
) -> None:
    movement = a_movement(amount=1_500_000)
    reason = Reason(code="look_alike_address", detail="any")

    [shown] = token_transfers(
        wallet,
        [movement],
        {token: metadata_of(token, decimals=6)},
        {10: 120},
        {movement.position: (reason,)},
    )

    assert (shown.amount_raw, shown.amount, shown.token_id) == ("1500000", "1.5", None)
    assert (shown.poisoning_suspect, shown.poisoning_reasons) == (True, [reason])


def test_the_newest_transfers_are_shown_up_to_the_cap(
    wallet: Address,
    token: Address,
    a_movement: BuildMovement,
    metadata_of: Callable[..., TokenMetadata],
) -> None:
    movements = [a_movement(block_number=number) for number in range(LIST_CAP + 5)]
    timestamps = {each.block_number: 0 for each in movements}

    shown = token_transfers(wallet, movements, {token: metadata_of(token)}, timestamps, {})

    assert [each.block_number for each in shown] == list(range(LIST_CAP + 4, 4, -1))


@pytest.mark.parametrize(
    ("sender", "recipient", "direction"),
    [
        ("wallet", "friend", "out"),
        ("friend", "wallet", "in"),
        ("wallet", "wallet", "self"),
        ("friend", "friend", "other"),
        ("wallet", None, "out"),
    ],
)
def test_a_transaction_has_a_direction_of_its_own(
    wallet: Address,
    friend: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    sender: str,
    recipient: str | None,
    direction: str,
) -> None:
    parties = {"wallet": wallet, "friend": friend, None: None}
    transaction = a_transaction(
        a_movement(), sender=parties[sender], recipient=parties[recipient], input="0x"
    )

    found = wallet_transactions(
        Account(wallet, 0, 1, PLAIN), {transaction.hash: transaction}, {}, 1, {10: 120}
    )

    assert [each.direction for each in found.items] == [direction]
    assert found.items[0].method_selector is None


@pytest.mark.parametrize(("code", "sent_total"), [(PLAIN, 9), (DELEGATED, 9), (CONTRACT, None)])
def test_what_is_missing_is_said_and_for_an_account_with_a_key_counted(
    wallet: Address,
    friend: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    code: str,
    sent_total: int | None,
) -> None:
    own = a_transaction(a_movement(block_number=1))
    others = a_transaction(a_movement(block_number=2), sender=friend)

    found = wallet_transactions(
        Account(wallet, 0, 9, code), {own.hash: own, others.hash: others}, {}, 2, {1: 12, 2: 24}
    )

    assert found.source == "token_transfer_logs"
    assert found.completeness.status == "partial"
    assert [reason.code for reason in found.completeness.reasons] == [
        "native_transactions_not_listed",
        *(["sent_not_all_listed"] if sent_total else []),
    ]
    assert (found.sent_listed, found.sent_total, found.total) == (1, sent_total, 2)
    assert [each.block_number for each in found.items] == [2, 1]


def test_a_capped_list_of_transactions_says_so(
    wallet: Address, a_movement: BuildMovement, a_transaction: BuildTransaction
) -> None:
    transaction = a_transaction(a_movement())

    found = wallet_transactions(
        Account(wallet, 0, 9, PLAIN), {transaction.hash: transaction}, {}, 50, {10: 120}
    )

    assert [reason.code for reason in found.completeness.reasons][-1] == "list_capped"
    assert found.total == 50
