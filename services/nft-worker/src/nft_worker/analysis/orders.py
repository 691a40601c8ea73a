"""What marketplaces say that each token of a transaction was sold for."""

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from common.chain.types import ZERO_ADDRESS
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.models import PaidTransaction


class Share(NamedTuple):
    """One token's part of an order.

    Attributes:
        price: In the currency's smallest unit; None when several currencies were paid.
        is_bundle: The order delivered several tokens for one price.
    """

    marketplace: str
    currency: str | None
    price: int | None
    is_bundle: bool


def order_shares(transaction: PaidTransaction) -> dict[Item, deque[Share]]:
    """Return the shares of each token, in the order of the orders.

    The price of a bundle is divided evenly; the first tokens bear what does not divide, so that the
    parts add up. A token that was sold twice in the transaction has two shares.
    """
    shares: defaultdict[Item, deque[Share]] = defaultdict(deque)
    for place, fill in enumerate(transaction.fills):
        items = fill.items or _items_around(transaction, place)
        for index, item in enumerate(items):
            price = None
            if fill.price is not None:
                part, rest = divmod(fill.price, len(items))
                price = part + (index < rest)
            currency = fill.currency
            if currency is None and price is not None:
                currency = _currency_of_amount(transaction, fill)
            shares[item].append(Share(fill.marketplace, currency, price, len(items) > 1))
    return dict(shares)


def _items_around(transaction: PaidTransaction, place: int) -> Sequence[Item]:
    """Return what an order that names no token delivered.

    That is what moved after the order before it, or, if nothing did, before the order after it.
    Source: Dune's reading of Wyvern, which joins the transfers between successive orders.
    """
    fills = transaction.fills
    own = fills[place].log_index
    previous = fills[place - 1].log_index if place else -1
    following = fills[place + 1].log_index if place + 1 < len(fills) else None
    return _moved(transaction, previous, own) or _moved(transaction, own, following)


def _moved(transaction: PaidTransaction, after: int, before: int | None) -> Sequence[Item]:
    return list(
        dict.fromkeys(
            Item(move.contract, move.token_id)
            for move in transaction.nfts
            if move.log_index > after
            and (before is None or move.log_index < before)
            and move.sender != ZERO_ADDRESS
        )
    )


def _currency_of_amount(transaction: PaidTransaction, fill: Fill) -> str:
    """Return the currency of an order that tells only the amount: what moved in that amount."""
    moved = [
        leg
        for leg in transaction.erc20
        if leg.amount == fill.price and leg.log_index < fill.log_index
    ]
    return moved[-1].contract if moved else NATIVE
