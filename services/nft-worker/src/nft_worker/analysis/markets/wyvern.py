"""OpenSea's Wyvern exchange: neither token nor currency is in the event.

Source: the contract WyvernExchange; the exchange moves money, then the token, then logs.
"""

from typing import Final

from common.chain.types import Address, Log
from nft_worker.analysis.markets.fills import Fill
from nft_worker.analysis.markets.words import Words

ORDERS_MATCHED = "0xc4109843e0b7d514e4c093114b863f8e7d8d9a458c372cd51bfe526b588006c9"
ADDRESSES: Final = frozenset(
    Address(address)
    for address in (
        "0x7be8076f4ea4a4ad08075c2508e481d6c946d12b",  # 1
        "0x7f268357a8c2552623316e2562d90e642bb538e5",  # 2
    )
)


def decode_wyvern(log: Log) -> Fill:
    """Read `OrdersMatched(buyHash, sellHash, maker, taker, price, metadata)`.

    Raises:
        MalformedError: The event does not follow its ABI.
    """
    price = Words.of_log_data(log.data).uint(2)
    return Fill("opensea_wyvern", log.log_index, (), None, price)
