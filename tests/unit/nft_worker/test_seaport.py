"""Orders of Seaport: listings, bids, matches, bundles, barters, private listings."""

import pytest

from common.chain.types import ZERO_ADDRESS, Address
from nft_worker.analysis.markets import seaport
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.markets.fills import NATIVE
from tests.unit.nft_worker.market_logs import (
    BUYER,
    DAI,
    NFT,
    OTHER_NFT,
    SEAPORT,
    SELLER,
    WETH,
    fulfilled,
    log,
    moved,
    sales_of,
    told,
)


def test_a_seaport_listing_costs_all_that_is_paid_fees_included() -> None:
    order = fulfilled(
        [(2, NFT, 7, 1)],
        [(0, ZERO_ADDRESS, 0, 95), (0, ZERO_ADDRESS, 0, 3), (0, ZERO_ADDRESS, 0, 2)],
        1,
    )

    assert told(sales_of([order, moved(SELLER, BUYER, 7, 2)])) == [
        ("seaport", 7, SELLER, BUYER, NATIVE, 100)
    ]


def test_an_accepted_seaport_bid_costs_what_was_offered() -> None:
    order = fulfilled([(1, WETH, 0, 100)], [(2, NFT, 7, 1), (1, WETH, 0, 5)], 1)

    assert told(sales_of([order, moved(SELLER, BUYER, 7, 2)], sender=SELLER)) == [
        ("seaport", 7, SELLER, BUYER, WETH, 100)
    ]


def test_matched_seaport_orders_are_one_sale() -> None:
    logs = [
        fulfilled([(2, NFT, 7, 1)], [(1, WETH, 0, 100)], 1, order=1),
        fulfilled([(1, WETH, 0, 100)], [(2, NFT, 7, 1)], 2, order=2),
        moved(SELLER, BUYER, 7, 3),
        log(
            SEAPORT,
            (seaport.ORDERS_MATCHED,),
            ("bytes32[]",),
            ([order.to_bytes(32) for order in (1, 2)],),
            4,
        ),
    ]

    assert len(decode_fills(logs)) == 1
    assert told(sales_of(logs)) == [("seaport", 7, SELLER, BUYER, WETH, 100)]


def test_a_seaport_bundle_is_divided_among_all_its_tokens_of_whatever_collection() -> None:
    order = fulfilled(
        [(2, NFT, 1, 1), (2, OTHER_NFT, 5, 1), (2, NFT, 2, 1)], [(0, ZERO_ADDRESS, 0, 100)], 1
    )
    logs = [
        order,
        moved(SELLER, BUYER, 1, 2),
        moved(SELLER, BUYER, 5, 3, OTHER_NFT),
        moved(SELLER, BUYER, 2, 4),
    ]

    sales = sales_of(logs)

    assert [sale.price for sale in sales] == [34, 33]
    assert all(sale.is_bundle and sale.price_estimated for sale in sales)


def test_an_order_paid_in_two_currencies_has_no_price() -> None:
    order = fulfilled([(2, NFT, 7, 1)], [(1, WETH, 0, 1), (1, DAI, 0, 2)], 1)

    [sale] = sales_of([order, moved(SELLER, BUYER, 7, 2)])

    assert (sale.price, sale.currency, sale.price_source) == (None, None, "none")


def test_a_barter_is_no_sale() -> None:
    order = fulfilled([(2, NFT, 7, 1)], [(2, OTHER_NFT, 3, 1)], 1)

    assert sales_of([order, moved(SELLER, BUYER, 7, 2)]) == []


@pytest.mark.parametrize("fulfiller", [BUYER, ZERO_ADDRESS])
def test_a_barter_with_a_sum_on_top_is_no_sale(fulfiller: Address) -> None:
    order = fulfilled(
        [(2, NFT, 7, 1)],
        [(2, OTHER_NFT, 3, 1), (0, ZERO_ADDRESS, 0, 50)],
        1,
        fulfiller=fulfiller,
    )
    logs = [order, moved(SELLER, BUYER, 7, 2), moved(BUYER, SELLER, 3, 3, OTHER_NFT)]

    assert sales_of(logs, value=50) == []


def test_a_bid_of_a_token_and_money_is_a_barter() -> None:
    order = fulfilled([(1, WETH, 0, 50), (2, OTHER_NFT, 3, 1)], [(2, NFT, 7, 1)], 1)

    assert decode_fills([order]) == ()


def test_what_a_buyer_pays_himself_is_no_part_of_the_price() -> None:
    order = fulfilled(
        [(2, NFT, 7, 1)], [(0, ZERO_ADDRESS, 0, 95)], 1, kept=[(0, ZERO_ADDRESS, 0, 5)]
    )

    assert [sale.price for sale in sales_of([order, moved(SELLER, BUYER, 7, 2)])] == [95]


def test_what_a_seller_pays_himself_in_a_self_trade_is_the_price() -> None:
    order = fulfilled([(2, NFT, 7, 1)], [(0, ZERO_ADDRESS, 0, 95)], 1, fulfiller=SELLER)

    assert told(sales_of([order, moved(SELLER, SELLER, 7, 2)], sender=SELLER)) == [
        ("seaport", 7, SELLER, SELLER, NATIVE, 95)
    ]


@pytest.mark.parametrize("fulfiller", [BUYER, ZERO_ADDRESS])
def test_a_private_listing_that_names_its_token_for_the_buyer_is_a_sale(fulfiller: Address) -> None:
    order = fulfilled(
        [(2, NFT, 7, 1)],
        [(0, ZERO_ADDRESS, 0, 95)],
        1,
        fulfiller=fulfiller,
        kept=[(2, NFT, 7, 1)],
    )

    assert told(sales_of([order, moved(SELLER, BUYER, 7, 2)])) == [
        ("seaport", 7, SELLER, BUYER, NATIVE, 95)
    ]
