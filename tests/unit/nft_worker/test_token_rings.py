"""Rings over several tokens: money that goes around, with networkx as the oracle of connection."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address
from common.results.nft_movements import NftMovementAnalysis, SuspiciousPattern
from nft_worker.analysis.rules.token_rings import SAME_COIN

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story


def rings(found: NftMovementAnalysis) -> list[SuspiciousPattern]:
    return [pattern for pattern in found.suspicious_patterns if pattern.type == "token_ring"]


def sell_around(story: "Story", prices: tuple[int, ...], hours: float = 0.1) -> None:
    names = "abcdefgh"[: len(prices)]
    for index, price in enumerate(prices):
        seller, buyer = names[index], names[(index + 1) % len(names)]
        story.sell(index + 1, seller, buyer, price, hours=index * hours)


def test_three_tokens_sold_around_for_the_same_price_are_flagged(story: "Story") -> None:
    sell_around(story, (1000, 1004, 998))

    found = story.analyze()

    [ring] = rings(found)
    assert (ring.score, ring.token_ids, ring.transactions_total) == (0.5, ["1", "2", "3"], 3)
    assert found.summary.wash_sale_count == 3


@pytest.mark.parametrize("prices", [(1000, 1004, 900), (1000, 2000, 3000), (1000, 1000)])
def test_trades_that_leave_somebody_with_money_or_are_an_exchange_are_not(
    story: "Story", prices: tuple[int, ...]
) -> None:
    sell_around(story, prices)

    assert story.analyze().summary.wash_sale_count == 0


def test_a_contract_in_between_makes_no_ring(story: "Story") -> None:
    story.place_contracts("b")
    sell_around(story, (1000, 1000, 1000))

    assert rings(story.analyze()) == []


def test_a_ring_over_more_than_a_week_is_none(story: "Story") -> None:
    sell_around(story, (1000, 1000, 1000), hours=24 * 8)

    assert rings(story.analyze()) == []


def test_two_currencies_make_no_ring(story: "Story") -> None:
    sell_around(story, (1000, 1000))
    story.sell_for_weth(5, "a", "b", 1000, hours=0.3)

    assert rings(story.analyze()) == []


@pytest.mark.parametrize("coin", SAME_COIN)
def test_a_ring_of_listings_and_an_accepted_bid_is_paid_in_one_coin(
    story: "Story", coin: Address
) -> None:
    story.sell(1, "a", "b", 1000, hours=0)
    story.sell(2, "b", "c", 1000, hours=0.1)
    story.move(3, "c", "a", hours=0.2, erc20=(("a", "c", 1000),), currency=coin)

    [ring] = rings(story.analyze())

    assert (ring.token_ids, ring.transactions_total) == (["1", "2", "3"], 3)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.integers(1, 3)),
        max_size=14,
    )
)
def test_a_ring_is_strongly_connected_and_nobody_gains(
    new_story: Callable[..., "Story"], trades: list[tuple[str, str, int]]
) -> None:
    story = new_story()
    for token_id, (seller, buyer, price) in enumerate(trades):
        story.sell(token_id, seller, buyer, price, hours=token_id / 100)

    found = story.analyze()

    graph = nx.DiGraph(
        (sale.seller, sale.buyer) for sale in found.sales if sale.seller != sale.buyer
    )
    components = [set(part) for part in nx.strongly_connected_components(graph)]
    for ring in rings(found):
        own = [sale for sale in found.sales if sale.transaction_hash in ring.transaction_hashes]
        assert set(ring.addresses) in components
        for wallet in ring.addresses:
            got = sum(int(sale.price_raw or 0) for sale in own if sale.seller == wallet)
            paid = sum(int(sale.price_raw or 0) for sale in own if sale.buyer == wallet)
            assert got == paid
    for component in components:
        own = [s for s in found.sales if {s.seller, s.buyer} <= component and s.seller != s.buyer]
        net = {
            wallet: sum(
                int(sale.price_raw or 0) * ((sale.seller == wallet) - (sale.buyer == wallet))
                for sale in own
            )
            for wallet in component
        }
        if len(component) > 1 and len(own) >= 3 and not any(net.values()):
            assert component in [set(ring.addresses) for ring in rings(found)]


def test_the_pair_that_dominates_a_token_is_named(story: "Story") -> None:
    for hour in range(6):
        seller, buyer = ("a", "b") if hour % 2 == 0 else ("b", "a")
        story.sell(1, seller, buyer, 100, hours=hour)
    story.sell(1, "a", "z", 100, hours=7)
    story.sell(2, "x", "y", 100, hours=8)

    first, second = story.analyze().token_trading

    assert (first.token_id, first.sale_count, first.wash_sale_count) == ("1", 7, 6)
    assert (first.top_pair_sales, first.pair_count, first.wallet_count) == (6, 2, 3)
    assert first.top_pair_pct == pytest.approx(600 / 7)
    assert (second.token_id, second.top_pair_pct) == ("2", 100)
