"""Alerts: findings, unusual activity and concentration as records that are made once for ever."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import NamedTuple

from common.actions.analyze_nft_movements import NftThresholds
from common.chain.types import Address, Block
from common.results.alerts import Alert, AlertMetrics, AlertSubject, Severity, alert_id
from common.results.envelope import Completeness
from common.results.nft_movements import NftActivityBucket, NftHolders, PatternType
from nft_worker.analysis.findings import LIST_CAP, Finding
from nft_worker.analysis.rows import evidence, moment
from nft_worker.analysis.scoring import Verdict, finding_severity, pattern_score
from nft_worker.analysis.wording import short
from nft_worker.models import Position

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")

ALERT_TYPES: Mapping[PatternType, str] = {
    "self_trade": "SELF_TRADE",
    "closed_cycle": "CIRCULAR_TRANSFER",
    "circular_transfer": "CIRCULAR_TRANSFER",
    "common_funder": "COMMON_FUNDER",
    "price_anomaly": "PRICE_ANOMALY",
    "rapid_flip": "RAPID_FLIP",
    "sweep": "SWEEP",
    "dump": "DUMP",
    "mint_burst": "MINT_BURST",
}
"""Patterns with an alert of their own; the others speak through WASH_TRADE."""


class Scored(NamedTuple):
    """A finding with the score of its sales, and how severe that makes it."""

    finding: Finding
    score: float
    severity: Severity

    @property
    def rank(self) -> tuple[int, int]:
        """Return what the most severe, then the newest, has least of."""
        return (SEVERITIES.index(self.severity), -self.finding.places[-1].timestamp)


def foremost(findings: Sequence[Scored], count: int) -> list[Scored]:
    """Return the `count` most severe and newest findings, and those that equal the last of them."""
    ranks = [each.rank for each in findings]
    last = max(nsmallest(count, ranks), default=None)
    return [each for each, rank in zip(findings, ranks, strict=True) if last and rank <= last]


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert about a finding before it is written: enough to rank it and to know it again."""

    alert_id: str
    type: str
    finding: Finding
    severity: Severity
    value: float
    threshold: float | None
    confidence: float = 1.0


