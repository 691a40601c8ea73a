from collections.abc import Callable
from dataclasses import replace

import pytest

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.types import Address
from common.errors import PayloadError
from common.prices.price import Price, PriceFeed
from token_worker.analysis.large_transfers import describe_transfer, large_amount, worth
from token_worker.analysis.report import report_flows
from token_worker.analysis.table import TransferTable
from token_worker.models import TokenFlowReading


def _thresholds(**given: float) -> CoinFlowThresholds:
    return CoinFlowThresholds.model_validate(given)


def test_a_transfer_is_large_by_its_share_of_supply() -> None:
    assert large_amount(_thresholds(), 1_000_000, 18) == 1_000


def test_an_amount_in_tokens_replaces_the_share() -> None:
    thresholds = _thresholds(largeTransferAmount=0.1)

    assert large_amount(thresholds, 1_000_000, 18) == 10**17


def test_an_amount_in_tokens_needs_decimals() -> None:
    with pytest.raises(PayloadError, match=r"largeTransferAmount.*decimals"):
        large_amount(_thresholds(largeTransferAmount=5), 1_000_000, None)


def test_without_supply_nothing_is_large() -> None:
    assert large_amount(_thresholds(), None, 18) is None
    assert large_amount(_thresholds(), 0, 18) is None


def test_large_transfers_are_ranked_by_amount_then_by_place_in_the_chain(
    a_table: Callable[..., TransferTable],
) -> None:
    table = a_table(("a", "b", 5), ("b", "c", 9), ("c", "d", 5), ("d", "e", 4))

    assert table.top_rows(3) == [1, 0, 2]


@pytest.mark.parametrize(
    ("sender", "recipient", "flow_type"),
    [
        ("a", "b", "transfer"),
        ("zero", "a", "mint"),
        ("zero", "zero", "mint"),
        ("a", "zero", "burn"),
        ("a", "dead", "to_dead"),
        ("a", "a", "self"),
    ],
)
def test_a_transfer_tells_its_kind(
    a_table: Callable[..., TransferTable], sender: str, recipient: str, flow_type: str
) -> None:
    shown = describe_transfer(a_table((sender, recipient, 150)), 0, 1_000, 2)

    assert shown.flow_type == flow_type
    assert (shown.amount_raw, shown.amount, shown.supply_pct) == ("150", "1.5", 15.0)


DOLLAR = Price(PriceFeed(None, Address("0x" + "f1" * 20), "FLOW / USD", 3_600), 10**8, 8, 1, 60)


def test_a_transfer_is_large_by_share_or_by_worth_whichever_is_less() -> None:
    assert large_amount(_thresholds(), 10**12, 2, DOLLAR) == 100_000 * 100
    assert large_amount(_thresholds(), 10**6, 2, DOLLAR) == 1_000
    assert large_amount(_thresholds(largeTransferUsd=5), None, 2, DOLLAR) == 500


def test_an_amount_in_tokens_alone_decides_although_there_is_a_price() -> None:
    assert large_amount(_thresholds(largeTransferAmount=10**9), 10**6, 2, DOLLAR) == 10**11


def test_worth_is_rounded_up_to_the_next_raw_unit() -> None:
    third = replace(DOLLAR, answer=3 * 10**8)

    assert large_amount(_thresholds(largeTransferUsd=1), None, 2, third) == 34


def test_without_decimals_or_a_price_nothing_has_a_worth() -> None:
    assert large_amount(_thresholds(), None, None, DOLLAR) is None
    assert worth(100, None, DOLLAR) is None
    assert worth(100, 2, None) is None
    assert worth(150, 2, DOLLAR) == "1.5"


@pytest.mark.parametrize(
    ("amount", "severity", "unit"),
    [
        (10_000_000, "medium", "usd"),
        (99_999_900, "medium", "usd"),
        (100_000_000, "high", "usd"),
        (5 * 10**9, "high", "usd"),
        (10**11, "critical", "supply_pct"),
    ],
)
def test_the_weightiest_reason_is_told(
    a_reading: Callable[..., TokenFlowReading], amount: int, severity: str, unit: str
) -> None:
    """Of 10^10 tokens at a dollar: a share of 0.1 % is worth 10 million, of 10 % a billion."""
    reading = a_reading(("a", "b", amount), opening={"a": 10**12}, price=DOLLAR)
    thresholds = _thresholds()

    [alert] = (
        alert
        for alert in report_flows(reading, CoinFlowOptions(), thresholds).alerts
        if alert.type == "LARGE_TRANSFER"
    )

    assert (alert.severity, alert.metrics.unit) == (severity, unit)
    assert f"${amount // 100:,}" in alert.title


def test_a_price_is_shown_with_age_and_source_and_a_stale_one_is_warned_of(
    a_reading: Callable[..., TokenFlowReading],
) -> None:
    old = replace(DOLLAR, age_seconds=3_601)
    fresh, stale, unknown = (
        report_flows(
            a_reading(("a", "b", 250), opening={"a": 1_000}, price=price),
            CoinFlowOptions(),
            _thresholds(),
        ).result
        for price in (DOLLAR, old, None)
    )

    assert fresh.token.price is not None
    assert (fresh.token.price.usd, fresh.token.price.source) == ("1", "Chainlink FLOW / USD")
    assert (fresh.token.price.age_seconds, fresh.token.price.stale) == (60, False)
    assert fresh.large_transfers[0].usd_value == "2.5"
    assert [each.code for each in stale.warnings] == ["price_stale"]
    assert (unknown.token.price, unknown.large_transfers[0].usd_value) == (None, None)
