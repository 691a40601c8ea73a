"""What in a snapshot deserves a look, judged without an earlier snapshot."""

from collections import Counter
from collections.abc import Container, Sequence

from common.actions.wallet_snapshot import WalletThresholds
from common.chain.types import Address
from common.chain.units import share_pct
from common.results.alerts import Alert, AlertMetrics
from common.results.envelope import Completeness
from common.results.wallet_snapshot import TokenHolding
from wallet_worker.analysis.alerting import wallet_alert
from wallet_worker.analysis.poisoned_groups import COUNTERFEIT, DUST
from wallet_worker.analysis.poisoning import ZERO_VALUE, Poisoning
from wallet_worker.models import Movement, WalletReading

_POISONING_ALERT_CAP = 100


def wallet_alerts(
    reading: WalletReading,
    poisoning: Poisoning,
    holdings: Sequence[TokenHolding],
    completeness: Completeness,
    thresholds: WalletThresholds,
) -> list[Alert]:
    """Return the alerts of one snapshot; a later one that sees the same has the same ids."""
    return [
        *_poisoning_alerts(reading, poisoning, thresholds),
        *_unexplained_balance_alerts(reading, holdings, thresholds),
        *_incomplete_data_alerts(reading, completeness),
    ]


def _poisoning_alerts(
    reading: WalletReading, poisoning: Poisoning, thresholds: WalletThresholds
) -> list[Alert]:
    """One alert for each address that imitates another, often moves nothing, or shows up in groups.

    Severity is high when the wallet itself has sent something to an imitator. Of many addresses
    the ones with the newest transfers are alerted: at most 100 in one snapshot.
    """
    if reading.history is None:
        return []
    wallet = reading.account.address
    by_address: dict[Address, list[Movement]] = {}
    for movement in reversed(reading.history.movements):
        if movement.position in poisoning.suspects:
            by_address.setdefault(movement.other_party(wallet), []).append(movement)
    alerts = []
    for address, movements in by_address.items():
        imitated = poisoning.imitations.get(address)
        codes = Counter(
            reason.code
            for movement in movements
            for reason in poisoning.suspects[movement.position]
        )
        zero_values = _zero_value_transfers(reading, poisoning, movements)
        is_often = zero_values >= thresholds.zero_value_transfers
        is_grouped = COUNTERFEIT in codes or DUST in codes
        if imitated is None and not is_often and not is_grouped:
            continue
        fell_for_it = imitated is not None and _has_paid(reading, movements)
        alerts.append(
            wallet_alert(
                reading,
                "ADDRESS_POISONING",
                severity="high" if fell_for_it else "medium",
                subject=wallet,
                keys=[address],
                title=_poisoning_title(address, imitated, codes, len(movements), fell_for_it),
                metrics=AlertMetrics(
                    value=len(movements),
                    threshold=None if imitated or is_grouped else thresholds.zero_value_transfers,
                ),
                movements=movements,
            )
        )
    return alerts[:_POISONING_ALERT_CAP]


def _zero_value_transfers(
    reading: WalletReading, poisoning: Poisoning, movements: Sequence[Movement]
) -> int:
    """How many transfers of nothing there are, or transfers of the token beside one of them.

    Source: Forta's address-poisoning agent: one transaction shows an address to each of many.
    """
    forged = [
        movement
        for movement in movements
        if any(reason.code == ZERO_VALUE for reason in poisoning.suspects[movement.position])
    ]
    beside = (
        reading.batches.get(movement.transaction_hash, {}).get(movement.contract, 0)
        for movement in forged
    )
    return max([len(forged), *beside])


def _has_paid(reading: WalletReading, movements: Sequence[Movement]) -> bool:
    wallet = reading.account.address
    return any(
        movement.sender == wallet
        and movement.amount > 0
        and movement.transaction_hash in reading.transactions
        and reading.transactions[movement.transaction_hash].sender == wallet
        for movement in movements
    )


def _poisoning_title(
    address: Address,
    imitated: Address | None,
    codes: Container[str],
    count: int,
    fell_for_it: bool,
) -> str:
    transfers = f"{count} transfer{'' if count == 1 else 's'}"
    if imitated is None and COUNTERFEIT in codes:
        return f"{transfers} of counterfeits with {address}, not sent by the wallet"
    if imitated is None and DUST in codes:
        return f"{transfers} of dust with {address}, in the digits of an amount that moved before"
    if imitated is None:
        return f"{transfers} of nothing with {address}, not sent by the wallet"
    paid = " and has been paid by the wallet" if fell_for_it else ""
    return f"{address} imitates {imitated} in {transfers}{paid}"


def _unexplained_balance_alerts(
    reading: WalletReading, holdings: Sequence[TokenHolding], thresholds: WalletThresholds
) -> list[Alert]:
    """One alert for each token, spam aside, whose balance its transfers do not explain.

    The unexplained part is measured in percent of the largest of balance, received and sent.
    """
    alerts = []
    for holding in holdings:
        if holding.balance_raw is None or holding.unexplained_raw is None or holding.spam.is_spam:
            continue
        figures = (holding.balance_raw, holding.received_raw, holding.sent_raw)
        unexplained_pct = share_pct(abs(int(holding.unexplained_raw)), max(map(int, figures))) or 0
        if unexplained_pct <= thresholds.unexplained_balance_pct:
            continue
        name = holding.symbol or holding.contract_address
        alerts.append(
            wallet_alert(
                reading,
                "UNEXPLAINED_BALANCE",
                severity="low",
                subject=reading.account.address,
                keys=[holding.contract_address],
                title=f"transfers leave {unexplained_pct:.4g} % of the {name} balance unexplained",
                metrics=AlertMetrics(
                    value=unexplained_pct, threshold=thresholds.unexplained_balance_pct
                ),
            )
        )
    return alerts


def _incomplete_data_alerts(reading: WalletReading, completeness: Completeness) -> list[Alert]:
    if completeness.status == "complete":
        return []
    counts = Counter(reason.code for reason in completeness.reasons)
    return [
        wallet_alert(
            reading,
            "DATA_INCOMPLETE",
            severity="low",
            subject=reading.account.address,
            keys=[code],
            title=f"the snapshot is incomplete: {code.replace('_', ' ')}",
            metrics=AlertMetrics(value=count),
        )
        for code, count in counts.items()
    ]
