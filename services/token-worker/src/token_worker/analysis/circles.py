"""Tokens that go round: transfers that bring everything back to where it was.

The method is that of Victor and Weintraud (2021), "Detecting and quantifying wash trading on
decentralized cryptocurrency exchanges": strongly connected components of the transfers of a span of
time, then the earliest of their transfers after which nobody's position has changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


PASSES = tuple((span, shift) for span, length in SPAN_SECONDS.items() for shift in (0, length // 2))
"""Length and shift of the spans, in the order in which they are searched."""


@dataclass(frozen=True)
class Circle:
    """Transfers of one span of time that leave everybody about where they were.

    Attributes:
        rows: Rows of the table, in chain order.
        span: Length of the span of time in which the circle was found.
        span_start: Unix seconds; spans begin at multiples of half their length since 1970.
        residual_pct: Largest net position that is left, in percent of the mean transfer.
        volume: Raw sum of the transfers.
    """

    rows: tuple[int, ...]
    span: Span
    span_start: int
    residual_pct: float
    volume: int


@dataclass(frozen=True)
class Circles:
    """What has been found up to a moment.

    Attributes:
        largest: By volume, then in chain order.
        total: How many there are; of old ones only the largest are kept.
        covered: Rows that belong to one.
        fresh: Those of the last search.
    """

    largest: list[Circle]
    total: int
    covered: frozenset[int]
    fresh: list[Circle] = field(default_factory=list)


NO_CIRCLES = Circles([], 0, frozenset())


def final_until(moment: int) -> list[int]:
    """Return, for each of `PASSES`, where its first span begins that later transfers may change.

    That is one that has not ended, or one that overlaps such a span of an earlier pass: what is
    found there decides which circles are told again.

    Args:
        moment: Unix seconds up to which all transfers are known.
    """
    starts = []
    for span, shift in PASSES:
        moment -= (moment - shift) % SPAN_SECONDS[span]
        starts.append(moment)
    return starts


def find_circles(
    token: Address,
    table: TransferTable,
    residual_pct: float,
    min_transfers: int,
    past: Circles = NO_CIRCLES,
    starts: Sequence[int] | None = None,
) -> Circles:
    """Return the circles of each hour, day and week, the largest volume first.

    Spans overlap by half, so that a circle that takes up to half a span is never cut by its end. A
    circle is left out when all its transfers belong to ones found before, in a narrower span.
    Mints, burns, zero amounts, transfers to oneself and those with the token contract make no
    circle.

    Args:
        token: Address of the token contract.
        table: Transfers of the window.
        residual_pct: Net position that may be left, in percent of the mean transfer.
        min_transfers: Transfers that a circle needs at least.
        past: Circles of all spans before `starts`.
        starts: For each of `PASSES`, the span from which on to search; no row from there on is
            missing. All spans by default.
    """
    outside = [table.code(address) for address in excluded_addresses(token)]
    candidates = np.flatnonzero(
        (table.timestamps >= (min(starts) if starts else 0))
        & table.limbs.any(axis=1)
        & (table.senders != table.recipients)
        & ~np.isin(table.senders, outside)
        & ~np.isin(table.recipients, outside)
    )
    neighbours = Neighbours.of(table, candidates)
    found: list[Circle] = []
    covered = set(past.covered)
    for number, (span, shift) in enumerate(PASSES):
        first = starts[number] if starts else 0
        for rows in connected_rows(table, neighbours, SPAN_SECONDS[span], shift, first):
            count, left_pct = balanced_prefix(table, rows, residual_pct)
            if count < min_transfers or covered.issuperset(rows[:count]):
                continue
            moment = int(table.timestamps[rows[0]])
            start = moment - (moment - shift) % SPAN_SECONDS[span]
            volume = sum(table.amounts(np.array(rows[:count])))
            found.append(Circle(tuple(rows[:count]), span, start, left_pct, volume))
            covered.update(rows[:count])
    ranked = _ranked([*past.largest, *found])
    return Circles(ranked, past.total + len(found), frozenset(covered), found)


def final_part(
    table: TransferTable, circles: Circles, past: Circles, starts: Sequence[int], limit: int
) -> Circles:
    """Return the circles of spans before `starts`: no later transfer can change them.

    Args:
        table: The transfers.
        circles: The result of a search.
        past: What that search began with.
        starts: Of `final_until`.
        limit: How many of the largest circles to keep.

    Returns:
        Their covered rows are those that a later search may meet again.
    """
    first_of = dict(zip(PASSES, starts, strict=True))
    final = [each for each in circles.fresh if each.span_start < first_of[_pass_of(each)]]
    covered = past.covered.union(*(each.rows for each in final))
    return Circles(
        largest=_ranked([*past.largest, *final])[:limit],
        total=past.total + len(final),
        covered=frozenset(row for row in covered if table.timestamps[row] >= min(starts)),
    )


def _pass_of(circle: Circle) -> tuple[Span, int]:
    length = SPAN_SECONDS[circle.span]
    return circle.span, length // 2 if circle.span_start % length else 0


def _ranked(circles: list[Circle]) -> list[Circle]:
    return sorted(circles, key=lambda each: (-each.volume, each.rows, -each.span_start))


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
        volume_raw=str(circle.volume),
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
