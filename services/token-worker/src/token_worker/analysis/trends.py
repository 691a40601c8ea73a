"""A report against the previous one of the same job."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.chain.types import Address
from common.results.coin_flows import CoinFlowAnalysis, Trend, Trends

_FIGURES = (
    ("token", "totalSupplyRaw"),
    ("summary", "transferCount"),
    ("summary", "activeAddresses"),
    ("summary", "volumeRaw"),
    ("summary", "mintedRaw"),
    ("summary", "burnedRaw"),
    ("holders", "holderCount"),
    ("holders", "gini"),
    ("holders", "hhi"),
    ("holders", "nakamoto"),
    ("holders", "top10Pct"),
    ("exchangeFlows", "netRaw"),
)


@dataclass(frozen=True)
class PreviousReport:
    """What is needed of the previous report.

    Attributes:
        block_number: The block it was pinned to.
        timestamp: Of that block.
        is_whole: It had all transfers of the token.
        whales: Who held enough then to be a whale.
        figures: Its figures by section and name, as stored.
    """

    block_number: int
    timestamp: datetime
    is_whole: bool
    whales: frozenset[Address]
    figures: Mapping[str, Any]

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> "PreviousReport | None":
        """Return what is needed of a stored report; None of one of another layout."""
        try:
            if document is None:
                return None
            block = document["block"]
            timestamp = block["timestamp"]
            least = document["thresholds"]["whalePercentage"]
            return cls(
                block_number=block["number"],
                timestamp=timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC),
                is_whole=not document["window"]["truncated"],
                whales=frozenset(
                    whale["address"] for whale in document["whales"] if whale["supplyPct"] >= least
                ),
                figures=document,
            )
        except KeyError:
            return None


def describe_trends(report: CoinFlowAnalysis, previous: PreviousReport | None) -> Trends | None:
    """Return how the figures of a report have changed; None for a job's first report."""
    if previous is None:
        return None
    current = report.model_dump(by_alias=True)
    return Trends(
        previous_block=previous.block_number,
        previous_timestamp=previous.timestamp,
        comparable=previous.is_whole == (not report.window.truncated),
        figures=[
            _trend(name, previous.figures.get(section, {}).get(name), current[section][name])
            for section, name in _FIGURES
        ],
    )


def _trend(name: str, before: str | float | None, now: str | float | None) -> Trend:
    change: float | None = None
    if before is not None and now is not None:
        earlier, later = _number(before), _number(now)
        if earlier:
            change = (later - earlier) * 100 / abs(earlier)
    return Trend(figure=name, previous=before, current=now, change_pct=change)


def _number(value: str | float) -> float:
    return int(value) if isinstance(value, str) else value
