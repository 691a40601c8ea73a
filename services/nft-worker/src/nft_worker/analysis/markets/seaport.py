"""Seaport 1.1 to 1.6: one layout of `OrderFulfilled` at six addresses.

Source: the event of github.com/ProjectOpenSea/seaport, and Dune's reading of it
(spellbook, nft trades of OpenSea v3): what is offered tells a bid from a listing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from common.chain.types import Address, Log
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.analysis.markets.words import Words

ORDER_FULFILLED = "0x9d9af8e38d66c62e2c12f0225249fd9d721c54b83f48d9352c97c6cacdcb6f31"
ORDERS_MATCHED = "0x4b9f2d36e1b4c93de62cc077b00b1a91d84b6c31b4a14e012718dcca230689e7"

ADDRESSES: Final = frozenset(
    Address(address)
    for address in (
        "0x00000000006c3852cbef3e08e8df289169ede581",  # 1.1
        "0x00000000000006c7676171937c444f6bde3d6282",  # 1.2
        "0x0000000000000ad24e80fd803c6ac37206a45f15",  # 1.3
        "0x00000000000001ad428e4906ae43d8f9852d0dd6",  # 1.4
        "0x00000000000000adc04c56bf30ac9d3c0aaf14dc",  # 1.5
        "0x0000000000000068f116a894984e2db1123eb395",  # 1.6
    )
)

NATIVE_ITEM, ERC20_ITEM = 0, 1


@dataclass(frozen=True, slots=True)
class _Leg:
    """One entry of offer or consideration."""

    item_type: int
    token: Address
    identifier: int
    amount: int

    @property
    def is_money(self) -> bool:
        return self.item_type in (NATIVE_ITEM, ERC20_ITEM)


@dataclass(frozen=True, slots=True)
class _Order:
    order_hash: int
    fill: Fill


def decode_seaport(logs: Iterable[Log]) -> list[Fill]:
    """Return the orders of one transaction's Seaport logs.

    Where orders were matched with each other, each trade is announced by both of its orders: an
    order whose tokens an earlier one of the same match delivers is left out.

    Raises:
        MalformedError: An event does not follow its ABI.
    """
    orders: list[_Order] = []
    matches: list[list[int]] = []
    for log in logs:
        if log.topics[0] == ORDER_FULFILLED:
            orders.append(_order(log))
        elif log.topics[0] == ORDERS_MATCHED:
            matches.append(Words.of_log_data(log.data).uints(0))
    twins = _twins(orders, matches)
    return [
        order.fill for index, order in enumerate(orders) if index not in twins and order.fill.items
    ]


def _order(log: Log) -> _Order:
    """Read one event: (orderHash, recipient, offer[], consideration[]); its offerer is a topic.

    What the one who fulfils the order pays to himself is no part of the price.
    """
    data = Words.of_log_data(log.data)
    fulfiller = data.address(1)
    offerer = int(log.topics[1], 16) if len(log.topics) > 1 else 0
    offer = [_leg(item) for item in data.structs(2, 4)]
    consideration = [
        _leg(item)
        for item in data.structs(3, 5)
        if item.address(4) != fulfiller or int(fulfiller, 16) in (0, offerer)
    ]
    is_bid = bool(offer) and offer[0].is_money
    given, taken = (consideration, offer) if is_bid else (offer, consideration)
    items = tuple(Item(leg.token, leg.identifier) for leg in given if not leg.is_money)
    paid: defaultdict[str, int] = defaultdict(int)
    for leg in taken:
        if leg.is_money:
            paid[NATIVE if leg.item_type == NATIVE_ITEM else leg.token] += leg.amount
    wanted = {Item(leg.token, leg.identifier) for leg in taken if not leg.is_money}
    if not paid or not wanted.issubset(items):  # a private listing names what it offers twice
        items = ()  # a gift, or a barter, which a sum on top gives no price
    currency, price = next(iter(paid.items())) if len(paid) == 1 else (None, None)
    return _Order(data.uint(0), Fill("seaport", log.log_index, items, currency, price))


def _leg(words: Words) -> _Leg:
    return _Leg(words.uint(0), words.address(1), words.uint(2), words.uint(3))


def _twins(orders: Sequence[_Order], matches: Iterable[Sequence[int]]) -> set[int]:
    """Return the indexes of orders that announce a trade once more."""
    found: set[int] = set()
    free: defaultdict[int, list[int]] = defaultdict(list)
    for index, order in enumerate(orders):
        free[order.order_hash].append(index)
    for match in matches:
        indexes = [free[order_hash].pop(0) for order_hash in match if free[order_hash]]
        delivered: set[Item] = set()
        for index in indexes:
            items = orders[index].fill.items
            if items and delivered.issuperset(items):
                found.add(index)
            delivered.update(items)
    return found
