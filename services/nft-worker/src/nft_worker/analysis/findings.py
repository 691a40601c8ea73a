"""What a rule found: the same shape for every rule, so that scores and reports need no cases."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from common.results.alerts import Severity
from common.results.nft_movements import PatternType, WashRule
from nft_worker.models import Position, Sale, Timestamps

LIST_CAP = 1_000
"""Entries of every list of the result, alerts among them; further ones are only counted."""


class Place(NamedTuple):
    """A log on the chain, in the order of the chain."""

    block_number: int
    log_index: int
    transaction_hash: str
    timestamp: int


class Accusation(NamedTuple):
    """A sale that a wash rule fired for, and how much that weighs (0..1)."""

    sale: Sale
    weight: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One suspicious pattern.

    Attributes:
        type: What it is.
        wallets: Who is involved, sorted.
        token_ids: What is involved, sorted.
        places: The logs that show it, in the order of the chain, at least one.
        explanation: One or two sentences for a person.
        key: What tells this occurrence from others of its type, whatever window it is seen in.
        value: The measured value, in the unit that the type implies.
        threshold: What it was held against.
        rule: The wash rule that fired; None for what is only worth a look.
        accused: Sales that the rule fired for.
        sales: Sales that it is about, accused or not.
        severity: For findings without a rule; a rule's follows from the score.
    """

    type: PatternType
    wallets: tuple[Address, ...]
    token_ids: tuple[int, ...]
    places: tuple[Place, ...]
    explanation: str
    key: tuple[object, ...]
    value: float
    threshold: float | None = None
    rule: WashRule | None = None
    accused: tuple[Accusation, ...] = ()
    sales: tuple[Position, ...] = ()
    severity: Severity = "info"


def places_of_sales(sales: Iterable[Sale]) -> tuple[Place, ...]:
    """Return where sales happened."""
    return tuple(
        Place(sale.block_number, sale.log_index, sale.transaction_hash, sale.timestamp)
        for sale in sorted(sales, key=lambda sale: sale.position)
    )


def places_of_transfers(
    transfers: Iterable[NftTransfer], timestamps: Timestamps
) -> tuple[Place, ...]:
    """Return where transfers happened, each log once."""
    return tuple(
        sorted(
            {
                Place(
                    transfer.block_number,
                    transfer.log_index,
                    transfer.transaction_hash,
                    timestamps[transfer.block_number],
                )
                for transfer in transfers
            }
        )
    )
