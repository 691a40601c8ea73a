"""An order that a marketplace carried out, as its event tells it."""

from typing import Literal, NamedTuple

from common.chain.types import Address

NATIVE = "native"
"""Stands for a currency's address where the chain's own coin was paid."""

Marketplace = Literal["seaport", "blur", "looksrare", "x2y2", "opensea_wyvern", "cryptopunks"]


class Item(NamedTuple):
    """A token that an order delivered."""

    contract: Address
    token_id: int


class Fill(NamedTuple):
    """One order carried out. A tuple, as `Log` is.

    Who bought and who sold is left to the transfers: events name proxies, bidders' agents and
    aggregators where transfers name the wallets.

    Attributes:
        log_index: Of the event.
        items: What was delivered; empty where the event does not say.
        currency: NATIVE or a token's address; None when several were paid, or it is not told.
        price: For all items, in the currency's smallest unit; None exactly when several currencies
            were paid.
    """

    marketplace: Marketplace
    log_index: int
    items: tuple[Item, ...]
    currency: str | None
    price: int | None
