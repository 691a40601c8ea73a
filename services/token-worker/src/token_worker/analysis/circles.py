"""Tokens that go round: transfers that bring everything back to where it was.

The method is that of Victor and Weintraud (2021), "Detecting and quantifying wash trading on
decentralized cryptocurrency exchanges": strongly connected components of the transfers of a span of
time, then the earliest of their transfers after which nobody's position has changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.chain.types import Address
from common.models import from_millis
from common.results.coin_flows import CircularFlow
from token_worker.analysis.balance import balanced_prefix
from token_worker.analysis.holders import excluded_addresses
from token_worker.analysis.spans import Neighbours, connected_rows
from token_worker.analysis.table import TransferTable

Span = Literal["1h", "1d", "1w"]

SPAN_SECONDS: dict[Span, int] = {"1h": 3_600, "1d": 86_400, "1w": 604_800}
HASH_CAP = 100


@dataclass(frozen=True)
class Circle:
    """Transfers of one span of time that leave everybody about where they were.

    Attributes:
        rows: Rows of the table, in chain order.
        span: Length of the span of time in which the circle was found.
        span_start: Unix seconds; spans begin at multiples of half their length since 1970.
        residual_pct: Largest net position that is left, in percent of the mean transfer.
    """

    rows: tuple[int, ...]
    span: Span
    span_start: int
    residual_pct: float


def find_circles(
    token: Address, table: TransferTable, residual_pct: float, min_transfers: int
) -> list[Circle]:
    """Return the circles of each hour, day and week, the narrowest span first.

    Spans overlap by half, so that a circle that takes up to half a span is never cut by its end. A
    circle is left out when all its transfers belong to ones found before. Mints, burns, zero
    amounts, transfers to oneself and those with the token contract make no circle.

    Args:
        token: Address of the token contract.
        table: Transfers of the window.
        residual_pct: Net position that may be left, in percent of the mean transfer.
        min_transfers: Transfers that a circle needs at least.
    """
    outside = [table.code(address) for address in excluded_addresses(token)]
    candidates = np.flatnonzero(
        table.limbs.any(axis=1)
        & (table.senders != table.recipients)
        & ~np.isin(table.senders, outside)
        & ~np.isin(table.recipients, outside)
    )
    neighbours = Neighbours.of(table, candidates)
    found: list[Circle] = []
    covered: set[int] = set()
    for span, seconds in SPAN_SECONDS.items():
        for shift in (0, seconds // 2):
            for rows in connected_rows(table, neighbours, seconds, shift):
                count, left_pct = balanced_prefix(table, rows, residual_pct)
                if count < min_transfers or covered.issuperset(rows[:count]):
                    continue
                moment = int(table.timestamps[rows[0]])
                start = moment - (moment - shift) % seconds
                found.append(Circle(tuple(rows[:count]), span, start, left_pct))
                covered.update(rows[:count])
    return found


def describe_circle(
    table: TransferTable, circle: Circle, contracts: Mapping[Address, bool]
) -> CircularFlow:
    """Return a circle for a reader, with its members that are contracts, as far as looked up."""
    transfers = [table[row] for row in circle.rows]
    hashes = dict.fromkeys(transfer.transaction_hash for transfer in transfers)
    return CircularFlow(
        addresses=circle_addresses(table, circle),
        contract_addresses=[
            address for address in circle_addresses(table, circle) if contracts.get(address)
        ],
        transfer_count=len(transfers),
        volume_raw=str(sum(transfer.amount for transfer in transfers)),
        net_residual_pct=circle.residual_pct,
        span=circle.span,
        span_start=from_millis(circle.span_start * 1000),
        transaction_hashes=list(hashes)[:HASH_CAP],
    )


def circle_members(table: TransferTable, circles: Sequence[Circle], limit: int) -> list[Address]:
    """Return the addresses of the first circles, at most about `limit`, each once."""
    members: dict[Address, None] = {}
    for circle in circles:
        if len(members) >= limit:
            break
        members.update(dict.fromkeys(circle_addresses(table, circle)))
    return list(members)


def circle_addresses(table: TransferTable, circle: Circle) -> list[Address]:
    """Return all addresses of a circle, sorted."""
    transfers = [table[row] for row in circle.rows]
    return sorted(
        {transfer.sender for transfer in transfers} | {transfer.recipient for transfer in transfers}
    )