class AlertWriter:
    """Creates the alerts of one collection."""

    def __init__(self, chain_id: int, collection: Address, thresholds: NftThresholds) -> None:
        self._chain_id = chain_id
        self._collection = collection
        self._thresholds = thresholds

    def of_findings(
        self, findings: Sequence[Finding], verdicts: Mapping[Position, Verdict]
    ) -> list[Alert]:
        """Return the most important alerts about findings, at most LIST_CAP.

        Those are the most severe first, then the newest; each id once.
        """
        scored = [
            Scored(finding, score, finding_severity(finding, score, self._thresholds))
            for finding in findings
            for score in [pattern_score(finding, verdicts)]
        ]
        alerted = [each for each in scored if each.finding.type in ALERT_TYPES]
        drafts = {
            draft.alert_id: draft
            for draft in (
                *self._wash_trades(scored, verdicts),
                *self._patterns(foremost(alerted, LIST_CAP)),
            )
        }
        ranked = nsmallest(
            LIST_CAP,
            drafts.values(),
            key=lambda draft: (
                SEVERITIES.index(draft.severity),
                -draft.finding.places[-1].timestamp,
                draft.alert_id,
            ),
        )
        return [self._written(draft) for draft in ranked]

    def _wash_trades(
        self,
        scored: Iterable[Scored],
        verdicts: Mapping[Position, Verdict],
    ) -> Iterator[Draft]:
        """Yield one alert for each token and group of wallets behind sales that are flagged.

        Sales that an earlier finding explains get no second alert, so the strongest come first.
        """
        explained: set[Position] = set()
        for each in scored:
            finding, score = each.finding, each.score
            if finding.rule is None:
                continue
            flagged = {
                at for at in finding.sales if verdicts[at].score >= self._thresholds.wash_score
            }
            if not flagged - explained:
                continue
            explained |= flagged
            yield self._draft(
                "WASH_TRADE",
                each,
                (*finding.token_ids, *finding.wallets),
                score,
                self._thresholds.wash_score,
                confidence=score,
            )

    def _patterns(self, alerted: Iterable[Scored]) -> Iterator[Draft]:
        """Yield one alert for each finding of a type that has alerts of its own."""
        for each in alerted:
            finding = each.finding
            yield self._draft(
                ALERT_TYPES[finding.type], each, finding.key, finding.value, finding.threshold
            )

    def activity(self, buckets: Iterable[NftActivityBucket], bucket_seconds: int) -> list[Alert]:
        """Return one alert for each complete bucket with unusually much or little activity."""
        limits = self._thresholds
        alerts = []
        for bucket in buckets:
            change, z_score = bucket.pct_vs_baseline, bucket.z_score
            if change is None or z_score is None or abs(z_score) < limits.activity_z_score:
                continue
            spike = (
                change >= limits.activity_spike_pct
                and bucket.transfers >= limits.activity_min_transfers
            )
            baseline = bucket.transfers / (1 + change / 100) if change > -100 else None
            if spike:
                kind, threshold = "ACTIVITY_SPIKE", limits.activity_spike_pct
            elif change <= -limits.activity_drop_pct:
                kind, threshold = "ACTIVITY_DROP", -limits.activity_drop_pct
            else:
                continue
            start = bucket.bucket_start
            alerts.append(
                Alert(
                    alert_id=alert_id(
                        self._chain_id,
                        kind,
                        self._collection,
                        int(start.timestamp()),
                        bucket_seconds,
                    ),
                    type=kind,
                    severity="low",
                    subject=AlertSubject(kind="collection", address=self._collection),
                    title=(
                        f"{bucket.transfers:,} transfers from {start:%Y-%m-%d %H:%M} UTC on, "
                        f"{change:+.0f} % against the median."
                    ),
                    metrics=AlertMetrics(
                        value=change, threshold=threshold, baseline=baseline, z_score=z_score
                    ),
                    detected_at=moment(int(start.timestamp()) + bucket_seconds),
                )
            )
        return alerts

    def incomplete(self, completeness: Completeness, block: Block) -> list[Alert]:
        """Return one alert where less was read than was asked for, once for each set of reasons."""
        if completeness.status == "complete":
            return []
        codes = sorted({reason.code for reason in completeness.reasons})
        return [
            Alert(
                alert_id=alert_id(self._chain_id, "DATA_INCOMPLETE", self._collection, *codes),
                type="DATA_INCOMPLETE",
                severity="low",
                subject=AlertSubject(kind="collection", address=self._collection),
                title="; ".join(reason.detail for reason in completeness.reasons),
                metrics=AlertMetrics(value=len(completeness.reasons)),
                detected_at=moment(block.timestamp),
            )
        ]

    def concentration(self, holders: NftHolders, at: datetime) -> list[Alert]:
        """Return one alert for each wallet that holds much of the supply.

        Contracts are passed over: what they hold belongs to others.
        """
        cut = self._thresholds.holder_concentration_pct
        return [
            Alert(
                alert_id=alert_id(
                    self._chain_id, "HOLDER_CONCENTRATION_NFT", self._collection, holder.address
                ),
                type="HOLDER_CONCENTRATION_NFT",
                severity="medium",
                subject=AlertSubject(kind="wallet", address=holder.address),
                title=(
                    f"{short(Address(holder.address))} holds {holder.supply_pct:.1f} % of the "
                    "supply."
                ),
                metrics=AlertMetrics(value=holder.supply_pct, threshold=cut),
                detected_at=at,
            )
            for holder in holders.top
            if holder.supply_pct is not None and holder.supply_pct > cut and not holder.is_contract
        ]

    def _draft(
        self,
        kind: str,
        scored: Scored,
        key: Sequence[object],
        value: float,
        threshold: float | None,
        *,
        confidence: float = 1.0,
    ) -> Draft:
        return Draft(
            alert_id(self._chain_id, kind, self._collection, *key),
            kind,
            scored.finding,
            scored.severity,
            value,
            threshold,
            confidence,
        )

    def _written(self, draft: Draft) -> Alert:
        finding = draft.finding
        return Alert(
            alert_id=draft.alert_id,
            type=draft.type,
            severity=draft.severity,
            subject=self._subject(finding),
            title=finding.explanation,
            metrics=AlertMetrics(value=draft.value, threshold=draft.threshold),
            evidence=evidence(finding.places),
            confidence=draft.confidence,
            detected_at=moment(finding.places[-1].timestamp),
        )

    def _subject(self, finding: Finding) -> AlertSubject:
        if finding.type in ("sweep", "dump"):
            return AlertSubject(kind="wallet", address=finding.wallets[0])
        if len(finding.token_ids) == 1:
            return AlertSubject(
                kind="nft", address=self._collection, token_id=str(finding.token_ids[0])
            )
        return AlertSubject(kind="collection", address=self._collection)


def most_severe(alerts: Iterable[Alert]) -> list[Alert]:
    """Return at most LIST_CAP alerts: most severe first, then newest, each id once."""
    unique = {alert.alert_id: alert for alert in alerts}
    ranked = sorted(
        unique.values(),
        key=lambda alert: (
            SEVERITIES.index(alert.severity),
            -alert.detected_at.timestamp(),
            alert.alert_id,
        ),
    )
    return ranked[:LIST_CAP]
