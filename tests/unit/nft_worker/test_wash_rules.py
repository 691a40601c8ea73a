"""What is called a wash trade, how strongly, and what is not."""

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from common.results.nft_movements import NftMovementAnalysis, SuspiciousPattern
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.rules import (
    common_funders,
    cycles,
    flash_loans,
    price_anomalies,
    repeated_trades,
    self_trades,
    swap_backs,
    token_rings,
)
from nft_worker.analysis.scoring import RULES, wash_verdicts

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

DAY = 24


def patterns(found: NftMovementAnalysis, kind: str) -> list[SuspiciousPattern]:
    return [pattern for pattern in found.suspicious_patterns if pattern.type == kind]


def scores(found: NftMovementAnalysis) -> list[float]:
    """Return the scores of the sales, oldest first."""
    return [sale.wash.score for sale in reversed(found.sales)]


def test_the_weights_are_the_documented_ones() -> None:
    assert (self_trades.WEIGHT, cycles.WEIGHT, cycles.FAST_WEIGHT) == (1.0, 0.6, 0.8)
    assert (swap_backs.WEIGHT, token_rings.WEIGHT) == (0.5, 0.5)
    assert (repeated_trades.WEIGHT, price_anomalies.WEIGHT) == (0.4, 0.3)
    assert (common_funders.WEIGHT, flash_loans.WEIGHT) == (0.5, 0.6)


def test_honest_sales_down_a_chain_of_owners_are_not_suspected(story: "Story") -> None:
    for day, (seller, buyer) in enumerate(pairwise("abcde")):
        story.sell(1, seller, buyer, 100, hours=2 * DAY * day)

    found = story.analyze()

    assert (scores(found), found.suspicious_patterns, found.wallet_clusters) == ([0.0] * 4, [], [])


def test_selling_to_oneself_is_certain(story: "Story") -> None:
    story.sell(1, "a", "a", 100, hours=0)

    found = story.analyze()

    assert scores(found) == [1.0]
    [pattern] = found.suspicious_patterns
    assert (pattern.type, pattern.severity, pattern.rules) == ("self_trade", "high", ["self_trade"])


def test_a_transfer_to_oneself_without_payment_is_no_self_trade(story: "Story") -> None:
    story.move(1, "a", "a", hours=0)

    found = story.analyze()

    assert (found.summary.self_transfer_count, found.suspicious_patterns) == (1, [])


