"""Sales as columns, and which of them a rule has to look at.

Each rule is written for a list of sales and looks at each of them. Of a million only few can be
what it looks for; the masks here leave out those that certainly are not, never more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from nft_worker.analysis.columns import (
    Floats,
    Ints,
    Mask,
    Movements,
    Numbering,
    column,
    grouped,
    is_in,
    occurring,
    pick,
)
from nft_worker.models import Position, Sale


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales in the order of the chain, with their columns.

    Attributes:
        keys: Rank key of each, ascending.
        token: Token numbers, as those of the movements.
        seller: Account numbers, as `buyer`.
        seconds: Unix seconds.
        is_unique: ERC-721 and not ERC-1155.
        currency: Number of the currency; that of None for sales without a price.
        unit_price: Price of one unit, rounded; NaN for sales without one.
    """

    records: Sequence[Sale]
    moves: Movements
    currencies: Numbering[str | None]
    keys: Ints
    token: Ints
    seller: Ints
    buyer: Ints
    seconds: Ints
    is_unique: Mask
    currency: Ints
    unit_price: Floats

    def __len__(self) -> int:
        return len(self.records)

    def pick(self, rows: Ints | Mask) -> list[Sale]:
        """Return some of the sales, in the order of the chain."""
        return pick(self.records, rows)

    def mask_of(self, positions: Collection[Position]) -> Mask:
        """Return for each sale whether its position is among `positions`."""
        wanted = np.array(sorted(map(self.moves.ranking.key, positions)), np.int64)
        return is_in(self.keys, wanted)

    def of_tokens(self, tokens: Mask) -> dict[Position, Sale]:
        """Return the sales of some tokens, by position.

        Args:
            tokens: For each token number, whether it is wanted.
        """
        return {sale.position: sale for sale in self.pick(tokens[self.token])}


def sale_columns(sales: Sequence[Sale], moves: Movements) -> Sales:
    """Return sales with their columns.

    Args:
        sales: In the order of the chain.
        moves: The movements that delivered them, among others.
    """
    keys = moves.ranking.keys(
        column(sales, "block_number"), column(sales, "log_index"), column(sales, "batch_index")
    )
    rows = np.searchsorted(moves.keys, keys)
    currencies: Numbering[str | None] = Numbering()
    quantity = np.array(list(map(attrgetter("quantity"), sales)), np.float64)
    price = np.array(list(map(attrgetter("price"), sales)), np.float64)
    return Sales(
        records=sales,
        moves=moves,
        currencies=currencies,
        keys=keys,
        token=moves.token[rows],
        seller=moves.sender[rows],
        buyer=moves.recipient[rows],
        seconds=moves.seconds[rows],
        is_unique=moves.is_unique[rows],
        currency=currencies.number(map(attrgetter("currency"), sales), len(sales)),
        unit_price=np.divide(price, quantity, out=np.full(len(sales), np.nan), where=quantity > 0),
    )


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


def resales(sales: Sales, among: Mask, seconds: float) -> list[tuple[Sale, Sale]]:
    """Return purchase and resale of the tokens whose buyer sold them next, within `seconds`.

    Args:
        sales: All sales.
        among: Which of them count; others are passed over.
        seconds: Longest time between the two.
    """
    rows = np.flatnonzero(among & sales.is_unique)
    order = rows[grouped(sales.token[rows])]
    bought, sold = order[:-1], order[1:]
    resold = (
        (sales.token[bought] == sales.token[sold])
        & (sales.buyer[bought] == sales.seller[sold])
        & (sales.seconds[sold] - sales.seconds[bought] <= seconds)
    )
    return list(zip(sales.pick(bought[resold]), sales.pick(sold[resold]), strict=True))


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
