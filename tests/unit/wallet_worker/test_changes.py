from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.actions.handler import Report
from common.actions.wallet_snapshot import (
    WalletSnapshot,
    WalletSnapshotOptions,
    WalletThresholds,
)
from common.chain.transfers import WrapEvent
from common.chain.types import Address, Receipt, Transaction
from common.results.wallet_changes import AssetChange
from wallet_worker.analysis.changes import classify_remainder
from wallet_worker.analysis.previous import PreviousSnapshot, read_previous
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.models import Movement, WalletReading

BuildMovement = Callable[..., Movement]
BuildReading = Callable[..., WalletReading]
BuildTransaction = Callable[..., Transaction]
BuildWrap = Callable[..., WrapEvent]

NFTS = Address("0x" + "dd" * 20)
ETHER = 10**18


def compose(
    reading: WalletReading, previous: PreviousSnapshot | None = None, **options: Any
) -> Report[WalletSnapshot]:
    return compose_snapshot(reading, WalletSnapshotOptions(**options), WalletThresholds(), previous)


def remembered(reading: WalletReading, **options: Any) -> PreviousSnapshot:
    """What a later snapshot finds of this one."""
    stored = {
        "_id": "job:1",
        "chainId": reading.chain_id,
        "block": {"number": reading.block.number, "hash": reading.block.hash},
        **compose(reading, **options).result.model_dump(by_alias=True),
    }
    previous = read_previous(stored, reading.chain_id, reading.account.address, 10**9)
    assert previous is not None
    return previous


def at(reading: WalletReading, block: int, balance_wei: int = ETHER) -> WalletReading:
    return replace(
        reading,
        block=replace(reading.block, number=block),
        account=replace(reading.account, balance_wei=balance_wei),
    )


def assets(report: Report[WalletSnapshot]) -> list[AssetChange]:
    changes = report.result.changes_since_previous
    assert changes is not None
    return changes.assets


def receipt_of(transaction: Transaction, *, is_success: bool = True, fee: int = 21_000) -> Receipt:
    return Receipt(
        transaction_hash=transaction.hash,
        block_number=transaction.block_number,
        block_hash="0x" + "ab" * 32,
        transaction_index=transaction.transaction_index,
        is_success=is_success,
        gas_used=fee,
        effective_gas_price_wei=1,
        l1_fee_wei=0,
        created_contract=None,
        logs=(),
    )


