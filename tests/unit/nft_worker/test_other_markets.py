"""Orders of Blur, LooksRare, X2Y2 and Wyvern."""

from typing import Any

import pytest
from eth_abi.abi import encode

from common.chain.types import ZERO_ADDRESS, Address, Log
from nft_worker.analysis.markets import blur, looksrare, wyvern, x2y2
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.markets.fills import NATIVE
from tests.unit.nft_worker.market_logs import (
    BUYER,
    ETHER,
    FEE_RATE,
    FEES,
    NFT,
    ORDER_V1,
    SELLER,
    WETH,
    log,
    moved,
    paid,
    sales_of,
    told,
    topic,
)


@pytest.mark.parametrize(("token", "currency"), [(ZERO_ADDRESS, NATIVE), (blur.POOL, blur.POOL)])
def test_blur_1_tells_token_price_and_currency(token: Address, currency: str) -> None:
    def order(trader: Address, side: int) -> tuple[Any, ...]:
        fees = [(50, FEES)] if side else []
        return (trader, side, FEES, NFT, 7, 1, token, 3 * ETHER, 1, 2, fees, 9, b"\1")

    types = (ORDER_V1, "bytes32", ORDER_V1, "bytes32")
    values = (order(SELLER, 1), bytes(32), order(BUYER, 0), bytes(32))
    topics = (blur.ORDERS_MATCHED, topic(SELLER), topic(BUYER))
    logs = [moved(SELLER, BUYER, 7, 1), log(blur.VERSION_1, topics, types, values, 2)]

    assert told(sales_of(logs)) == [("blur", 7, SELLER, BUYER, currency, 3 * ETHER)]


@pytest.mark.parametrize(
    "event",
    [blur.EXECUTION_PACKED, blur.EXECUTION_TAKER_FEE_PACKED, blur.EXECUTION_MAKER_FEE_PACKED],
)
@pytest.mark.parametrize(("side", "currency"), [(0, NATIVE), (1, blur.POOL)])
def test_blur_2_packs_token_price_and_side(event: str, side: int, currency: str) -> None:
    token_id, price = 2**88 - 3, 5 * ETHER
    words = [
        token_id << 168 | 4 << 160 | int(SELLER, 16),
        side << 248 | price << 160 | int(NFT, 16),
    ]
    words += [] if event == blur.EXECUTION_PACKED else [50 << 160 | int(FEES, 16)]
    types = ["bytes32"] + ["uint256"] * len(words)
    logs = [
        moved(SELLER, BUYER, token_id, 1),
        log(blur.VERSION_2, (event,), types, [bytes(32), *words], 2),
    ]

    assert told(sales_of(logs)) == [("blur", token_id, SELLER, BUYER, currency, price)]


@pytest.mark.parametrize(("side", "currency"), [(0, NATIVE), (1, blur.POOL)])
def test_blur_2_tells_editions_unpacked(side: int, currency: str) -> None:
    types = (
        "(address,uint256,uint256,address,uint8)",
        "bytes32",
        "uint256",
        "uint256",
        FEE_RATE,
        f"({FEE_RATE},{FEE_RATE})",
        "uint8",
    )
    fee = (FEES, 50)
    values = ((SELLER, 7, 1, NFT, 0), bytes(32), 0, 5 * ETHER, fee, (fee, fee), side)
    logs = [
        log(blur.VERSION_2, (blur.EXECUTION,), types, values, 1),
        moved(SELLER, BUYER, 7, 2),
    ]

    assert told(sales_of(logs)) == [("blur", 7, SELLER, BUYER, currency, 5 * ETHER)]


@pytest.mark.parametrize("event", [looksrare.TAKER_BID_1, looksrare.TAKER_ASK_1])
def test_looksrare_1_tells_the_whole_price(event: str) -> None:
    types = ("bytes32", "uint256", "address", "address", "uint256", "uint256", "uint256")
    values = (bytes(32), 1, WETH, NFT, 7, 1, 9 * ETHER)
    topics = (event, topic(BUYER), topic(SELLER), topic(FEES))
    logs = [moved(SELLER, BUYER, 7, 1), log(looksrare.VERSION_1, topics, types, values, 2)]

    assert told(sales_of(logs)) == [("looksrare", 7, SELLER, BUYER, WETH, 9 * ETHER)]


