from collections.abc import Callable
from dataclasses import replace

from common.actions.wallet_snapshot import WalletSnapshotOptions, WalletThresholds
from common.chain.types import Address, Transaction
from common.results.alerts import Alert
from common.results.envelope import Reason
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.models import Movement, WalletReading

BuildMovement = Callable[..., Movement]
BuildTransaction = Callable[..., Transaction]
BuildReading = Callable[..., WalletReading]

GENUINE = Address("0x1111" + "a" * 32 + "2222")
IMITATOR = Address("0x1111" + "b" * 32 + "2222")
STRANGER = Address("0x9999" + "c" * 32 + "8888")


def alerts_of(reading: WalletReading, **thresholds: float) -> list[Alert]:
    chosen = WalletThresholds.model_validate(thresholds)
    return compose_snapshot(reading, WalletSnapshotOptions(), chosen).alerts


def test_an_imitator_is_alerted_once_with_its_transfers_as_evidence(
    wallet: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    a_reading: BuildReading,
) -> None:
    payment = a_movement(sender=wallet, recipient=GENUINE, block_number=1)
    baits = [a_movement(sender=IMITATOR, amount=0, block_number=number) for number in (2, 3)]
    transactions = [
        a_transaction(payment),
        *(a_transaction(bait, sender=IMITATOR) for bait in baits),
    ]

    [alert] = alerts_of(a_reading([payment, *baits], transactions=transactions))

    assert (alert.type, alert.severity) == ("ADDRESS_POISONING", "medium")
    assert alert.subject.address == wallet
    assert alert.metrics.value == 2
    assert IMITATOR in alert.title
    assert GENUINE in alert.title
    assert [each.block_number for each in alert.evidence] == [3, 2]
    assert alert.detected_at.timestamp() == 3 * 12


def test_having_paid_an_imitator_is_severe(
    wallet: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    a_reading: BuildReading,
) -> None:
    payment = a_movement(sender=wallet, recipient=GENUINE, block_number=1)
    mistake = a_movement(sender=wallet, recipient=IMITATOR, block_number=2)
    transactions = [a_transaction(payment), a_transaction(mistake)]

    [alert] = alerts_of(a_reading([payment, mistake], transactions=transactions))

    assert alert.severity == "high"


def test_having_received_from_an_imitator_is_not_severe(
    wallet: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    a_reading: BuildReading,
) -> None:
    payment = a_movement(sender=wallet, recipient=GENUINE, block_number=1)
    claimed = a_movement(sender=IMITATOR, block_number=2)
    nothing = a_movement(sender=wallet, recipient=IMITATOR, amount=0, block_number=3)
    transactions = [a_transaction(each) for each in (payment, claimed, nothing)]

    [alert] = alerts_of(a_reading([payment, claimed, nothing], transactions=transactions))

    assert alert.severity == "medium"


def test_transfers_of_nothing_alert_from_the_threshold_on(
    a_movement: BuildMovement, a_transaction: BuildTransaction, a_reading: BuildReading
) -> None:
    forged = [a_movement(sender=STRANGER, amount=0, block_number=number) for number in (1, 2)]
    transactions = [a_transaction(each, sender=STRANGER) for each in forged]
    reading = a_reading(forged, transactions=transactions)

    assert alerts_of(reading) == []
    assert [each.type for each in alerts_of(reading, zeroValueTransfers=2)] == ["ADDRESS_POISONING"]


def test_a_transfer_of_nothing_alerts_when_its_transaction_holds_many(
    token: Address,
    a_movement: BuildMovement,
    a_transaction: BuildTransaction,
    a_reading: BuildReading,
) -> None:
    forged = a_movement(sender=STRANGER, amount=0)
    paid = a_movement(sender=STRANGER, amount=5)

    def types(movement: Movement, transfers: int) -> list[str]:
        reading = a_reading(
            [movement],
            transactions=[a_transaction(movement, sender=STRANGER)],
            batches={movement.transaction_hash: {token: transfers}},
        )
        return [each.type for each in alerts_of(reading)]

    assert types(forged, 3) == ["ADDRESS_POISONING"]
    assert types(forged, 2) == []
    assert types(paid, 50) == []


def test_a_balance_that_transfers_do_not_explain_is_alerted_above_the_threshold(
    token: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    reading = a_reading([a_movement(amount=1000)])
    rebased = replace(reading, answers=replace(reading.answers, balances={token: 1025}))

    [alert] = alerts_of(rebased)

    assert alerts_of(reading) == []
    assert alert.type == "UNEXPLAINED_BALANCE"
    assert round(alert.metrics.value, 3) == 2.439
    assert alerts_of(rebased, unexplainedBalancePct=3) == []


def test_spam_is_no_reason_to_wake_anybody(
    token: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    reading = a_reading([a_movement(amount=1000)])
    phony = replace(reading, answers=replace(reading.answers, balances={token: 0}))

    assert alerts_of(phony) == []


def test_an_incomplete_snapshot_says_so_in_an_alert(a_reading: BuildReading) -> None:
    reading = a_reading(history=None, obstacle=Reason(code="discovery_refused", detail="any"))

    [alert] = alerts_of(reading)

    assert (alert.type, alert.severity) == ("DATA_INCOMPLETE", "low")


def test_a_later_snapshot_that_sees_the_same_has_the_same_alert_ids(
    token: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    reading = a_reading([a_movement(amount=1000)])
    first = replace(reading, answers=replace(reading.answers, balances={token: 1025}))
    later = replace(
        first,
        block=replace(first.block, number=20_000, timestamp=3_000_000),
        answers=replace(reading.answers, balances={token: 1030}),
    )
    elsewhere = replace(first, chain_id=1)

    ids = [{alert.alert_id for alert in alerts_of(each)} for each in (first, later, elsewhere)]

    assert ids[0] == ids[1]
    assert not ids[0] & ids[2]
