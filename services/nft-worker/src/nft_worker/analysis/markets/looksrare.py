"""LooksRare 1 and 2: a bid taken and an ask taken are two events of the same layout.

Source: the contracts LooksRareExchange and LooksRareProtocol.
"""

from typing import Final

from common.chain.types import Address, Log
from nft_worker.analysis.markets.fills import Fill, Item
from nft_worker.analysis.markets.words import MalformedError, Words, currency_of

TAKER_BID_1 = "0x95fb6205e23ff6bda16a2d1dba56b9ad7c783f67c96fa149785052f47696f2be"
TAKER_ASK_1 = "0x68cd251d4d267c6e2034ff0088b990352b97b2002c0476587d0c4da889c11330"
TAKER_BID_2 = "0x3ee3de4684413690dee6fff1a0a4f92916a1b97d1c5a83cdf24671844306b2e3"
TAKER_ASK_2 = "0x9aaa45d6db2ef74ead0751ea9113263d1dec1b50cea05f0ca2002cb8063564a4"

VERSION_1: Final = Address("0x59728544b08ab483533076417fbbb2fd0b17ce3a")
VERSION_2: Final = Address("0x0000000000e655fae4d56241588680f86e3b2377")

FEE_AMOUNTS = (12, 13, 14)
"""Words of the three amounts: to the seller, the creator, the protocol. Their sum is the price."""


def decode_v1(log: Log) -> Fill:
    """Read `(orderHash, nonce, currency, collection, tokenId, amount, price)`.

    A buyer may pay native coin for an order in its wrapped form: the event says wrapped then too.

    Raises:
        MalformedError: The event does not follow its ABI.
    """
    data = Words.of_log_data(log.data)
    item = Item(data.address(3), data.uint(4))
    return Fill("looksrare", log.log_index, (item,), currency_of(data.address(2)), data.uint(6))


def decode_v2(log: Log) -> Fill:
    """Read `(nonce x 3, users x 2, strategy, currency, collection, ids, amounts, fees)`.

    Raises:
        MalformedError: The event does not follow its ABI, or delivers nothing.
    """
    data = Words.of_log_data(log.data)
    collection = data.address(7)
    items = tuple(Item(collection, token_id) for token_id in data.uints(8))
    if not items:
        raise MalformedError("an order without items")
    price = sum(data.uint(index) for index in FEE_AMOUNTS)
    return Fill("looksrare", log.log_index, items, currency_of(data.address(6)), price)
