from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.actions.handler import Report
from common.chain.types import Address, TokenMetadata
from common.results.coin_flows import CoinFlowAnalysis
from token_worker.analysis.report import report_flows
from token_worker.models import TokenFlowReading

LARGEST = 2**256 - 1
Reading = Callable[..., TokenFlowReading]

NAMES = st.sampled_from(["zero", "dead", "token", "a", "b", "c"])
ROWS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, LARGEST)), max_size=20)


def _report(reading: TokenFlowReading, **options: Any) -> Report[CoinFlowAnalysis]:
    parsed = CoinFlowOptions.model_validate(options)
    return report_flows(reading, parsed, CoinFlowThresholds.model_validate(parsed.thresholds))


@given(ROWS, st.randoms())
def test_the_order_of_what_was_read_never_changes_the_report(
    a_reading: Reading, rows: list[tuple[str, str, int]], random: Random
) -> None:
    reading = a_reading(*rows)
    order, balances = list(range(len(rows))), list(reading.balances.items())
    random.shuffle(order)
    random.shuffle(balances)
    shuffled = a_reading(*rows, select=order, balances=dict(balances))

    assert _report(shuffled) == _report(reading)


@given(ROWS)
def test_any_report_survives_json(a_reading: Reading, rows: list[tuple[str, str, int]]) -> None:
    report = _report(a_reading(*rows))

    restored = CoinFlowAnalysis.model_validate_json(report.result.model_dump_json(by_alias=True))

    assert restored == report.result
    assert len(str(dict(report.summary))) < 1_000


def test_the_largest_possible_transfers_stay_exact(a_reading: Reading) -> None:
    reading = a_reading(("a", "b", LARGEST), ("a", "b", LARGEST), total_supply=LARGEST)

    result = _report(reading).result

    assert result.summary.volume_raw == str(2 * LARGEST)
    assert result.size_distribution.max_raw == str(LARGEST)
    assert result.flow_graph.edges[0].amount_raw == str(2 * LARGEST)
    assert {flow.net_raw for flow in result.net_flows} == {str(2 * LARGEST), str(-2 * LARGEST)}


def test_transfers_larger_than_the_supply_are_reported_as_doubtful(a_reading: Reading) -> None:
    result = _report(a_reading(("a", "b", 5_000), total_supply=100)).result

    assert "transfers_exceed_supply" in {warning.code for warning in result.warnings}


def test_a_token_without_transfers_gets_an_honest_empty_report(a_reading: Reading) -> None:
    result = _report(a_reading(total_supply=1_000)).result

    assert result.summary.transfer_count == 0
    assert result.size_distribution.median_raw is None
    assert result.alerts == []
    assert [*result.activity, *result.net_flows, *result.whales] == []
    assert [warning.code for warning in result.warnings] == ["no_transfers"]


def test_without_a_supply_shares_are_missing_and_the_result_is_partial(a_reading: Reading) -> None:
    result = _report(a_reading(("a", "b", 10), opening={"a": 50}, total_supply=None)).result

    assert result.token.total_supply_raw is None
    assert result.holders.coverage_status == "unknown"
    assert result.summary.volume_raw == "10"
    assert result.completeness.status == "partial"
    assert [reason.code for reason in result.completeness.reasons] == ["supply_unknown"]


def test_without_decimals_amounts_are_raw_only(a_reading: Reading, token: Address) -> None:
    metadata = TokenMetadata(token, None, None, None, "missing")

    report = _report(a_reading(("a", "b", 10), opening={"a": 50}, token=metadata))

    [transfer] = report.result.large_transfers
    assert (transfer.amount_raw, transfer.amount) == ("10", None)
    assert [warning.code for warning in report.result.warnings] == ["decimals_unknown"]
    assert "10 raw units of 0x7fa767..d2e7" in report.alerts[0].title


def test_unanswered_balances_and_unread_logs_make_it_partial(
    a_reading: Reading, address: Callable[[str], Address]
) -> None:
    balances: dict[Address, int | None] = {address("a"): None, address("b"): 10}

    result = _report(a_reading(("a", "b", 10), balances=balances, unread_logs=2)).result

    codes = [reason.code for reason in result.completeness.reasons]
    assert codes == ["balances_unknown", "unread_logs"]


def test_alerts_are_left_out_when_the_job_asks_for_none(a_reading: Reading) -> None:
    reading = a_reading(("a", "b", 10), opening={"a": 50})

    silent = _report(reading, includeAlerts=False)

    assert _report(reading).alerts
    assert silent.alerts == []
    assert silent.result.alerts is None
    assert silent.result.large_transfers == _report(reading).result.large_transfers


def test_the_result_names_the_thresholds_in_force(a_reading: Reading) -> None:
    result = _report(a_reading(), thresholds={"whalePercentage": 2.5}).result

    assert result.thresholds["whalePercentage"] == 2.5
    assert result.thresholds["activitySpikePct"] == 200.0
    assert "largeTransferAmount" not in result.thresholds
    assert '"concentrationNakamoto":3,' in result.model_dump_json(by_alias=True)  # a count


def test_the_window_tells_that_older_history_exists(a_reading: Reading, noon: int) -> None:
    reading = a_reading(("a", "b", 1), ("b", "a", 1), truncated=True, minutes_after=5)

    window = _report(reading).result.window

    assert window.truncated
    assert (window.from_block, window.to_block) == (100, 102)
    assert window.from_timestamp is not None
    assert window.from_timestamp.timestamp() == noon
    assert window.to_timestamp is not None
    assert window.to_timestamp.timestamp() == noon + 6 * 60


def test_a_token_that_wraps_the_native_coin_says_what_is_missing(a_reading: Reading) -> None:
    result = _report(a_reading(("a", "b", 1), wraps_native=True)).result

    assert "wraps_are_mints" in {warning.code for warning in result.warnings}
