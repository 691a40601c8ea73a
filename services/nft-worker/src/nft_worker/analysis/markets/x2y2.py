"""X2Y2: the token sits in data that the order's maker wrote.

Source: the contract X2Y2_r1 and its `Market` structs.
"""

from typing import Final

from common.chain.types import Address, Log
from nft_worker.analysis.markets.fills import Fill, Item
from nft_worker.analysis.markets.words import MalformedError, Words, currency_of

EV_INVENTORY = "0x3cbb63f144840e5b1b0a38a7c19211d2e89de4d7c5faf8b2d3c1776c302d1d33"
EXCHANGE: Final = Address("0x74312363e45dcaba76c59ec49a7aa8a65a67eed3")

COMPLETE_OPERATIONS = frozenset((1, 2, 5))
"""A sell offer, a buy offer or an auction completed; others cancel, bid or refund."""

PAIR_WORDS = {1: 2, 2: 3}
"""(token, id) of ERC-721, (token, id, amount) of ERC-1155, by the kind of delegate."""


def decode_x2y2(log: Log) -> Fill | None:
    """Read `EvInventory(itemHash, maker, taker, .., intent, delegateType, .., currency, ..)`.

    Returns:
        None when the event completes no sale. Items are empty where the data do not tell, such as
        for an offer to buy any token of a collection.

    Raises:
        MalformedError: The event does not follow its ABI.
    """
    data = Words.of_log_data(log.data)
    detail = data.at_offset(10)
    if detail.uint(0) not in COMPLETE_OPERATIONS:
        return None
    has_mask = data.at_offset(8).length() > 0
    items = () if has_mask else _items(data.at_offset(9), data.uint(5))
    return Fill("x2y2", log.log_index, items, currency_of(data.address(7)), detail.uint(3))


def _items(item: Words, delegate: int) -> tuple[Item, ...]:
    size = PAIR_WORDS.get(delegate)
    if size is None:
        return ()
    blob = item.at_offset(1).skip(1)
    try:
        return tuple(Item(pair.address(0), pair.uint(1)) for pair in blob.structs(0, size))
    except MalformedError:
        return ()
