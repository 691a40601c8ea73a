"""Marketplace orders: logs of real trades, the events that tell them, and what is not believed."""

import json
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from common.chain.types import ZERO_ADDRESS, Address, Log
from nft_worker.analysis.markets import blur, looksrare, seaport, wyvern, x2y2
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from tests.unit.nft_worker.market_logs import (
    AGGREGATOR,
    BUYER,
    FEE_RATE,
    FEES,
    NFT,
    ORDER_V1,
    SEAPORT,
    SELLER,
    WETH,
    fulfilled,
    moved,
    sales_of,
    told,
)

MAINNET_TRADES = Path(__file__).parent / "data" / "mainnet_trades.json"

EVENTS = {
    seaport.ORDER_FULFILLED: (
        "OrderFulfilled(bytes32,address,address,address,"
        "(uint8,address,uint256,uint256)[],(uint8,address,uint256,uint256,address)[])"
    ),
    seaport.ORDERS_MATCHED: "OrdersMatched(bytes32[])",
    blur.ORDERS_MATCHED: f"OrdersMatched(address,address,{ORDER_V1},bytes32,{ORDER_V1},bytes32)",
    blur.EXECUTION: (
        "Execution((address,uint256,uint256,address,uint8),bytes32,uint256,uint256,"
        f"{FEE_RATE},({FEE_RATE},{FEE_RATE}),uint8)"
    ),
    blur.EXECUTION_PACKED: "Execution721Packed(bytes32,uint256,uint256)",
    blur.EXECUTION_TAKER_FEE_PACKED: "Execution721TakerFeePacked(bytes32,uint256,uint256,uint256)",
    blur.EXECUTION_MAKER_FEE_PACKED: "Execution721MakerFeePacked(bytes32,uint256,uint256,uint256)",
    looksrare.TAKER_BID_1: (
        "TakerBid(bytes32,uint256,address,address,address,address,address,uint256,uint256,uint256)"
    ),
    looksrare.TAKER_ASK_1: (
        "TakerAsk(bytes32,uint256,address,address,address,address,address,uint256,uint256,uint256)"
    ),
    looksrare.TAKER_BID_2: (
        "TakerBid((bytes32,uint256,bool),address,address,uint256,address,address,"
        "uint256[],uint256[],address[2],uint256[3])"
    ),
    looksrare.TAKER_ASK_2: (
        "TakerAsk((bytes32,uint256,bool),address,address,uint256,address,address,"
        "uint256[],uint256[],address[2],uint256[3])"
    ),
    x2y2.EV_INVENTORY: (
        "EvInventory(bytes32,address,address,uint256,uint256,uint256,uint256,uint256,address,"
        "bytes,(uint256,bytes),(uint8,uint256,uint256,uint256,bytes32,address,bytes,uint256,"
        "uint256,uint256,(uint256,address)[]))"
    ),
    wyvern.ORDERS_MATCHED: "OrdersMatched(bytes32,bytes32,address,address,uint256,bytes32)",
}


@pytest.mark.parametrize("event", EVENTS)
def test_a_topic_is_the_hash_of_its_event(event: str) -> None:
    assert event == "0x" + keccak(text=EVENTS[event]).hex()


def test_trades_of_mainnet_are_read_from_their_logs() -> None:
    recorded = json.loads(MAINNET_TRADES.read_text())["transactions"]

    fills = [
        decode_fills(
            Log(
                Address(entry["address"]),
                tuple(entry["topics"]),
                entry["data"],
                17_173_049,
                "0x1",
                trade["hash"],
                0,
                entry["logIndex"],
            )
            for entry in trade["logs"]
        )
        for trade in recorded
    ]

    azuki, other = (
        Address("0xed5af388653567af2f388e6224dc7c4b3241c544"),
        Address("0x4e3f914246f55fc4f55ee2882bf70c72a8f427cf"),
    )
    assert fills == [
        (Fill("blur", 201, (Item(azuki, 1527),), blur.POOL, 16_300_000_000_000_000_000),),
        (Fill("seaport", 205, (Item(other, 733),), NATIVE, int(recorded[1]["value"])),),
    ]


def test_an_event_of_an_unknown_contract_is_not_believed() -> None:
    order = fulfilled([(2, NFT, 7, 1)], [(0, ZERO_ADDRESS, 0, 10**30)], 1)
    forged = Log(AGGREGATOR, order.topics, order.data, 1, "0x1", "0xt", 0, 1)

    [sale] = sales_of([forged, moved(SELLER, BUYER, 7, 2)], value=5)

    assert (sale.marketplace, sale.price, sale.price_source) == (None, 5, "tx_value")


@pytest.mark.parametrize("length", [0, 10, 64, 200, 500])
def test_a_malformed_event_leaves_the_payment_to_tell(length: int) -> None:
    order = fulfilled([(2, NFT, 7, 1)], [(0, ZERO_ADDRESS, 0, 9)], 1)
    cut = Log(SEAPORT, order.topics, order.data[: 2 + length], 1, "0x1", "0xt", 0, 1)

    [sale] = sales_of([cut, moved(SELLER, BUYER, 7, 2)], value=5)

    assert (sale.marketplace, sale.price) == (None, 5)


def test_a_token_sold_on_in_the_same_transaction_has_the_price_of_each_sale() -> None:
    first = fulfilled([(2, NFT, 7, 1)], [(0, ZERO_ADDRESS, 0, 100)], 1, order=1)
    second = fulfilled([(1, WETH, 0, 120)], [(2, NFT, 7, 1)], 3, order=2)
    logs = [first, moved(SELLER, BUYER, 7, 2), second, moved(BUYER, FEES, 7, 4)]

    assert told(sales_of(logs, value=100)) == [
        ("seaport", 7, SELLER, BUYER, NATIVE, 100),
        ("seaport", 7, BUYER, FEES, WETH, 120),
    ]


def test_a_token_that_no_order_delivers_is_a_gift_where_orders_tell_the_rest() -> None:
    order = fulfilled([(2, NFT, 7, 1)], [(0, ZERO_ADDRESS, 0, 100)], 1)
    logs = [order, moved(SELLER, BUYER, 7, 2), moved(SELLER, BUYER, 8, 3)]

    assert [sale.token_id for sale in sales_of(logs, value=100)] == [7]