def test_a_token_that_moved_is_explained_by_what_came_and_went(
    wallet: Address, friend: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    before = [a_movement(amount=100, block_number=1)]
    after = [
        a_movement(amount=30, block_number=11),
        a_movement(amount=50, block_number=12, sender=wallet, recipient=friend),
    ]

    report = compose(at(a_reading([*before, *after]), 20), remembered(at(a_reading(before), 10)))

    [change] = assets(report)
    assert (change.begin_raw, change.in_raw, change.out_raw, change.end_raw) == (
        "100",
        "30",
        "50",
        "80",
    )
    assert (change.unexplained_raw, change.reason) == ("0", None)


@pytest.mark.parametrize(
    ("begin", "arrived", "left", "end", "reason"),
    [
        (100, 0, 0, 105, "rebase"),
        (100, 0, 0, 95, "rebase"),
        (100, 50, 0, 149, "fee_on_transfer"),
        (100, 50, 0, 100, "phony_event"),
        (100, 50, 0, 160, "implied_mint"),
        (100, 0, 20, 70, "implied_burn"),
        (100, 50, 20, 130, None),
    ],
)
def test_what_transfers_do_not_explain_has_a_reason(
    begin: int, arrived: int, left: int, end: int, reason: str | None
) -> None:
    assert classify_remainder(begin, arrived, left, end) == reason


@given(
    amounts=st.lists(st.tuples(st.integers(0, 10**30), st.booleans()), max_size=30),
    split=st.integers(0, 31),
)
def test_with_honest_tokens_nothing_is_unexplained_wherever_the_previous_snapshot_was(
    wallet: Address,
    friend: Address,
    a_movement: BuildMovement,
    a_reading: BuildReading,
    amounts: list[tuple[int, bool]],
    split: int,
) -> None:
    movements = [
        a_movement(
            amount=amount,
            block_number=number,
            sender=friend if is_in else wallet,
            recipient=wallet if is_in else friend,
        )
        for number, (amount, is_in) in enumerate(amounts)
    ]
    begin = at(a_reading([each for each in movements if each.block_number <= split]), split)

    changes = assets(compose(at(a_reading(movements), 40), remembered(begin)))

    for change in changes:
        assert change.unexplained_raw == "0"
        assert int(change.begin_raw or 0) + int(change.in_raw) - int(change.out_raw) == int(
            change.end_raw or 0
        )
    assert len(changes) == any(amount for amount, _ in amounts[split + 1 :])


def test_without_a_change_nothing_is_listed_and_nobody_is_alerted(
    a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    reading = a_reading([a_movement(block_number=1)])

    report = compose(at(reading, 20), remembered(at(reading, 10)))

    assert (assets(report), report.alerts) == ([], [])


def test_the_first_snapshot_has_no_changes(a_reading: BuildReading) -> None:
    assert compose(a_reading()).result.changes_since_previous is None


def test_a_previous_result_of_another_wallet_chain_or_later_block_is_none(
    wallet: Address, friend: Address, a_reading: BuildReading
) -> None:
    stored = {
        "_id": "job:1",
        "chainId": 1,
        "block": {"number": 10, "hash": "0x"},
        **compose(a_reading()).result.model_dump(by_alias=True),
    }

    assert read_previous(stored, 1, wallet, 10) is not None
    assert read_previous(stored, 1, friend, 10) is None
    assert read_previous(stored, 5, wallet, 10) is None
    assert read_previous(stored, 1, wallet, 9) is None
    assert read_previous(None, 1, wallet, 9) is None


def test_new_and_gone_assets_are_named(
    wallet: Address, friend: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    other = Address("0x" + "ee" * 20)
    before = [a_movement(block_number=1)]
    after = [
        a_movement(block_number=11, sender=wallet, recipient=friend),
        a_movement(block_number=12, contract=other, amount=7),
    ]

    report = compose(at(a_reading([*before, *after]), 20), remembered(at(a_reading(before), 10)))
    changes = report.result.changes_since_previous

    assert changes is not None
    assert [each.contract_address for each in changes.added] == [other]
    assert [each.contract_address for each in changes.removed] == [before[0].contract]
    assert sorted(each.type for each in report.alerts) == ["BALANCE_CHANGE", "NEW_TOKEN"]


def test_token_ids_that_came_and_went_are_reconciled_and_alerted_by_transaction(
    wallet: Address, friend: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    def nft(block: int, token_id: int, **given: Any) -> Movement:
        return a_movement(
            contract=NFTS,
            standard="erc721",
            amount=1,
            token_id=token_id,
            block_number=block,
            log_index=token_id,
            **given,
        )

    before = [nft(1, 5)]
    after = [nft(11, 6), nft(11, 7), nft(12, 5, sender=wallet, recipient=friend)]

    report = compose(at(a_reading([*before, *after]), 20), remembered(at(a_reading(before), 10)))

    found = {each.token_id: (each.begin_raw, each.end_raw, each.reason) for each in assets(report)}
    assert found == {"5": ("1", "0", None), "6": ("0", "1", None), "7": ("0", "1", None)}
    alerts = {each.type: each for each in report.alerts}
    assert (len(report.alerts), alerts["NFT_RECEIVED"].metrics.value) == (2, 2)
    assert alerts["NFT_SENT"].evidence[0].block_number == 12


def test_the_native_coin_is_explained_by_values_and_fees_as_far_as_listed(
    wallet: Address,
    friend: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    a_reading: BuildReading,
) -> None:
    transfer = a_movement(block_number=11, sender=wallet, recipient=friend)
    failed = a_movement(block_number=12, amount=0)
    transactions = [
        a_transaction(transfer, value_wei=500),
        a_transaction(failed, value_wei=900),
    ]
    receipts = {
        transactions[0].hash: receipt_of(transactions[0]),
        transactions[1].hash: receipt_of(transactions[1], is_success=False),
    }
    reading = a_reading([transfer, failed], transactions=transactions, receipts=receipts)

    [native, *_] = assets(
        compose(at(reading, 20, ETHER - 500 - 42_000), remembered(at(a_reading(), 10)))
    )
    [short, *_] = assets(
        compose(at(reading, 20, ETHER - 500 - 42_001), remembered(at(a_reading(), 10)))
    )

    assert (native.kind, native.in_raw, native.out_raw) == ("native", "0", "42500")
    assert (native.unexplained_raw, native.reason) == ("0", None)
    assert (short.unexplained_raw, short.reason) == ("-1", "not_listed")


def test_kinds_that_one_of_both_did_not_read_are_not_compared(
    a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    reading = a_reading([a_movement(block_number=11)])

    report = compose(at(reading, 20), remembered(at(a_reading(), 10), include_token_balances=False))
    changes = report.result.changes_since_previous

    assert changes is not None
    assert changes.assets == []
    assert [reason.code for reason in changes.not_compared] == ["tokens_not_read"]


def test_a_token_that_does_not_answer_is_unknown_not_gone(
    token: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    reading = a_reading([a_movement(block_number=1), a_movement(block_number=11)])
    silent = replace(reading, answers=replace(reading.answers, balances={token: None}))

    [change] = assets(
        compose(at(silent, 20), remembered(at(a_reading([a_movement(block_number=1)]), 10)))
    )

    assert (change.end_raw, change.unexplained_raw, change.reason) == (None, None, "unknown")


def test_the_same_change_has_the_same_alert_ids_and_another_one_others(
    wallet: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    before = remembered(at(a_reading([a_movement(block_number=1)]), 10))
    moved = [a_movement(block_number=1), a_movement(block_number=11, amount=70)]
    more = [*moved, a_movement(block_number=12, amount=70)]

    ids = [
        {alert.alert_id for alert in compose(at(a_reading(each), block), before).alerts}
        for each, block in ((moved, 20), (moved, 30), (more, 30))
    ]

    assert len(ids[0]) == 1
    assert ids[0] == ids[1]
    assert not ids[0] & ids[2]


def test_a_small_change_is_no_alert(a_movement: BuildMovement, a_reading: BuildReading) -> None:
    before = remembered(at(a_reading([a_movement(block_number=1, amount=1000)]), 10))
    reading = a_reading(
        [a_movement(block_number=1, amount=1000), a_movement(block_number=11, amount=199)]
    )

    assert compose(at(reading, 20), before).alerts == []
