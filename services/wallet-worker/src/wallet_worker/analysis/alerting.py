"""How an alert about a wallet is made."""

from collections.abc import Sequence
from datetime import UTC, datetime

from common.chain.types import Address
from common.results.alerts import Alert, AlertMetrics, AlertSubject, Evidence, Severity, alert_id
from wallet_worker.models import Movement, WalletReading

EVIDENCE_CAP = 5


def wallet_alert(
    reading: WalletReading,
    alert_type: str,
    *,
    severity: Severity,
    subject: Address,
    keys: Sequence[object],
    title: str,
    metrics: AlertMetrics,
    movements: Sequence[Movement] = (),
) -> Alert:
    """Create an alert about a wallet.

    Args:
        reading: What was read: its chain is part of the alert's identity.
        alert_type: Such as `NEW_TOKEN`.
        severity: How much it matters.
        subject: The wallet.
        keys: What tells this occurrence from others of its type.
        title: One sentence for a person.
        metrics: The measured value.
        movements: Newest first: its evidence, and the time of it.
    """
    newest = movements[0].block_number if movements else reading.block.number
    detected_at = reading.timestamps.get(newest, reading.block.timestamp)
    return Alert(
        alert_id=alert_id(reading.chain_id, alert_type, subject, *keys),
        type=alert_type,
        severity=severity,
        subject=AlertSubject(kind="wallet", address=subject),
        title=title,
        metrics=metrics,
        evidence=[
            Evidence(
                transaction_hash=movement.transaction_hash,
                log_index=movement.log_index,
                block_number=movement.block_number,
            )
            for movement in movements[:EVIDENCE_CAP]
        ],
        detected_at=datetime.fromtimestamp(detected_at, UTC),
    )
