"""The whole result: what adds up, what is capped, and what makes no difference."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from common.chain.types import DEAD_ADDRESS
from common.results.alerts import Alert
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.analysis.findings import LIST_CAP
from nft_worker.analysis.holders import holder_distribution
from nft_worker.analysis.rows import HOPS_PER_PATH
from nft_worker.models import Holdings

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

events = st.lists(
    st.tuples(
        st.integers(1, 4),  # token
        st.sampled_from(["a", "b", "c", "d", "v", ""]),
        st.sampled_from(["a", "b", "c", "d", "v", ""]),
        st.sampled_from(["gift", "native", "weth"]),
        st.integers(1, 1_000),
    ),
    min_size=1,
    max_size=25,
)


def told(new_story: Callable[..., "Story"], happened: list[tuple[Any, ...]]) -> "Story":
    story = new_story()
    story.place_contracts("v")
    for hour, (token_id, giver, taker, how, price) in enumerate(happened):
        if how == "native":
            story.sell(token_id, giver, taker, price, hours=hour)
        elif how == "weth":
            story.sell_for_weth(token_id, giver, taker, price, hours=hour)
        else:
            story.move(token_id, giver, taker, hours=hour)
    return story


@settings(max_examples=60)
@given(events, st.integers(0, 2**32))
def test_order_and_repetition_of_what_was_read_make_no_difference(
    new_story: Callable[..., "Story"], happened: list[tuple[Any, ...]], seed: int
) -> None:
    story = told(new_story, happened)
    random = Random(seed)  # noqa: S311 (a reproducible order, not a secret)
    repeated = story.transfers + random.choices(story.transfers, k=5)
    random.shuffle(repeated)

    assert story.analyze(transfers=repeated) == story.analyze()


@settings(max_examples=60)
@given(events)
def test_honest_and_wash_volume_add_up_and_every_figure_agrees(
    new_story: Callable[..., "Story"], happened: list[tuple[Any, ...]]
) -> None:
    found = told(new_story, happened).analyze()

    summary = found.summary
    for volume in summary.volume_by_currency:
        own = [sale for sale in found.sales if sale.currency == volume.currency]
        wash = sum(int(sale.price_raw or 0) for sale in own if sale.wash.flagged)
        assert int(volume.amount_raw) == sum(int(sale.price_raw or 0) for sale in own)
        assert int(volume.wash_amount_raw) == wash
        assert int(volume.honest_amount_raw) == int(volume.amount_raw) - wash
    honest = summary.sale_count - summary.wash_sale_count - summary.unpriced_sale_count
    assert sum(stats.sale_count for stats in found.price_stats) == honest
    assert sum(bucket.transfers for bucket in found.activity) == summary.transfer_count
    assert sum(bucket.sales for bucket in found.activity) == summary.sale_count
    assert sum(bucket.wash_sales for bucket in found.activity) == summary.wash_sale_count
    assert sum(bucket.mints for bucket in found.activity) == summary.mint_count
    assert sum(path.hops_total for path in found.token_paths) == summary.transfer_count
    assert sum(move.kind == "sale" for move in found.transfers) == summary.sale_count


@settings(max_examples=40)
@given(events)
def test_alerts_do_not_depend_on_how_much_older_history_was_read(
    new_story: Callable[..., "Story"], older: list[tuple[Any, ...]]
) -> None:
    story = told(new_story, older)
    begin = len(story.transfers)
    for day, (seller, buyer) in enumerate(pairwise("abcaa")):
        story.sell(9, seller, buyer, 100, hours=100 + 30 * day)

    def alerts_about_token_9(found: NftMovementAnalysis) -> list[Alert]:
        return [alert for alert in found.alerts or [] if alert.subject.token_id == "9"]

    newest = alerts_about_token_9(story.analyze(transfers=story.transfers[begin:]))

    assert {alert.type for alert in newest} == {"WASH_TRADE", "CIRCULAR_TRANSFER", "SELF_TRADE"}
    assert alerts_about_token_9(story.analyze()) == newest


def by_type(found: NftMovementAnalysis, kind: str) -> list[Alert]:
    return [alert for alert in found.alerts or [] if alert.type == kind]


def a_ring(story: "Story") -> NftMovementAnalysis:
    for day, (seller, buyer) in enumerate(pairwise("abca")):
        story.sell(1, seller, buyer, 100, hours=48 * day)
    return story.analyze()


def test_a_ring_makes_one_wash_alert_with_its_evidence(story: "Story") -> None:
    [alert] = by_type(a_ring(story), "WASH_TRADE")

    assert (alert.severity, alert.confidence, alert.metrics.value) == ("medium", 0.6, 0.6)
    assert (alert.subject.kind, alert.subject.token_id) == ("nft", "1")
    assert [each.transaction_hash for each in alert.evidence] == list(story.transactions)


def test_a_ring_that_goes_on_keeps_its_alert(story: "Story") -> None:
    first = {alert.alert_id for alert in a_ring(story).alerts or []}
    for day, (seller, buyer) in enumerate(pairwise("abca")):
        story.sell(1, seller, buyer, 100, hours=200 + 48 * day)

    again = {alert.alert_id for alert in by_type(story.analyze(), "WASH_TRADE")}

    assert again <= first


def test_less_than_was_asked_for_is_an_alert_that_stays_the_same(story: "Story") -> None:
    assert by_type(a_ring(story), "DATA_INCOMPLETE") == []

    story.undecodable_logs = 2
    found = story.analyze()
    [alert] = by_type(found, "DATA_INCOMPLETE")
    story.undecodable_logs = 3
    [later] = by_type(story.analyze(), "DATA_INCOMPLETE")

    assert (alert.severity, alert.subject.kind, alert.metrics.value) == ("low", "collection", 1)
    assert alert.title == found.completeness.reasons[0].detail
    assert alert.title.startswith("2 ")
    assert later.alert_id == alert.alert_id


def test_without_alerts_the_rest_is_the_same(story: "Story") -> None:
    loud = a_ring(story)
    quiet = story.analyze(include_alerts=False)

    assert quiet.alerts is None
    assert quiet == loud.model_copy(update={"alerts": None})


def test_an_empty_window_gives_an_empty_result(story: "Story") -> None:
    found = story.analyze()

    assert (found.summary.transfer_count, found.transfers, found.activity) == (0, [], [])
    assert (found.alerts, found.hold_time.median_s, found.summary.wash_volume_pct) == (
        [],
        None,
        None,
    )


def test_long_lists_are_capped_and_say_how_long_they_are(story: "Story") -> None:
    for hour in range(LIST_CAP + 5):
        story.sell(1, "ab"[hour % 2], "ba"[hour % 2], 100, hours=hour)

    found = story.analyze()

    assert (len(found.transfers), found.transfers_total) == (LIST_CAP, LIST_CAP + 5)
    assert (len(found.sales), found.sales_total) == (LIST_CAP, LIST_CAP + 5)
    assert found.transfers[0].block_number == LIST_CAP + 5
    [path] = found.token_paths
    assert (len(path.hops), path.hops_total) == (HOPS_PER_PATH, LIST_CAP + 5)


def test_hold_times_are_those_of_honest_holders(story: "Story") -> None:
    story.place_contracts("vault")
    story.move(1, "", "a", hours=0)
    story.move(1, "a", "vault", hours=10)
    story.move(1, "vault", "a", hours=20)
    story.move(1, "a", "b", hours=30)
    story.sell(2, "x", "y", 100, hours=40)
    story.sell(2, "y", "x", 100, hours=41)
    story.move(2, "x", "", hours=99)

    found = story.analyze().hold_time

    assert (found.count, found.median_s, found.open_positions) == (1, 30 * 3_600, 1)


def test_coverage_counts_tokens_out_of_reach_and_concentration_does_not() -> None:
    balances = {"0x" + "aa" * 20: 6, "0x" + "bb" * 20: 2, DEAD_ADDRESS: 2}
    holdings = Holdings(balances, 0, frozenset({"0x" + "bb" * 20}), {})  # type: ignore[arg-type]  # addresses

    found = holder_distribution(holdings, 10)

    assert (found.count, found.held_raw, found.coverage_status) == (2, "8", "complete")
    assert [(each.supply_pct, each.is_contract) for each in found.top] == [
        (60.0, False),
        (20.0, True),
    ]
    assert (found.top_10_pct, found.gini) == (80.0, 0.25)


def test_coverage_is_unknown_without_a_supply() -> None:
    holdings = Holdings({"0x" + "aa" * 20: 1}, 3, frozenset(), {})  # type: ignore[dict-item]  # an address

    found = holder_distribution(holdings, None)

    assert (found.coverage, found.coverage_status, found.unknown_count) == (None, "unknown", 3)
    assert (found.top_10_pct, found.top[0].supply_pct) == (100.0, None)


def test_an_hour_far_above_the_hours_before_is_an_activity_spike(story: "Story") -> None:
    token_id = 0
    for hour, moves in enumerate([3, 2, 4, 3, 2, 3, 4, 3, 3, 2, 30, 3, 1]):
        for index in range(moves):
            story.move(token_id, f"giver {token_id}", "taker", hours=hour + index / 60)
            token_id += 1

    found = story.analyze()

    [alert] = by_type(found, "ACTIVITY_SPIKE")
    spike = found.activity[10]
    assert (spike.transfers, spike.pct_vs_baseline, spike.complete) == (30, 900.0, True)
    assert alert.metrics.value == 900.0
    assert not found.activity[-1].complete
