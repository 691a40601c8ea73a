"""Blur: the structs of version 1, and version 2 with its packed events.

Source: the contracts BlurExchange and BlurExchangeV2; Dune's spellbook, nft trades of Blur.
"""

from typing import Final

from common.chain.types import Address, Log
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.analysis.markets.words import Words, currency_of

ORDERS_MATCHED = "0x61cbb2a3dee0b6064c2e681aadd61677fb4ef319f0b547508d495626f5a62f64"
EXECUTION = "0xf2f66294df6fae7ac681cbe2f6d91c6904485929679dce263e8f6539b7d5c559"
EXECUTION_PACKED = "0x1d5e12b51dee5e4d34434576c3fb99714a85f57b0fd546ada4b0bddd736d12b2"
EXECUTION_TAKER_FEE_PACKED = "0x0fcf17fac114131b10f37b183c6a60f905911e52802caeeb3e6ea210398b81ab"
EXECUTION_MAKER_FEE_PACKED = "0x7dc5c0699ac8dd5250cbe368a2fc3b4a2daadb120ad07f6cccea29f83482686e"

VERSION_1: Final = Address("0x000000000000ad05ccc4f10045630fb830b95127")
VERSION_2: Final = Address("0xb2ecfe4e4d61f8790bbb9de2d1259b9e2410cea5")
POOL: Final = Address("0x0000000000a39bb272e79075ade125fd351887ac")
"""Blur's own deposits of native coin: accepted bids are paid from here."""

BID = 1
ADDRESS_BITS, PRICE_BITS, INDEX_BITS = 160, 88, 8


def decode_v1(log: Log) -> Fill:
    """Read `OrdersMatched(maker, taker, sell, sellHash, buy, buyHash)`; the sell order has it all.

    Raises:
        MalformedError: The event does not follow its ABI.
    """
    sell = Words.of_log_data(log.data).at_offset(0)
    item = Item(sell.address(3), sell.uint(4))
    return Fill("blur", log.log_index, (item,), currency_of(sell.address(6)), sell.uint(7))


def decode_v2(log: Log) -> Fill:
    """Read `Execution(transfer, orderHash, listingIndex, price, makerFee, fees, orderType)`.

    Raises:
        MalformedError: The event does not follow its ABI.
    """
    data = Words.of_log_data(log.data)
    item = Item(data.address(3), data.uint(1))
    order_type = data.uint(14)
    return Fill("blur", log.log_index, (item,), _currency(order_type), data.uint(7))


def decode_v2_packed(log: Log) -> Fill:
    """Read `(orderHash, tokenId:88 index:8 trader:160, side:8 price:88 collection:160[, fee])`.

    Raises:
        MalformedError: The event does not follow its ABI.
    """
    data = Words.of_log_data(log.data)
    token_id = data.uint(1) >> (ADDRESS_BITS + INDEX_BITS)
    packed = data.uint(2)
    collection = Address(f"0x{packed & (2**ADDRESS_BITS - 1):040x}")
    price = packed >> ADDRESS_BITS & (2**PRICE_BITS - 1)
    side = packed >> (ADDRESS_BITS + PRICE_BITS)
    return Fill("blur", log.log_index, (Item(collection, token_id),), _currency(side), price)


def _currency(side: int) -> str:
    return POOL if side == BID else NATIVE
