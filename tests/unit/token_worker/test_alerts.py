from collections.abc import Callable

import pytest

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.types import Address, TokenMetadata
from common.results.alerts import Alert
from token_worker.analysis.alert_factory import severity_of
from token_worker.analysis.report import ALERT_CAP_PER_TYPE, report_flows
from token_worker.models import TokenFlowReading

Reading = Callable[..., TokenFlowReading]


def _alerts(reading: TokenFlowReading, **thresholds: float) -> list[Alert]:
    options = CoinFlowOptions(thresholds=thresholds)
    return report_flows(reading, options, CoinFlowThresholds.model_validate(thresholds)).alerts


def _of(alert_type: str, alerts: list[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.type == alert_type]


@pytest.fixture
def a_calm_and_a_busy_hour(a_reading: Reading) -> Callable[..., TokenFlowReading]:
    """Twelve hours with 3 transfers of 100 each, then one with `count` transfers of `amount`."""

    def build(count: int, amount: int = 100, minutes_after: int = 1) -> TokenFlowReading:
        calm = [("a", "b", 100, hour * 60 + n) for hour in range(12) for n in (0, 20, 40)]
        busy = [("c", f"d{n}", amount, 720 + n % 50) for n in range(count)]
        opening = {"a": 50_000, "c": 950_000}
        return a_reading(*calm, *busy, opening=opening, minutes_after=minutes_after)

    return build


def test_a_large_transfer_is_shown_with_its_share_and_where_to_look(a_reading: Reading) -> None:
    [alert] = _of("LARGE_TRANSFER", _alerts(a_reading(("a", "b", 200), opening={"a": 10_000})))

    assert (alert.severity, alert.metrics.value, alert.metrics.threshold) == ("high", 2.0, 0.1)
    assert "2 FLOW moved" in alert.title
    assert "2 % of supply" in alert.title
    assert [each.block_number for each in alert.evidence] == [100]


def test_a_large_transfer_by_amount_is_measured_in_tokens(a_reading: Reading) -> None:
    reading = a_reading(("a", "b", 200), ("a", "b", 199), opening={"a": 10_000})

    [alert] = _of("LARGE_TRANSFER", _alerts(reading, largeTransferAmount=2))

    assert (alert.metrics.value, alert.metrics.threshold) == (2.0, 2.0)


def test_a_whale_that_moves_a_tenth_of_its_balance_is_told_of(
    a_reading: Reading, address: Callable[[str], Address]
) -> None:
    reading = a_reading(("a", "b", 100), ("a", "b", 89), opening={"a": 1_000, "b": 9_000})

    [alert] = _of("WHALE_MOVEMENT", _alerts(reading))

    assert (alert.subject.kind, alert.subject.address) == ("wallet", address("a"))
    assert alert.metrics.value == 10.0


def test_whales_that_gather_or_give_are_told_of(a_reading: Reading) -> None:
    reading = a_reading(("a", "b", 60), opening={"a": 5_000, "b": 5_000})

    alerts = _alerts(reading)

    [gathers], [gives] = _of("WHALE_ACCUMULATION", alerts), _of("WHALE_DISTRIBUTION", alerts)
    assert (gathers.metrics.value, gathers.metrics.threshold) == (0.6, 0.5)
    assert (gives.metrics.value, gives.metrics.threshold) == (-0.6, -0.5)
    assert not _of("WHALE_ACCUMULATION", _alerts(reading, whaleNetFlowSupplyPct=0.7))


def test_mints_and_burns_are_summed_over_the_window(a_reading: Reading) -> None:
    reading = a_reading(
        ("zero", "a", 60), ("zero", "b", 60), ("c", "zero", 100), opening={"c": 9_980}
    )

    alerts = _alerts(reading)

    [mint], [burn] = _of("MINT_EVENT", alerts), _of("BURN_EVENT", alerts)
    assert mint.metrics.value == pytest.approx(1.2)
    assert len(mint.evidence) == 2
    assert burn.metrics.value == pytest.approx(1.0)
    assert not _of("MINT_EVENT", _alerts(reading, mintSupplyPct=1.3))


@pytest.mark.parametrize(
    ("truncated", "words"), [(True, "within the window"), (False, "in the token's whole history")]
)
def test_a_sum_says_over_what_it_is(a_reading: Reading, truncated: bool, words: str) -> None:
    rows = [("zero", "a", 500), ("a", "zero", 200), ("a", "b", 200)]

    alerts = _alerts(a_reading(*rows, truncated=truncated))

    for alert_type in ("MINT_EVENT", "BURN_EVENT", "WHALE_ACCUMULATION"):
        assert all(words in alert.title for alert in _of(alert_type, alerts))
        assert _of(alert_type, alerts)


def test_burning_everything_is_a_hundred_percent(a_reading: Reading) -> None:
    [burn] = _of("BURN_EVENT", _alerts(a_reading(("a", "zero", 500), opening={"a": 500})))

    assert (burn.metrics.value, burn.severity) == (100.0, "critical")


def test_an_hour_far_above_the_median_is_a_spike(
    a_calm_and_a_busy_hour: Reading,
) -> None:
    alerts = _alerts(a_calm_and_a_busy_hour(40))

    [spike] = _of("ACTIVITY_SPIKE", alerts)
    [volume] = _of("VOLUME_SPIKE", alerts)
    assert (spike.metrics.value, spike.metrics.baseline, spike.metrics.threshold) == (40, 3, 9)
    assert (volume.metrics.value, volume.metrics.baseline) == (40.0, 3.0)  # tokens of 100 units
    assert spike.severity == "medium"
    assert len(spike.evidence) == 10


def test_a_few_more_transfers_are_no_spike(a_calm_and_a_busy_hour: Reading) -> None:
    assert not _of("ACTIVITY_SPIKE", _alerts(a_calm_and_a_busy_hour(8)))
    assert not _of("ACTIVITY_SPIKE", _alerts(a_calm_and_a_busy_hour(40), activitySpikePct=1_300))
    # four transfers after one are +300 %, but nothing worth waking anybody
    assert not _of("VOLUME_SPIKE", _alerts(a_calm_and_a_busy_hour(4, amount=90_000)))


def test_a_drop_shows_only_when_its_hour_is_over(a_calm_and_a_busy_hour: Reading) -> None:
    during = _alerts(a_calm_and_a_busy_hour(0, minutes_after=79))  # 12:59 after the last at 11:40
    after = _alerts(a_calm_and_a_busy_hour(0, minutes_after=80))

    assert not _of("ACTIVITY_DROP", during)
    [drop] = _of("ACTIVITY_DROP", after)
    assert (drop.metrics.value, drop.metrics.baseline) == (0, 3)


def test_concentration_is_judged_only_when_nearly_all_of_supply_was_seen(
    a_reading: Reading,
) -> None:
    rows = [("a", f"holder {n}", 10) for n in range(20)]

    [alert] = _of("HOLDER_CONCENTRATION", _alerts(a_reading(*rows, opening={"a": 10_000})))
    unseen = a_reading(*rows, opening={"a": 10_000}, total_supply=20_000)

    assert alert.severity == "high"
    assert alert.metrics.value == pytest.approx((9_800 + 90) / 100)
    assert not _of("HOLDER_CONCENTRATION", _alerts(unseen))


def test_many_equal_holders_are_no_concentration(a_reading: Reading) -> None:
    rows = [("zero", f"holder {n}", 10) for n in range(40)]

    assert not _of("HOLDER_CONCENTRATION", _alerts(a_reading(*rows)))


def test_a_circle_is_told_of_with_its_transfers(a_reading: Reading) -> None:
    reading = a_reading(
        ("a", "b", 100), ("b", "c", 100), ("c", "a", 100), opening={"a": 100, "rest": 99_900}
    )

    [alert] = _of("CIRCULAR_FLOW", _alerts(reading))

    assert (alert.metrics.value, alert.metrics.threshold) == (0.0, 1.0)
    assert len(alert.evidence) == 3
    assert not _of("CIRCULAR_FLOW", _alerts(reading, circularMinTransfers=4))


def test_deposits_to_a_contract_and_back_are_no_circle_worth_an_alert(
    a_reading: Reading, address: Callable[[str], Address]
) -> None:
    rows = [("a", "vault", 100), ("vault", "a", 100)] * 2
    reading = a_reading(*rows, opening={"a": 1_000}, contracts={address("vault"): True})

    assert not _of("CIRCULAR_FLOW", _alerts(reading))
    assert _of("CIRCULAR_FLOW", _alerts(a_reading(*rows, opening={"a": 1_000})))


def test_an_overlapping_run_raises_the_same_alerts_again(a_reading: Reading) -> None:
    rows = [("x", "y", 5), ("a", "b", 400), ("b", "c", 300), ("c", "zero", 200)]
    opening = {"x": 100, "a": 4_000, "b": 6_000}
    whole = a_reading(*rows, opening=opening)
    newest = a_reading(*rows, opening=opening, select=[1, 2, 3], from_block=101, truncated=True)

    first, second = ({alert.alert_id for alert in _alerts(run)} for run in (whole, newest))

    assert first == second


def test_the_same_event_on_another_chain_is_another_alert(a_reading: Reading) -> None:
    here, there = (
        _alerts(a_reading(("a", "b", 400), opening={"a": 1_000}, chain_id=chain))
        for chain in (1, 10)
    )

    assert not {alert.alert_id for alert in here} & {alert.alert_id for alert in there}


def test_alerts_of_one_type_are_capped_and_the_largest_are_kept(a_reading: Reading) -> None:
    rows = [("a", "b", 100 + n) for n in range(ALERT_CAP_PER_TYPE + 5)]
    reading = a_reading(*rows, opening={"a": 20_000})

    report = report_flows(reading, CoinFlowOptions(), CoinFlowThresholds())

    large = _of("LARGE_TRANSFER", report.alerts)
    assert len(large) == ALERT_CAP_PER_TYPE
    assert "204" in large[0].title.replace("2.04", "204")
    assert "alerts_capped" in {warning.code for warning in report.result.warnings}
    assert report.result.large_transfers_total == ALERT_CAP_PER_TYPE + 5


def test_severity_grows_with_the_distance_from_the_threshold() -> None:
    assert [severity_of(value, 0.1) for value in (0.1, 0.99, 1.0, 9.9, 10.0)] == [
        "medium",
        "medium",
        "high",
        "high",
        "critical",
    ]


@pytest.mark.parametrize("symbol", [None, "", "A\nB", "X" * 200, "\u202ekcab"])
def test_a_symbol_that_cannot_stand_in_a_sentence_is_replaced(
    a_reading: Reading, token: Address, symbol: str | None
) -> None:
    metadata = TokenMetadata(token, None, symbol, 0, "ok")
    reading = a_reading(("a", "b", 400), opening={"a": 1_000}, token=metadata)

    titles = [alert.title for alert in _alerts(reading)]

    assert all(title.isprintable() for title in titles)
    assert any("400 0x7fa767..d2e7" in title for title in titles)
