"""What every type of alert promises: severity, figures, evidence, identity, thresholds, silence."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.actions.handler import Report
from common.actions.thresholds import resolve_thresholds
from common.chain.types import Address
from common.labels.label import Label
from common.prices.price import Price, PriceFeed
from common.results.alerts import Alert, Severity
from common.results.coin_flows import CoinFlowAnalysis
from common.results.envelope import Reason
from token_worker.analysis.report import report_flows
from token_worker.analysis.table import TransferTable
from token_worker.analysis.trends import PreviousReport
from token_worker.models import Sampled, TokenFlowReading

README = Path(__file__).parents[3] / "services/token-worker/README.md"
DOLLAR = Price(PriceFeed(None, Address("0x" + "f1" * 20), "FLOW / USD", 3_600), 10**8, 8, 1, 60)
FIELDS = {field.alias: name for name, field in CoinFlowThresholds.model_fields.items()}
FAKE = Reason(code="counterfeit_symbol", detail="its symbol 'USDC' is the symbol of another one")


@dataclass(frozen=True)
class Stories:
    """What stories are made of, see the fixtures."""

    reading: Callable[..., TokenFlowReading]
    table: Callable[..., TransferTable]
    one_transaction: Callable[[TransferTable], TransferTable]
    address: Callable[[str], Address]

    def at_once(self, *rows: Any, **given: Any) -> TokenFlowReading:
        """A reading whose rows are all of one transaction."""
        table = self.one_transaction(self.table(*rows))
        return replace(self.reading(*rows, **given), table=table)


@dataclass(frozen=True)
class Case:
    """One alert of a story.

    Attributes:
        silencers: Thresholds of which each set would have silenced it.
        given: Thresholds that the story needs to be told at all.
    """

    alert_type: str
    story: Callable[[Stories], TokenFlowReading]
    severity: Severity
    value: float
    threshold: float
    silencers: list[dict[str, float]]
    baseline: float | None = None
    evidence: int = 1
    trigger: str = ""
    given: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.alert_type} {self.trigger}".strip()


def _labelled(make: Stories, *rows: Any) -> TokenFlowReading:
    labels = {make.address("kraken"): Label("exchange", "Kraken 1")}
    return make.reading(*rows, opening={"a": 9_000, "kraken": 1_000}, labels=labels)


def _hours(per_hour: int, last: int, amount: int = 10) -> list[Any]:
    """Twelve hours alike and one with another number of transfers."""
    minutes = [60 * hour + n for hour in range(12) for n in range(per_hour)]
    return [("a", "b", 10, minute) for minute in minutes] + [
        ("a", "b", amount, 720 + n) for n in range(last)
    ]


CASES = [
    Case(
        "LARGE_TRANSFER",
        lambda make: make.reading(("a", "b", 200), opening={"a": 10_000}),
        "high", 2.0, 0.1, [{"largeTransferSupplyPct": 2.1}],
        trigger="by share",
    ),
    Case(
        "LARGE_TRANSFER",
        lambda make: make.reading(("a", "b", 30_000_000), opening={"a": 10**12}, price=DOLLAR),
        "medium", 300_000.0, 100_000.0, [{"largeTransferUsd": 300_001}],
        trigger="by worth",
    ),
    Case(
        "WHALE_MOVEMENT",
        lambda make: make.reading(("a", "b", 100), opening={"a": 1_000, "b": 9_000}),
        "medium", 10.0, 10.0, [{"whaleMovementPct": 10.1}, {"whalePercentage": 11}],
    ),
    Case(
        "WHALE_ACCUMULATION",
        lambda make: make.reading(("a", "b", 60), opening={"a": 5_000, "b": 5_000}),
        "medium", 0.6, 0.5, [{"whaleNetFlowSupplyPct": 0.7}, {"whalePercentage": 60}],
    ),
    Case(
        "WHALE_DISTRIBUTION",
        lambda make: make.reading(("a", "b", 60), opening={"a": 5_000, "b": 5_000}),
        "medium", -0.6, -0.5, [{"whaleNetFlowSupplyPct": 0.7}, {"whalePercentage": 60}],
    ),
    Case(
        "NEW_WHALE",
        lambda make: make.reading(
            ("a", "b", 2_000), opening={"a": 10_000},
            previous=PreviousReport(5, datetime(2023, 11, 15, tzinfo=UTC), False, frozenset(), {}),
        ),
        "high", 20.0, 1.0, [{"whalePercentage": 21}], baseline=0.0,
    ),
    Case(
        "ACTIVITY_SPIKE",
        lambda make: make.reading(*_hours(3, 40), opening={"a": 10**6}),
        "medium", 40, 9.0,
        [{"activitySpikePct": 1_300}, {"activityMinTransfers": 41}], baseline=3.0, evidence=10,
    ),
    Case(
        "VOLUME_SPIKE",
        lambda make: make.reading(*_hours(3, 10, amount=100), opening={"a": 10**6}),
        "high", 10.0, 1.2,
        [{"volumeSpikePct": 3_400}, {"activityMinTransfers": 11}], baseline=0.3, evidence=10,
    ),
    Case(
        "ACTIVITY_DROP",
        lambda make: make.reading(*_hours(10, 1), opening={"a": 10**6}, minutes_after=60),
        "medium", 1, 2.0, [{"activityDropPct": 91}], baseline=10.0,
    ),
    Case(
        "HOLDER_CONCENTRATION",
        lambda make: make.reading(("a", "b", 1_000), opening={"a": 10_000}),
        "high", 100.0, 50.0,
        [{"concentrationTop10Pct": 100, "concentrationNakamoto": 0, "concentrationHhi": 1}],
    ),
    Case(
        "MINT_EVENT",
        lambda make: make.reading(("zero", "a", 120), opening={"a": 9_880}),
        "medium", 1.2, 1.0, [{"mintSupplyPct": 1.3}],
    ),
    Case(
        "BURN_EVENT",
        lambda make: make.reading(("a", "zero", 1_000), opening={"a": 10_000}),
        "high", 10.0, 1.0, [{"burnSupplyPct": 10.1}],
    ),
    Case(
        "EXCHANGE_INFLOW",
        lambda make: _labelled(make, ("a", "kraken", 60)),
        "medium", 0.6, 0.5, [{"exchangeNetSupplyPct": 0.7}],
    ),
    Case(
        "EXCHANGE_OUTFLOW",
        lambda make: _labelled(make, ("kraken", "a", 600)),
        "high", -6.0, -0.5, [{"exchangeNetSupplyPct": 6.1}],
    ),
    Case(
        "DORMANT_WAKE",
        lambda make: make.reading(("zero", "a", 10_000, 0), ("a", "b", 20, 366 * 24 * 60)),
        "medium", 0.2, 0.1, [{"dormantSupplyPct": 0.21}, {"dormantDays": 367}],
    ),
    Case(
        "CIRCULAR_FLOW",
        lambda make: make.reading(
            ("a", "b", 100), ("b", "c", 100), ("c", "a", 99), opening={"a": 9_900, "rest": 10**6}
        ),
        "medium", 100 / (299 / 3), 1.1, [{"circularMinTransfers": 4}, {"circularResidualPct": 1.0}],
        evidence=3, given={"circularResidualPct": 1.1},
    ),
    Case(
        "BATCH_DISTRIBUTION",
        lambda make: make.at_once(*[("a", f"r{n}", 5) for n in range(8)], opening={"a": 10**6}),
        "info", 8, 8, [{"batchRecipients": 9}], evidence=8,
    ),
    Case(
        "BATCH_DISTRIBUTION",
        lambda make: make.at_once(*[("a", f"r{n}", 5) for n in range(51)], opening={"a": 10**6}),
        "low", 51, 8, [{"batchRecipients": 52}], evidence=10, trigger="like spam",
    ),
    Case(
        "ADDRESS_POISONING",
        lambda make: make.at_once(*[("a", f"r{n}", 0) for n in range(3)], opening={"a": 10}),
        "low", 3, 3, [{"poisoningZeroTransfers": 4}], evidence=3, trigger="by zeros",
    ),
    Case(
        "ADDRESS_POISONING",
        lambda make: make.at_once(
            *[("a", f"r{n}", 5) for n in range(5)], opening={"a": 10**6}, counterfeit=FAKE
        ),
        "medium", 5, 5, [{"poisoningFakeTransfers": 6}], evidence=5, trigger="by fakes",
    ),
    Case(
        "ADDRESS_POISONING",
        lambda make: make.at_once(
            *[(f"v{n}", "real ab", 10**6) for n in range(10)],
            *[(f"v{n}", "fake ab", 1) for n in range(10)],
            opening={f"v{n}": 10**7 for n in range(10)},
        ),
        "medium", 10, 10, [{"poisoningDustTransfers": 11}], evidence=10, trigger="by dust",
    ),
    Case(
        "ADDRESS_POISONING",
        lambda make: make.reading(
            ("v", "real ab", 10**6), ("v", "fake ab", 0), opening={"v": 10**7}
        ),
        "medium", 1, 1, [], trigger="by look",
    ),
    Case(
        "COUNTERFEIT_TOKEN",
        lambda make: make.reading(("a", "b", 5), opening={"a": 100}, counterfeit=FAKE),
        "high", 1, 1, [],
    ),
    Case(
        "NON_COMPLIANT_TOKEN",
        lambda make: make.reading(
            ("a", "b", 40), opening={"a": 100},
            sample={make.address("a"): Sampled(100, 100), make.address("b"): Sampled(0, 0)},
        ),
        "high", 2, 1, [],
    ),
    Case(
        "DATA_INCOMPLETE",
        lambda make: make.reading(("a", "b", 1), opening={"a": 9}, unread_logs=2),
        "low", 1, 1, [], evidence=0,
    ),
]  # fmt: skip

SILENCED = [(case, silencer) for case in CASES for silencer in case.silencers]

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_silencer = pytest.mark.parametrize(
    ("case", "silencer"), SILENCED, ids=[f"{case} {', '.join(each)}" for case, each in SILENCED]
)


@pytest.fixture(scope="module")
def make(
    a_reading: Callable[..., TokenFlowReading],
    a_table: Callable[..., TransferTable],
    one_transaction: Callable[[TransferTable], TransferTable],
    address: Callable[[str], Address],
) -> Stories:
    return Stories(a_reading, a_table, one_transaction, address)


def _report(
    reading: TokenFlowReading,
    configured: dict[str, float] | None = None,
    requested: dict[str, float] | None = None,
    **options: Any,
) -> Report[CoinFlowAnalysis]:
    thresholds = resolve_thresholds(CoinFlowThresholds, configured or {}, requested or {})
    return report_flows(reading, CoinFlowOptions(**options), thresholds)


def _of(case: Case, report: Report[CoinFlowAnalysis]) -> list[Alert]:
    """The alerts of a case: of its type, and as several triggers may share one, of its value."""
    return [
        alert
        for alert in report.alerts
        if alert.type == case.alert_type and alert.metrics.value == pytest.approx(case.value)
    ]


@every_case
def test_an_alert_tells_how_serious_it_is_and_shows_figures_and_evidence(
    make: Stories, case: Case
) -> None:
    reading = case.story(make)

    alert, *_ = _of(case, _report(reading, requested=case.given))

    assert alert.severity == case.severity
    assert alert.metrics.value == pytest.approx(case.value)
    assert alert.metrics.threshold == pytest.approx(case.threshold)
    assert alert.metrics.baseline == case.baseline
    assert len(alert.evidence) == case.evidence
    shown = {reading.table[row].transaction_hash for row in range(len(reading.table))}
    assert {each.transaction_hash for each in alert.evidence} <= shown
    assert alert.title.isprintable()
    assert 0 < alert.confidence <= 1
    assert alert.detected_at.timestamp() <= reading.block.timestamp


@every_silencer
def test_each_threshold_can_be_set_by_configuration_and_by_the_job(
    make: Stories, case: Case, silencer: dict[str, float]
) -> None:
    reading = case.story(make)
    changed = {**case.given, **silencer}
    unchanged = {name: getattr(CoinFlowThresholds(), FIELDS[name]) for name in silencer}

    assert not _of(case, _report(reading, configured=changed))
    assert not _of(case, _report(reading, requested=changed))
    assert _of(case, _report(reading, configured=changed, requested={**unchanged, **case.given}))


@every_case
def test_an_alert_is_the_same_in_every_run_and_another_one_on_another_chain(
    make: Stories, case: Case
) -> None:
    first, again, elsewhere = (
        _of(case, _report(replace(case.story(make), chain_id=chain), requested=case.given))
        for chain in (1, 1, 10)
    )

    assert first == again
    assert len({alert.alert_id for alert in first}) == len(first)
    assert not {alert.alert_id for alert in first} & {alert.alert_id for alert in elsewhere}


@every_case
def test_without_alerts_there_are_none_and_the_rest_stays(make: Stories, case: Case) -> None:
    reading = case.story(make)

    silent = _report(reading, requested=case.given, include_alerts=False)
    loud = _report(reading, requested=case.given)

    assert (silent.alerts, silent.result.alerts) == ([], None)
    assert silent.result.model_copy(update={"alerts": loud.result.alerts}) == loud.result


def test_every_alert_that_the_readme_names_is_in_this_catalogue() -> None:
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", README.read_text(encoding="utf-8")))

    assert named - {"ADDRESS_LABELS_FILE"} == {case.alert_type for case in CASES}