def test_a_round_trip_of_sales_is_a_cycle_and_a_swap_back(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell_for_weth(1, "b", "a", 110, hours=3 * DAY)

    found = story.analyze()

    assert scores(found) == [0.8, 0.8]  # 1 - (1 - 0.6)(1 - 0.5)
    [sale, _] = found.sales
    assert (sale.wash.filters, sale.wash.flagged) == (["closed_cycle", "swap_back"], True)


def test_a_round_trip_within_a_day_weighs_more(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "a", 100, hours=DAY)

    assert scores(story.analyze()) == [0.9, 0.9]  # 1 - (1 - 0.8)(1 - 0.5)


def test_a_ring_of_three_wallets_is_flagged(story: "Story") -> None:
    for day, (seller, buyer) in enumerate(pairwise("abca")):
        story.sell(1, seller, buyer, 100, hours=2 * DAY * day)

    found = story.analyze()

    assert scores(found) == [0.6] * 3
    [pattern] = found.suspicious_patterns
    assert (pattern.type, pattern.severity, len(pattern.addresses)) == ("closed_cycle", "medium", 3)
    assert pattern.transactions_total == 3
    assert found.wallet_clusters[0].addresses == pattern.addresses


def test_a_swap_back_after_more_than_the_cycle_time_is_still_flagged(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "a", 100, hours=31 * DAY)

    found = story.analyze()

    assert scores(found) == [0.5, 0.5]
    assert [pattern.type for pattern in found.suspicious_patterns] == ["swap_back"]


def test_a_sale_whose_token_comes_back_for_nothing_is_flagged(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.move(1, "b", "a", hours=2 * DAY)

    assert scores(story.analyze()) == [0.6]


def test_a_token_lent_and_returned_accuses_nobody(story: "Story") -> None:
    story.move(1, "a", "b", hours=0)
    story.move(1, "b", "a", hours=2 * DAY)

    found = story.analyze()

    assert (found.summary.wash_sale_count, found.summary.sale_count) == (0, 0)
    [pattern] = found.suspicious_patterns
    assert (pattern.type, pattern.score, pattern.rules) == ("circular_transfer", 0.0, [])


def test_owner_to_vault_and_back_is_no_cycle(story: "Story") -> None:
    story.place_contracts("vault")
    story.move(1, "a", "vault", hours=0)
    story.move(1, "vault", "a", hours=5)

    assert story.analyze().suspicious_patterns == []


def test_a_pool_in_between_makes_no_cycle(story: "Story") -> None:
    story.place_contracts("pool")
    story.move(1, "a", "pool", hours=0)
    story.sell(1, "pool", "b", 100, hours=5)
    story.move(1, "b", "pool", hours=10)
    story.sell(1, "pool", "a", 100, hours=15)

    found = story.analyze()

    assert (scores(found), found.suspicious_patterns) == ([0.0, 0.0], [])


def test_a_ring_is_seen_through_a_visit_to_a_vault(story: "Story") -> None:
    story.place_contracts("vault")
    story.sell(1, "a", "b", 100, hours=0)
    story.move(1, "b", "vault", hours=10)
    story.move(1, "vault", "b", hours=20)
    story.sell(1, "b", "a", 100, hours=30)

    assert scores(story.analyze()) == [0.8, 0.8]


def test_editions_traded_back_and_forth_are_honest(new_story: Callable[..., "Story"]) -> None:
    story = new_story(standard="erc1155")
    for hour in range(0, 8, 2):
        story.sell(4, "a", "b", 100, hours=hour)
        story.sell(4, "b", "a", 100, hours=hour + 1)

    found = story.analyze()

    assert (set(scores(found)), found.suspicious_patterns) == ({0.0}, [])


def test_buying_a_token_three_times_is_not_enough_alone(story: "Story") -> None:
    for turn in range(3):
        story.sell(1, f"seller {turn}", "a", 100, hours=100 * DAY * turn)
        story.move(1, "a", f"seller {turn + 1}", hours=100 * DAY * turn + 40 * DAY)

    found = story.analyze()

    assert scores(found) == [0.4] * 3
    [pattern] = patterns(found, "repeated_buys")
    assert (pattern.severity, pattern.rules) == ("low", ["repeated_trades"])
    assert found.summary.wash_sale_count == 0


def test_a_price_far_above_the_floor_of_its_time_is_an_anomaly(story: "Story") -> None:
    for token_id in range(10):
        story.sell(token_id, "a", f"buyer {token_id}", 100, hours=token_id)
    story.sell(10, "a", "b", 10_001, hours=11)
    story.sell(11, "a", "b", 10_000, hours=12)

    found = story.analyze()

    assert scores(found)[-2:] == [0.3, 0.0]
    [pattern] = patterns(found, "price_anomaly")
    assert (pattern.token_ids, pattern.score) == (["10"], 0.3)


def test_wash_trades_set_no_floor(story: "Story") -> None:
    for turn in range(5):
        story.sell(99, "x", "y", 1_000_000, hours=turn)
        story.sell(99, "y", "x", 1_000_000, hours=turn + 0.5)
    for token_id in range(5):
        story.sell(token_id, "a", f"buyer {token_id}", 100, hours=10 + token_id)
    story.sell(98, "a", "b", 20_000, hours=20)

    found = story.analyze()

    assert [pattern.token_ids for pattern in patterns(found, "price_anomaly")] == [["98"]]


def test_a_price_of_a_hundredth_of_the_floor_is_told_and_accuses_nobody(story: "Story") -> None:
    for token_id in range(10):
        story.sell(token_id, "a", f"buyer {token_id}", 100, hours=token_id)
    story.sell(10, "a", "b", 1, hours=11)

    found = story.analyze()

    [pattern] = patterns(found, "price_anomaly")
    assert (pattern.score, pattern.severity, found.summary.wash_sale_count) == (0.0, "medium", 0)


def test_cuts_can_be_changed(story: "Story") -> None:
    for day, (seller, buyer) in enumerate(pairwise("abca")):
        story.sell(1, seller, buyer, 100, hours=2 * DAY * day)

    assert story.analyze(washScore=0.61).summary.wash_sale_count == 0
    assert story.analyze(cycleDays=3).suspicious_patterns == []


@given(st.lists(st.tuples(st.sampled_from(RULES), st.floats(0, 1)), max_size=12))
def test_a_score_is_one_minus_the_product_of_what_each_rule_leaves(
    new_story: Callable[..., "Story"], fired: list[tuple[str, float]]
) -> None:
    story = new_story()
    story.sell(1, "a", "b", 100, hours=0)
    [sale] = story.sales()
    findings = [
        Finding(
            type="price_anomaly",
            wallets=(),
            token_ids=(1,),
            places=places_of_sales([sale]),
            explanation="",
            key=(),
            value=0,
            rule=rule,  # type: ignore[arg-type]  # one of RULES
            accused=(Accusation(sale, weight),),
        )
        for rule, weight in fired
    ]
    highest = {rule: max(w for r, w in fired if r == rule) for rule, _ in fired}

    verdict = wash_verdicts(findings).get(sale.position)
    backwards = wash_verdicts(reversed(findings)).get(sale.position)

    assert verdict == backwards
    if verdict is not None:
        assert set(verdict.rules) == set(highest)
        assert abs(verdict.score - (1 - prod(1 - w for w in highest.values()))) < 1e-6
