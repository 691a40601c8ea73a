"""Marketplace orders: logs of real trades, and logs built from each event's ABI."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import ZERO_ADDRESS, Address, Log
from nft_worker.analysis.markets import blur, looksrare, seaport, wyvern, x2y2
from nft_worker.analysis.markets.decoding import decode_fills
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.analysis.sales import decode_sales
from nft_worker.models import PaidTransaction, Sale

MAINNET_TRADES = Path(__file__).parent / "data" / "mainnet_trades.json"
NFT = Address("0x" + "c0" * 20)
OTHER_NFT = Address("0x" + "c1" * 20)
WETH = Address("0x" + "e1" * 20)
DAI = Address("0x" + "e2" * 20)
SELLER, BUYER, FEES = (Address(f"0x{number:040x}") for number in (0xA1, 0xB1, 0xF1))
AGGREGATOR = Address("0x" + "9a" * 20)
SEAPORT = max(seaport.ADDRESSES)
ETHER = 10**18

ORDER_V1 = (
    "(address,uint8,address,address,uint256,uint256,address,uint256,uint256,uint256,"
    "(uint16,address)[],uint256,bytes)"
)
FEE_RATE = "(address,uint16)"
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


def log(
    address: Address, topics: Sequence[str], types: Sequence[str], values: Sequence[Any], at: int
) -> Log:
    data = "0x" + encode(list(types), list(values)).hex()
    return Log(address, tuple(topics), data, 1, "0x1", "0xt", 0, at)


def topic(address: Address) -> str:
    return "0x" + address[2:].rjust(64, "0")


def moved(sender: Address, recipient: Address, token_id: int, at: int, of: Address = NFT) -> Log:
    topics = (TRANSFER, topic(sender), topic(recipient), f"0x{token_id:064x}")
    return log(of, topics, (), (), at)


def paid(token: Address, sender: Address, recipient: Address, amount: int, at: int) -> Log:
    topics = (TRANSFER, topic(sender), topic(recipient))
    return log(token, topics, ("uint256",), (amount,), at)


def fulfilled(
    offer: Sequence[tuple[int, Address, int, int]],
    consideration: Sequence[tuple[int, Address, int, int]],
    at: int,
    order: int = 1,
    *,
    fulfiller: Address = BUYER,
    kept: Sequence[tuple[int, Address, int, int]] = (),
) -> Log:
    """Return the event of an order of SELLER; BUYER gets what of the consideration is `kept`."""
    types = (
        "bytes32",
        "address",
        "(uint8,address,uint256,uint256)[]",
        "(uint8,address,uint256,uint256,address)[]",
    )
    due = [(*item, SELLER) for item in consideration] + [(*item, BUYER) for item in kept]
    values = (order.to_bytes(32), fulfiller, list(offer), due)
    topics = (seaport.ORDER_FULFILLED, topic(SELLER), topic(FEES))
    return log(SEAPORT, topics, types, values, at)


def sales_of(logs: Sequence[Log], *, sender: Address = BUYER, value: int = 0) -> list[Sale]:
    decoded = decode_transfers(logs)
    transaction = PaidTransaction(sender, value, decoded.erc20, decoded.nft, decode_fills(logs))
    of_collection = [transfer for transfer in decoded.nft if transfer.contract == NFT]
    return list(decode_sales(of_collection, {"0xt": transaction}, {1: 1_700_000_000}))


def told(sales: Sequence[Sale]) -> list[tuple[Any, ...]]:
    return [
        (sale.marketplace, sale.token_id, sale.seller, sale.buyer, sale.currency, sale.price)
        for sale in sales
    ]


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
