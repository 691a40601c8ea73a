"""Which sales a rule has to look at.

Each rule is written for a list of sales and looks at each of them. Of a million only few can be
what it looks for; the masks here leave out those that certainly are not, never more.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from common.chain.types import Address
from nft_worker.analysis.arrays import Ints, Mask, grouped, is_in, occurring
from nft_worker.analysis.sale_table import Sales


def swapped_back(sales: Sales) -> Mask:
    """Return the sales whose token was also sold from their buyer to their seller."""
    accounts = len(sales.moves.accounts)
    there = (sales.token * accounts + sales.seller) * accounts + sales.buyer
    back = (sales.token * accounts + sales.buyer) * accounts + sales.seller
    return is_in(there, np.sort(back)) & sales.is_unique


def repeated(sales: Sales, least: int) -> Mask:
    """Return the sales of a token whose buyer bought, or seller sold, it at least `least` times."""
    return sales.is_unique & (
        _often(sales.token, sales.buyer, sales, least)
        | _often(sales.token, sales.seller, sales, least)
    )


def _often(token: Ints, account: Ints, sales: Sales, least: int) -> Mask:
    key = token * len(sales.moves.accounts) + account
    return is_in(key, occurring(key, least))


class Resales(NamedTuple):
    """Rows of purchases, and of the next sale of each token by its buyer."""

    bought: Ints
    sold: Ints


def resales(sales: Sales, among: Mask, first_sale: int, seconds: float) -> Resales:
    """Return the tokens sold on by their buyer to somebody else.

    Args:
        sales: All sales.
        among: Which of them count; others are passed over.
        first_sale: First row that a resale may have.
        seconds: Longest time between purchase and resale.
    """
    rows = np.flatnonzero(among & sales.is_unique)
    order = rows[grouped(sales.token[rows])]
    bought, sold = order[:-1], order[1:]
    resold = (
        (sold >= first_sale)
        & (sales.token[bought] == sales.token[sold])
        & (sales.buyer[bought] == sales.seller[sold])
        & (sales.seconds[sold] - sales.seconds[bought] <= seconds)
        & (sales.seller[sold] != sales.seller[bought])
        & (sales.seller[sold] != sales.buyer[sold])
    )
    return Resales(bought[resold], sold[resold])


def foremost_resales(
    sales: Sales, found: Resales, suspected: Mask, instant_seconds: float, count: int
) -> Resales:
    """Return the resales that can be among the first `count` of any list of what was found.

    Such a list begins with the sales that some rule accuses, or with the instant ones; then the
    newest come first.

    Args:
        sales: All sales.
        found: What `resales` returned.
        suspected: For each sale, whether some rule accuses it.
        instant_seconds: Longest time between purchase and resale of an instant one.
        count: At least 1.
    """
    seconds = sales.seconds[found.sold]
    is_instant = seconds - sales.seconds[found.bought] <= instant_seconds
    kept = suspected[found.bought] | suspected[found.sold] | _newest(seconds, count)
    kept[is_instant] |= _newest(seconds[is_instant], count)
    return Resales(found.bought[kept], found.sold[kept])


def _newest(seconds: Ints, count: int) -> Mask:
    """Return the `count` newest, and those as old as the last of them."""
    if len(seconds) <= count:
        return np.ones(len(seconds), np.bool_)
    newest: Mask = seconds >= np.partition(seconds, -count)[-count]
    return newest


def of_bursts(
    sales: Sales, among: Mask, account: Ints, bursts: Iterable[tuple[int, float]]
) -> Mask:
    """Return all sales of the accounts that traded fast enough for one of `bursts`.

    Args:
        sales: All sales.
        among: Which of them count.
        account: The buyers, or the sellers.
        bursts: Least number of trades, and the seconds within which.
    """
    rows = np.flatnonzero(among & (sales.buyer != sales.seller))
    order = rows[grouped(account[rows])]
    fast = np.zeros(len(sales.moves.accounts), np.bool_)
    for least, seconds in bursts:
        first, last = order[: len(order) - least + 1], order[least - 1 :]
        if len(last):
            is_burst = (account[first] == account[last]) & (
                sales.seconds[last] - sales.seconds[first] <= seconds
            )
            fast[account[first[is_burst]]] = True
    return among & fast[account]


def around(sales: Sales, seconds: int) -> Mask:
    """Return the sales whose seller also bought and whose buyer also sold in one span of time.

    Sales whose end has nothing to do with a ring are taken away until none is left to take: what
    remains of a chain of sales is nothing, what remains of a ring is the ring.

    Args:
        sales: All sales.
        seconds: Length of the spans of time; rings within parts of a span remain too.
    """
    span = sales.seconds // seconds * max(len(sales.moves.accounts), 1)
    seller, buyer = span + sales.seller, span + sales.buyer
    rows = np.flatnonzero(~np.isnan(sales.unit_price) & (seller != buyer))
    before = -1
    while len(rows) != before:
        before = len(rows)
        rows = rows[is_in(seller[rows], np.sort(buyer[rows]))]
        rows = rows[is_in(buyer[rows], np.sort(seller[rows]))]
    found = np.zeros(len(sales), np.bool_)
    found[rows] = True
    return found


def frequent_sellers(sales: Sales, among: Mask, least: int) -> set[Address]:
    """Return the wallets that sold at least `least` times: only these can have dumped.

    Args:
        sales: All sales.
        among: Which of them count.
        least: At least 1.
    """
    return set(sales.moves.accounts.named(occurring(sales.seller[among], least)))
