"""Wash scores of sales from the rules that fired."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import get_args

from common.actions.analyze_nft_movements import NftThresholds
from common.results.alerts import Severity
from common.results.nft_movements import WashRule
from nft_worker.analysis.findings import Finding
from nft_worker.models import Position

RULES: tuple[WashRule, ...] = get_args(WashRule)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much a sale looks like a wash trade, and which rules say so."""

    score: float
    rules: tuple[WashRule, ...]


INNOCENT = Verdict(0.0, ())


def wash_verdicts(findings: Iterable[Finding]) -> dict[Position, Verdict]:
    """Return the verdict on every accused sale.

    Each rule counts once for a sale, with its highest weight; independent hints combine as
    1 - product of (1 - weight), rounded to 6 digits. Sales that nothing was found for are absent.
    """
    weights: defaultdict[Position, dict[WashRule, float]] = defaultdict(dict)
    for finding in findings:
        if finding.rule is None:
            continue
        for sale, weight in finding.accused:
            own = weights[sale.position]
            own[finding.rule] = max(weight, own.get(finding.rule, 0.0))
    return {
        at: Verdict(
            round(1 - prod(1 - own[rule] for rule in RULES if rule in own), 6),
            tuple(rule for rule in RULES if rule in own),
        )
        for at, own in weights.items()
    }


def flagged_sales(verdicts: Mapping[Position, Verdict], cut: float) -> frozenset[Position]:
    """Return the sales with a score from `cut` on: they count as wash trades."""
    return frozenset(at for at, verdict in verdicts.items() if verdict.score >= cut)


def pattern_score(finding: Finding, verdicts: Mapping[Position, Verdict]) -> float:
    """Return the highest wash score of the sales a finding is about; 0 when there is none."""
    return max([verdicts[at].score for at in finding.sales if at in verdicts], default=0.0)


def finding_severity(finding: Finding, score: float, thresholds: NftThresholds) -> Severity:
    """Return a finding's own severity, or what the score of the accused sales makes of it."""
    if finding.rule is None:
        return finding.severity
    if score >= thresholds.wash_score_high:
        return "high"
    return "medium" if score >= thresholds.wash_score else "low"
