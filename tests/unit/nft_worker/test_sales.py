"""What is a sale, and for how much."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from nft_worker.analysis.markets.fills import NATIVE

if TYPE_CHECKING:
    from tests.unit.nft_worker.conftest import Story

WETH = "0x" + "e1" * 20


def test_the_native_value_sent_by_the_buyer_is_the_price(story: "Story") -> None:
    story.sell(7, "seller", "buyer", 500, hours=0)

    [sale] = story.sales()

    assert (sale.price, sale.currency, sale.price_source) == (500, NATIVE, "tx_value")
    assert (sale.price_estimated, sale.is_bundle, sale.quantity) == (False, False, 1)


def test_an_accepted_bid_is_priced_by_what_left_the_buyer(story: "Story") -> None:
    story.move(7, "seller", "buyer", hours=0, erc20=(("buyer", "seller", 95), ("buyer", "fees", 5)))

    [sale] = story.sales()

    assert (sale.price, sale.currency, sale.price_source) == (100, WETH, "erc20_legs")
    assert not sale.price_estimated


def test_change_given_back_to_the_buyer_is_not_part_of_the_price(story: "Story") -> None:
    story.move(
        7, "seller", "buyer", hours=0, erc20=(("buyer", "seller", 120), ("market", "buyer", 20))
    )

    assert [sale.price for sale in story.sales()] == [100]


def test_a_payment_that_was_not_seen_to_reach_the_seller_is_an_estimate(story: "Story") -> None:
    story.move(7, "seller", "buyer", hours=0, erc20=(("buyer", "exchange", 100),))

    assert [sale.price_estimated for sale in story.sales()] == [True]


def test_a_gift_is_no_sale(story: "Story") -> None:
    story.move(7, "giver", "taker", hours=0)
    story.move(8, "giver", "taker", hours=1, sender="giver", value=5)

    assert story.sales() == []


def test_a_sum_on_top_of_a_token_is_no_price(story: "Story") -> None:
    story.move(
        7, "seller", "buyer", hours=0, sender="buyer", value=50, also=((8, "buyer", "seller"),)
    )

    assert story.sales() == []


def test_units_of_an_edition_that_come_and_go_in_one_purchase_are_no_barter(
    new_story: Callable[..., "Story"],
) -> None:
    story = new_story(standard="erc1155")
    also = ((7, "buyer", "friend"),)
    story.move(7, "seller", "buyer", hours=0, amount=2, sender="buyer", value=50, also=also)

    assert [sale.price for sale in story.sales()] == [50]


def test_mints_and_burns_are_no_sales_even_when_paid_for(story: "Story") -> None:
    story.move(7, "", "minter", hours=0, sender="minter", value=80)
    story.move(7, "minter", "", hours=1, sender="minter", value=80)

    assert story.sales() == []


def test_two_currencies_make_a_sale_without_a_price(story: "Story") -> None:
    story.move(
        7, "seller", "buyer", hours=0, sender="buyer", value=10, erc20=(("buyer", "seller", 5),)
    )

    [sale] = story.sales()

    assert (sale.price, sale.currency, sale.price_source) == (None, None, "none")


def test_an_aggregator_in_the_middle_is_neither_buyer_nor_seller(story: "Story") -> None:
    story.place_contracts("aggregator")
    story.move(7, "seller", "aggregator", "buyer", hours=0, sender="buyer", value=300)

    [sale] = story.sales()

    assert (sale.seller[-12:], sale.buyer[-10:], sale.price) == (
        b"seller".hex(),
        b"buyer".hex(),
        300,
    )


def test_a_fee_for_getting_a_token_out_of_a_vault_is_no_price(story: "Story") -> None:
    story.place_contracts("vault")
    story.move(7, "owner", "vault", hours=0)
    story.move(7, "vault", "owner", hours=5, sender="owner", value=1)

    assert story.sales() == []


def test_an_edition_is_priced_for_the_whole_quantity(new_story: Callable[..., "Story"]) -> None:
    story = new_story(standard="erc1155")
    story.move(4, "seller", "buyer", hours=0, amount=5, sender="buyer", value=250)

    [sale] = story.sales()

    assert (sale.quantity, sale.price, sale.is_bundle) == (5, 250, False)


@given(price=st.integers(1, 10**24), others=st.integers(0, 12))
def test_the_parts_of_a_bundle_add_up_to_the_payment(
    new_story: Callable[..., "Story"], price: int, others: int
) -> None:
    story = new_story()
    also = tuple((100 + index, f"seller{index}", "buyer") for index in range(others))
    story.move(7, "seller", "buyer", hours=0, sender="buyer", value=price, also=also)

    sales = story.sales()

    prices = [sale.price or 0 for sale in sales]
    assert (len(sales), sum(prices)) == (others + 1, price)
    assert max(prices) - min(prices) <= 1
    assert {sale.is_bundle for sale in sales} == {others > 0}
    assert {sale.price_estimated for sale in sales} == {others > 0}
