"""How an alert of this worker is made: identity, severity, words and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from common.chain.types import TokenMetadata
from common.chain.units import format_units
from common.models import from_millis
from common.results.alerts import Alert, AlertMetrics, AlertSubject, Evidence, Severity, alert_id
from token_worker.analysis.large_transfers import flow_type
from token_worker.analysis.table import EVIDENCE_CAP, TransferTable

SYMBOL_CAP = 16


def severity_of(value: float, threshold: float) -> Severity:
    """Return how far a threshold is exceeded: medium, high from 10 times, critical from 100.

    With the default of 0.1 % of supply, a transfer is high from 1 % and critical from 10 % on.
    """
    if value >= 100 * threshold:
        return "critical"
    return "high" if value >= 10 * threshold else "medium"


def utc_day(seconds: int) -> str:
    """Return the UTC day of a moment, for alerts that are raised at most once a day."""
    return from_millis(seconds * 1000).date().isoformat()


@dataclass(frozen=True)
class AlertFactory:
    """Makes the alerts of one run about one token."""

    chain_id: int
    token: TokenMetadata
    table: TransferTable

    def create(
        self,
        alert_type: str,
        severity: Severity,
        title: str,
        metrics: AlertMetrics,
        *,
        keys: Sequence[object],
        rows: Sequence[int] = (),
        wallet: str | None = None,
        at: int | None = None,
        confidence: float = 1.0,
        more: Sequence[Evidence] = (),
    ) -> Alert:
        """Return an alert.

        Args:
            alert_type: Such as `LARGE_TRANSFER`.
            severity: How serious it is.
            title: One sentence.
            metrics: Measured value and threshold.
            keys: What tells this occurrence from others of the same type, token and wallet.
            rows: Transfers that show it; the largest ones are kept, in chain order.
            wallet: The wallet it is about; without one it is about the token.
            at: Unix seconds at which it shows; by default the time of the newest row.
            confidence: 0..1.
            more: Transfers that show it beside those, where they are not in the table.
        """
        subject = wallet or self.token.address
        shown = self.table.largest(np.array(rows, dtype=np.int64))
        moment = self.newest(rows) if at is None else at
        evidence = {(each.block_number, each.log_index): each for each in more}
        for row in shown[: EVIDENCE_CAP - len(evidence)]:
            transfer = self._evidence(row)
            evidence[transfer.block_number, transfer.log_index] = transfer
        return Alert(
            alert_id=alert_id(self.chain_id, alert_type, subject, self.token.address, *keys),
            type=alert_type,
            severity=severity,
            subject=AlertSubject(kind="wallet" if wallet else "token", address=subject),
            title=title,
            metrics=metrics,
            evidence=[evidence[place] for place in sorted(evidence)],
            confidence=confidence,
            detected_at=self._time(moment),
        )

    def newest(self, rows: Sequence[int]) -> int:
        """Return the Unix seconds of the newest of some rows."""
        return int(self.table.timestamps[max(rows)])

    def amount(self, raw: int) -> str:
        """Write an amount for a sentence, such as `1,234.5678 FLOW`; digits beyond four are cut."""
        text = format_units(raw, self.token.decimals)
        if text is None:
            return f"{raw} raw units of {self.symbol}"
        whole, _, fraction = text.partition(".")
        fraction = fraction[:4].rstrip("0")
        return f"{int(whole):,}{'.' + fraction if fraction else ''} {self.symbol}"

    def movement(self, row: int) -> str:
        """Write what a transfer did, such as `1,500 FLOW moved from 0x12345678..9abc to ...`."""
        transfer = self.table[row]
        sender, recipient = self.short(transfer.sender), self.short(transfer.recipient)
        words = {"mint": f"minted to {recipient}", "burn": f"burned by {sender}"}.get(
            flow_type(self.table, row), f"moved from {sender} to {recipient}"
        )
        return f"{self.amount(transfer.amount)} {words}"

    @staticmethod
    def percent(value: float) -> str:
        """Write a percentage with four significant digits at most, whole from 1,000 on."""
        return f"{value:,.0f} %" if abs(value) >= 1_000 else f"{value:.4g} %"

    @property
    def symbol(self) -> str:
        """The token's symbol where it can stand in a sentence, else its short address.

        A contract may answer anything, line breaks and whole pages included.
        """
        symbol = self.token.symbol or ""
        if symbol.isprintable() and 0 < len(symbol) <= SYMBOL_CAP:
            return symbol
        return self.short(self.token.address)

    @staticmethod
    def short(address: str) -> str:
        """Return an address short enough for a sentence."""
        return f"{address[:8]}..{address[-4:]}"

    def _evidence(self, row: int) -> Evidence:
        transfer = self.table[row]
        return Evidence(
            transaction_hash=transfer.transaction_hash,
            log_index=transfer.log_index,
            block_number=transfer.block_number,
        )

    @staticmethod
    def _time(seconds: int) -> datetime:
        return from_millis(seconds * 1000)
