"""Flips, sweeps, dumps and mint bursts: worth a look, and no accusation."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from common.results.nft_movements import NftMovementAnalysis, SuspiciousPattern
from nft_worker.analysis.rules.sweeps import bursts
from nft_worker.models import Sale

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story


def only(found: NftMovementAnalysis, kind: str) -> SuspiciousPattern:
    [pattern] = [each for each in found.suspicious_patterns if each.type == kind]
    assert (pattern.score, pattern.rules) == (0.0, [])
    return pattern


def kinds(found: NftMovementAnalysis) -> set[str]:
    return {pattern.type for pattern in found.suspicious_patterns}


def test_a_resale_within_a_day_is_a_flip_and_within_an_hour_an_instant_one(
    story: "Story",
) -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "c", 150, hours=24)
    story.sell(2, "d", "e", 100, hours=30)
    story.sell(2, "e", "f", 150, hours=31)

    found = story.analyze()

    flips = {
        pattern.token_ids[0]: (pattern.severity, pattern.explanation[-40:])
        for pattern in found.suspicious_patterns
    }
    assert {token: severity for token, (severity, _) in flips.items()} == {"1": "low", "2": "high"}
    assert flips["1"][1].endswith("for 150 % of the price.")


def test_a_resale_after_more_than_a_day_is_no_flip(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "c", 150, hours=24.1)

    assert story.analyze().suspicious_patterns == []


def test_a_flip_needs_the_buyer_to_be_the_one_who_sells(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.move(1, "b", "c", hours=1)
    story.sell(1, "c", "d", 150, hours=2)

    assert story.analyze().suspicious_patterns == []


def test_turning_a_token_over_in_a_wash_trade_is_not_told_again_as_a_flip(story: "Story") -> None:
    story.sell(1, "a", "b", 100, hours=0)
    story.sell(1, "b", "a", 100, hours=1)

    assert kinds(story.analyze()) == {"closed_cycle", "swap_back"}


def test_five_tokens_in_one_purchase_are_a_sweep(story: "Story") -> None:
    also = tuple((token_id, f"seller {token_id}", "whale") for token_id in range(2, 6))
    story.move(1, "seller 1", "whale", hours=0, sender="whale", value=500, also=also)

    pattern = only(story.analyze(), "sweep")

    assert (pattern.token_ids, len(pattern.addresses)) == (["1", "2", "3", "4", "5"], 1)


def test_ten_tokens_in_ten_minutes_are_one_sweep(story: "Story") -> None:
    for index in range(10):
        story.sell(index, f"seller {index}", "whale", 100, hours=index / 60)

    assert only(story.analyze(), "sweep").token_ids_total == 10


def test_nine_tokens_in_ten_minutes_are_none(story: "Story") -> None:
    for index in range(9):
        story.sell(index, f"seller {index}", "whale", 100, hours=index / 60)

    assert story.analyze().suspicious_patterns == []


def _sell_five_of(story: "Story", held: int) -> None:
    for token_id in range(held):
        story.move(token_id, "", "holder", hours=token_id / 100)
    for token_id in range(5):
        story.sell(token_id, "holder", f"buyer {token_id}", 100, hours=5 + token_id)


def test_selling_a_quarter_of_the_holding_in_a_day_is_a_dump(story: "Story") -> None:
    _sell_five_of(story, 20)

    assert only(story.analyze(), "dump").explanation.endswith("25 % of what it held.")


def test_selling_less_than_a_quarter_is_none(story: "Story") -> None:
    _sell_five_of(story, 21)

    assert kinds(story.analyze()) == set()


def test_a_dump_that_cannot_be_judged_is_named(new_story: Callable[..., "Story"]) -> None:
    story = new_story(reaches_origin=False)
    _sell_five_of(story, 20)

    found = story.analyze()

    assert found.filters_not_evaluated == ["dump"]
    assert [reason.code for reason in found.warnings] == found.filters_not_evaluated


def test_more_than_fifty_mints_in_a_block_to_few_wallets_are_a_burst(story: "Story") -> None:
    also = tuple((token_id, "", "minter") for token_id in range(2, 52))
    story.move(1, "", "minter", hours=0, also=also)

    pattern = only(story.analyze(), "mint_burst")

    assert (pattern.token_ids_total, pattern.transactions_total) == (51, 1)


def test_fifty_mints_in_a_block_are_none(story: "Story") -> None:
    also = tuple((token_id, "", "minter") for token_id in range(2, 51))
    story.move(1, "", "minter", hours=0, also=also)

    assert story.analyze().suspicious_patterns == []


def test_many_more_mints_than_in_the_hours_before_are_a_burst(story: "Story") -> None:
    token_id = 0
    for hour, mints in enumerate([1, 2, 1, 3, 2, 1, 2, 1, 2, 20]):
        for index in range(mints):
            story.move(token_id, "", f"minter {token_id}", hours=hour + index / 40)
            token_id += 1
    story.move(0, "minter 0", "friend", hours=11)

    pattern = only(story.analyze(), "mint_burst")

    assert pattern.token_ids_total == 20


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 8)), max_size=30),
    st.integers(1, 6),
    st.integers(0, 20),
)
def test_bursts_and_the_rest_are_all_trades_each_once(
    new_story: Callable[..., "Story"],
    trades: list[tuple[int, int]],
    least: int,
    seconds: int,
) -> None:
    story = new_story()
    for hour, token_id in sorted(trades):
        story.sell(token_id, f"seller {hour}", "buyer", 1, hours=hour)
    sales = story.sales()
    rest: list[Sale] = []

    found = list(bursts(sales, least, seconds * 3_600, rest))

    told = [sale for burst in found for sale in burst] + rest
    assert sorted(told, key=lambda sale: sale.position) == list(sales)
    for burst in found:
        assert len({sale.token_id for sale in burst}) >= least
        assert burst[-1].timestamp - burst[0].timestamp <= seconds * 3_600
