"""Alerts about what pretends to be something else: counterfeit tokens, look-alike addresses."""

from collections.abc import Iterator

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.results.alerts import Alert, AlertMetrics
from token_worker.analysis.alert_factory import AlertFactory
from token_worker.analysis.findings import Findings
from token_worker.analysis.poisoned import find_dust_groups

SYMBOL_CONFIDENCE = 0.7
"""Some bridged tokens bear the symbol of the original."""


def imitation_alerts(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    """Yield all of these alerts, the most important of each type first."""
    yield from _counterfeit(found, make)
    yield from _poisoned_transactions(found, thresholds, make)
    yield from _bait(found, make)
    yield from _transfers_of_nothing(found, thresholds, make)


def _counterfeit(found: Findings, make: AlertFactory) -> Iterator[Alert]:
    reason = found.reading.counterfeit
    if reason:
        yield make.create(
            "COUNTERFEIT_TOKEN",
            "high",
            f"{make.short(make.token.address)} imitates another token: {reason.detail}",
            AlertMetrics(value=1, threshold=1),
            keys=(reason.code,),
            rows=found.top_rows,
            at=found.reading.block.timestamp,
            confidence=SYMBOL_CONFIDENCE,
        )


def _poisoned_transactions(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    least_dust, least_fake = (
        thresholds.poisoning_dust_transfers,
        thresholds.poisoning_fake_transfers,
    )
    dust = find_dust_groups(found.table, found.bait, least_dust)
    for name, words, groups, least in (
        ("dust", "transfers of dust with look-alikes", dust, least_dust),
        ("fake", "transfers of a counterfeit", found.fake_groups, least_fake),
    ):
        for group in groups:
            yield make.create(
                "ADDRESS_POISONING",
                "medium",
                f"{group.transfers} {words} in one transaction",
                AlertMetrics(value=group.transfers, threshold=least),
                keys=(found.table[group.rows[0]].transaction_hash, name),
                rows=group.rows,
                confidence=SYMBOL_CONFIDENCE if name == "fake" else 1.0,
            )


def _bait(found: Findings, make: AlertFactory) -> Iterator[Alert]:
    for bait in found.bait:
        transfer = found.table[bait.row]
        yield make.create(
            "ADDRESS_POISONING",
            "medium",
            f"{make.short(bait.fake)} imitates {make.short(bait.real)} in the history of "
            f"{make.short(bait.victim)} by a worthless transfer",
            AlertMetrics(value=1, threshold=1),
            keys=(transfer.transaction_hash, transfer.log_index),
            rows=[bait.row],
            wallet=bait.victim,
        )


def _transfers_of_nothing(
    found: Findings, thresholds: CoinFlowThresholds, make: AlertFactory
) -> Iterator[Alert]:
    for group in found.zero_value_groups:
        yield make.create(
            "ADDRESS_POISONING",
            "low",
            f"{group.transfers} transfers of nothing in one transaction",
            AlertMetrics(value=group.transfers, threshold=thresholds.poisoning_zero_transfers),
            keys=(found.table[group.rows[0]].transaction_hash,),
            rows=group.rows,
            confidence=0.8,
        )