@pytest.mark.parametrize("event", [looksrare.TAKER_BID_2, looksrare.TAKER_ASK_2])
def test_looksrare_2_costs_the_sum_of_its_three_amounts(event: str) -> None:
    types = (
        "(bytes32,uint256,bool)",
        "address",
        "address",
        "uint256",
        "address",
        "address",
        "uint256[]",
        "uint256[]",
        "address[2]",
        "uint256[3]",
    )
    nonce = (bytes(32), 1, True)
    values = (
        *(nonce, BUYER, BUYER, 0, ZERO_ADDRESS, NFT),
        *([7, 8], [1, 1], [SELLER, FEES], [90, 7, 3]),
    )
    logs = [
        log(looksrare.VERSION_2, (event,), types, values, 1),
        moved(SELLER, BUYER, 7, 2),
        moved(SELLER, BUYER, 8, 3),
    ]

    assert told(sales_of(logs)) == [
        ("looksrare", 7, SELLER, BUYER, NATIVE, 50),
        ("looksrare", 8, SELLER, BUYER, NATIVE, 50),
    ]


def inventory(
    operation: int, data: bytes, at: int, *, mask: bytes = b"", delegate: int = 1, price: int = 70
) -> Log:
    types = (
        *("address", "address", "uint256", "uint256", "uint256", "uint256", "uint256", "address"),
        "bytes",
        "(uint256,bytes)",
        "(uint8,uint256,uint256,uint256,bytes32,address,bytes,uint256,uint256,uint256,"
        "(uint256,address)[])",
    )
    detail = (operation, 0, 0, price, bytes(32), FEES, b"", 0, 0, 0, [(5, FEES)])
    values = (SELLER, BUYER, 1, 2, 1, delegate, 99, WETH, mask, (60, data), detail)
    return log(x2y2.EXCHANGE, (x2y2.EV_INVENTORY, "0x" + "0" * 64), types, values, at)


def test_x2y2_hides_the_token_in_the_data_of_its_maker() -> None:
    editions = encode(["(address,uint256,uint256)[]"], [[(NFT, 8, 3)]])
    uniques = encode(["(address,uint256)[]"], [[(NFT, 7)]])
    logs = [
        inventory(1, uniques, 1),
        moved(SELLER, BUYER, 7, 2),
        inventory(2, editions, 3, delegate=2, price=40),
        moved(SELLER, BUYER, 8, 4),
    ]

    assert told(sales_of(logs)) == [
        ("x2y2", 7, SELLER, BUYER, WETH, 70),
        ("x2y2", 8, SELLER, BUYER, WETH, 40),
    ]


def test_an_x2y2_offer_for_any_token_delivers_what_moved_with_it() -> None:
    logs = [moved(SELLER, BUYER, 7, 1), inventory(2, b"", 2, mask=b"\xff" * 32)]

    assert told(sales_of(logs)) == [("x2y2", 7, SELLER, BUYER, WETH, 70)]


def test_x2y2_orders_that_complete_no_sale_are_none() -> None:
    assert decode_fills([inventory(3, b"", 1)]) == ()


def wyvern_match(price: int, at: int) -> Log:
    topics = (wyvern.ORDERS_MATCHED, topic(SELLER), topic(BUYER), "0x" + "0" * 64)
    values = (bytes(32), bytes(32), price)
    return log(max(wyvern.ADDRESSES), topics, ("bytes32", "bytes32", "uint256"), values, at)


def test_wyvern_orders_deliver_what_moved_since_the_one_before() -> None:
    logs = [
        moved(SELLER, BUYER, 7, 1),
        wyvern_match(100, 2),
        paid(WETH, BUYER, SELLER, 31, 3),
        paid(WETH, SELLER, FEES, 1, 4),
        moved(SELLER, BUYER, 8, 5),
        moved(SELLER, BUYER, 9, 6),
        wyvern_match(31, 7),
    ]

    assert told(sales_of(logs, value=100)) == [
        ("opensea_wyvern", 7, SELLER, BUYER, NATIVE, 100),
        ("opensea_wyvern", 8, SELLER, BUYER, WETH, 16),
        ("opensea_wyvern", 9, SELLER, BUYER, WETH, 15),
    ]
