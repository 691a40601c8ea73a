"""Sales as a table of columns beside the movements that delivered them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, get_args

import numpy as np

from common.results.nft_movements import PriceSource
from nft_worker.analysis.arrays import (
    Exact,
    Floats,
    Ints,
    Mask,
    Numbering,
    chunks,
    exact,
    is_in,
    numbers_of,
)
from nft_worker.analysis.movement_table import Movements
from nft_worker.models import Position, Sale

PRICE_SOURCES: tuple[PriceSource, ...] = get_args(PriceSource)
COLUMNS = ("rows", "currency", "price", "source", "is_estimated", "is_bundle", "market")
_PLACES = attrgetter("block_number", "log_index", "batch_index")


@dataclass(frozen=True, eq=False)
class Sales:
    """One row a sale, in the order of the chain.

    Attributes:
        moves: The movements that delivered them, among others.
        currencies: Numbers of currencies; None, of sales without a price, may be one.
        markets: Numbers of marketplaces; None is that of sales without an order.
        rows: Row of each delivery in `moves`, ascending.
        currency: Currency numbers.
        price: For the whole quantity; None for sales without one.
        source: Places in PRICE_SOURCES.
        is_estimated: Whether the price is a share or a guess.
        is_bundle: Whether it was sold with others.
        market: Marketplace numbers.
    """

    moves: Movements
    currencies: Numbering[str | None]
    markets: Numbering[str | None]
    rows: Ints
    currency: Ints
    price: Exact
    source: Ints
    is_estimated: Mask
    is_bundle: Mask
    market: Ints

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def keys(self) -> Ints:
        """Rank key of each, ascending."""
        return self.moves.keys[self.rows]

    @cached_property
    def token(self) -> Ints:
        """Token numbers, as those of the movements."""
        return self.moves.token[self.rows]

    @cached_property
    def seller(self) -> Ints:
        """Account numbers, as those of the movements."""
        return self.moves.sender[self.rows]

    @cached_property
    def buyer(self) -> Ints:
        """Account numbers, as those of the movements."""
        return self.moves.recipient[self.rows]

    @cached_property
    def seconds(self) -> Ints:
        """Unix seconds."""
        return self.moves.seconds[self.rows]

    @cached_property
    def is_unique(self) -> Mask:
        """ERC-721 and not ERC-1155."""
        return self.moves.is_unique[self.rows]

    @cached_property
    def unit_price(self) -> Floats:
        """Price of one unit, rounded; NaN for sales without one."""
        quantity = self.moves.amount[self.rows].astype(np.float64)
        price = self.price.astype(np.float64)
        prices: Floats = np.full(len(self), np.nan)
        np.divide(price, quantity, out=prices, where=quantity > 0)
        return prices

    def position(self, row: int) -> Position:
        """Return where on the chain a sale happened."""
        return self.moves.position(int(self.rows[row]))

    def mask_of(self, positions: Collection[Position]) -> Mask:
        """Return for each sale whether its position is among `positions`."""
        wanted = np.array(sorted(map(self.moves.ranking.key, positions)), np.int64)
        return is_in(self.keys, wanted)

    def of_transactions(self, digests: Collection[str]) -> Mask:
        """Return for each sale whether it happened in one of some transactions."""
        wanted = {bytes.fromhex(digest[2:]) for digest in digests}
        happened = self.moves.hashes[self.rows].tolist()
        return np.fromiter((digest in wanted for digest in happened), np.bool_, len(self))

    def of_tokens(self, tokens: Mask) -> dict[Position, Sale]:
        """Return the sales of some tokens, by position.

        Args:
            tokens: For each token number, whether it is wanted.
        """
        return {sale.position: sale for sale in self.pick(tokens[self.token])}

    def pick(self, rows: Ints | Mask) -> list[Sale]:
        """Return some of the sales as records, in the order of the chain."""
        numbers = numbers_of(rows)
        moves, at = self.moves, self.rows[numbers]
        columns = zip(
            moves.tokens.named(moves.token[at]),
            moves.amount[at].tolist(),
            ["erc721" if is_unique else "erc1155" for is_unique in moves.is_unique[at].tolist()],
            moves.accounts.named(moves.sender[at]),
            moves.accounts.named(moves.recipient[at]),
            self.currencies.named(self.currency[numbers]),
            self.price[numbers].tolist(),
            [PRICE_SOURCES[source] for source in self.source[numbers].tolist()],
            self.is_estimated[numbers].tolist(),
            self.is_bundle[numbers].tolist(),
            moves.seconds[at].tolist(),
            moves.block[at].tolist(),
            moves.digests(at),
            moves.log[at].tolist(),
            moves.part[at].tolist(),
            self.markets.named(self.market[numbers]),
            strict=True,
        )
        return [Sale(*fields) for fields in columns]


def sale_table(sales: Iterable[Sale], moves: Movements) -> Sales:
    """Return the table of sales.

    Args:
        sales: In the order of the chain; they may be made while they are read.
        moves: The movements that delivered them, among others.
    """
    currencies: Numbering[str | None] = Numbering()
    markets: Numbering[str | None] = Numbering()
    parts = [_encoded(chunk, moves, currencies, markets) for chunk in chunks(sales)]
    columns: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in COLUMNS
    }
    return Sales(moves, currencies, markets, **columns)


def _encoded(
    sales: list[Sale],
    moves: Movements,
    currencies: Numbering[str | None],
    markets: Numbering[str | None],
) -> dict[str, Any]:
    places = np.array(list(map(_PLACES, sales)), np.int64).reshape(-1, 3)
    return {
        "rows": np.searchsorted(moves.keys, moves.ranking.keys(*places.T)),
        "currency": currencies.number(sale.currency for sale in sales),
        "price": exact([sale.price for sale in sales]),
        "source": np.array([PRICE_SOURCES.index(sale.price_source) for sale in sales], np.int64),
        "is_estimated": np.array([sale.price_estimated for sale in sales], np.bool_),
        "is_bundle": np.array([sale.is_bundle for sale in sales], np.bool_),
        "market": markets.number(sale.marketplace for sale in sales),
    }
