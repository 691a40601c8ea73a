"""Alerts, and their deterministic identity."""

import hashlib
from typing import Literal

from pydantic import Field

from common.models import CamelModel, Number, UtcDatetime

Severity = Literal["info", "low", "medium", "high", "critical"]


class AlertSubject(CamelModel):
    """What an alert is about."""

    kind: Literal["wallet", "token", "collection", "nft"]
    address: str
    token_id: str | None = None


class AlertMetrics(CamelModel):
    """The measured value and what it was held against, in the unit that the type implies."""

    value: Number
    threshold: Number | None = Field(default=None, description="the cut that makes it an alert")
    baseline: Number | None = Field(default=None, description="what it was before, or usually is")
    z_score: float | None = Field(default=None, description="robust deviations from the baseline")
    unit: str | None = Field(
        default=None,
        description="where the type leaves it open: supply_pct, tokens or usd of LARGE_TRANSFER",
    )


class Evidence(CamelModel):
    """A place on the chain that anybody can look up."""

    transaction_hash: str
    log_index: int | None = None
    block_number: int


class Alert(CamelModel):
    """Something that deserves a look.

    `alert_id` is derived from what was seen (see `alert_id`), never from the
    run, so that a repeated or overlapping run records no alert twice.
    """

    alert_id: str
    type: str
    severity: Severity
    subject: AlertSubject
    title: str = Field(description="one sentence for a person")
    metrics: AlertMetrics
    evidence: list[Evidence] = Field(default=[], description="places on the chain that show it")
    confidence: float = Field(
        default=1.0, ge=0, le=1, description="below 1 where it may be harmless"
    )
    detected_at: UtcDatetime = Field(description="time of the newest block that shows it")


def alert_id(chain_id: int, alert_type: str, subject: str, *evidence_keys: object) -> str:
    """Return 32 hex digits that depend only on what was seen on which chain.

    Args:
        chain_id: EIP-155 id of the chain.
        alert_type: The alert's type, such as `LARGE_TRANSFER`.
        subject: Address (and token id) it is about.
        evidence_keys: What tells this occurrence from others of its kind, such as a transaction
            hash and log index, or the start of an activity bucket. Order matters.
    """
    parts = [str(chain_id), alert_type, subject, *map(str, evidence_keys)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
