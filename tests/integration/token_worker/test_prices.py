"""USD values and counterfeits on a real node: the feed is asked at the pinned block."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from common.actions.analyze_coin_flows import CoinFlowPayload
from common.actions.handler import Report
from common.chain.transfers import TRANSFER
from common.chain.types import Address
from common.prices.price import PriceFeed
from common.results.coin_flows import CoinFlowAnalysis
from tests.integration.evm_code import REVERTS, aggregator, dispatch, text, words
from tests.integration.stage import Stage
from token_worker.handler import analyze_with

NOBODY, ANN, BEN = "0x" + "00" * 20, "0x" + "a1" * 20, "0x" + "b2" * 20
FEED = Address("0x" + "f1" * 20)
DAY = 86_400

Analyze = Callable[..., Awaitable[Report[CoinFlowAnalysis]]]


def place_token(stage: Stage, symbol: bytes, transfers: int = 1) -> Address:
    """A token of 2 decimals of which Ben got 2,000 from Ann `transfers` times at once."""
    answers = {
        "95d89b41": text(symbol),
        "313ce567": words(2),
        "18160ddd": words(10**12),
        "70a08231": words(10**6),
    }
    moved = (TRANSFER, ANN, BEN), (200_000,)
    token = stage.place_emitter(dispatch(answers, otherwise=REVERTS), [moved] * transfers)
    stage.emit(token)
    return Address(token)


@pytest.fixture
def analyze_priced(run_handler: Callable[..., Any], stage: Stage) -> Analyze:
    """Analyse a token of the stage with some price feeds; keyword arguments are options."""

    async def run(token: str, feeds: list[PriceFeed], **options: Any) -> Report[CoinFlowAnalysis]:
        payload = CoinFlowPayload.model_validate({"tokenAddress": token, "options": options})
        report: Report[CoinFlowAnalysis]
        handler = partial(analyze_with, {31337: feeds})
        report, _ = await run_handler(handler, payload, stage.url)
        return report

    return run


@pytest.mark.parametrize("window", [{}, {"fullHistory": True}], ids=["newest", "whole"])
async def test_a_transfer_is_large_by_its_worth_at_the_block(
    stage: Stage, analyze_priced: Analyze, window: dict[str, Any]
) -> None:
    token = place_token(stage, b"ODD")
    now = int(stage.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    stage.call("anvil_setCode", FEED, aggregator(60 * 10**8, now))
    stage.finish()
    feeds = [PriceFeed(token, FEED, "ODD / USD", 10 * DAY)]

    report = await analyze_priced(token, feeds, **window)
    without = await analyze_priced(token, [], **window)

    result = report.result
    assert result.token.price is not None
    assert (result.token.price.usd, result.token.price.feed_address) == ("60", FEED)
    [shown] = result.large_transfers
    assert shown.usd_value == "120000"
    [alert] = (alert for alert in report.alerts if alert.type == "LARGE_TRANSFER")
    assert (alert.severity, alert.metrics.value, alert.metrics.unit) == ("medium", 120_000.0, "usd")
    assert (without.result.token.price, without.result.large_transfers) == (None, [])


async def test_a_feed_that_does_not_answer_gives_no_price(
    stage: Stage, analyze_priced: Analyze
) -> None:
    token = place_token(stage, b"ODD")
    stage.finish()

    report = await analyze_priced(token, [PriceFeed(token, FEED, "ODD / USD", DAY)])

    assert report.result.token.price is None
    assert report.result.completeness.status == "complete"


async def test_a_token_with_the_symbol_of_another_is_marked_and_its_crowds_are_poisoning(
    stage: Stage, analyze_priced: Analyze
) -> None:
    real = place_token(stage, b"ODD")
    fake = place_token(stage, "\u041eDD".encode(), transfers=5)  # a Cyrillic O
    stage.finish()
    feeds = [PriceFeed(real, FEED, "ODD / USD", DAY, symbol="ODD")]

    report = await analyze_priced(fake, feeds)
    genuine = await analyze_priced(real, feeds)

    assert report.result.token.counterfeit is not None
    assert real in report.result.token.counterfeit.detail
    assert {"COUNTERFEIT_TOKEN", "ADDRESS_POISONING"} <= {each.type for each in report.alerts}
    assert genuine.result.token.counterfeit is None
    assert not {"COUNTERFEIT_TOKEN", "ADDRESS_POISONING"} & {each.type for each in genuine.alerts}
