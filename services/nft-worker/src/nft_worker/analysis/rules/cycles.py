"""A token that comes back to a wallet it had left: round trips, and rings of three and more."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.chain.transfers import NftTransfer
from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_transfers
from nft_worker.analysis.paths import TokenPath, between_wallets
from nft_worker.analysis.wording import count_text, duration_text, short
from nft_worker.models import Position, Sale, Timestamps, position

WEIGHT = 0.6
"""Enough to flag on its own. The limit of 30 days and the removal of contracts are those of the
cycle detection published with the paper code NFT-wash-trade; the weight is this project's."""

FAST_WEIGHT = 0.8
"""A cycle closed within a day: nobody had the token long enough for another purpose."""

WALLETS_NAMED = 8
"""Longer ways are cut in the explanation."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A token's way from a wallet back to it, each wallet once.

    Attributes:
        hops: Transfers in the order of the chain; the last one ends where the first began.
        seconds: Time between the first hop and the last.
    """

    token_id: int
    hops: tuple[NftTransfer, ...]
    seconds: int


def find_cycles(
    paths: Iterable[TokenPath],
    contracts: Collection[Address],
    timestamps: Timestamps,
    *,
    longest_seconds: float,
) -> list[Cycle]:
    """Return every return of a token to an earlier wallet within `longest_seconds`.

    Each return counts from the latest time that the wallet had the token. Returns that lie within
    that way are cycles of their own and are left out of it, so its wallets are distinct.
    """
    cycles = []
    for path in paths:
        for stretch in path.stretches:
            for closed_walk in _closed_walks(between_wallets(stretch, contracts)):
                first, last = closed_walk[0], closed_walk[-1]
                seconds = timestamps[last.block_number] - timestamps[first.block_number]
                if seconds <= longest_seconds:
                    cycles.append(Cycle(path.token_id, _without_loops(closed_walk), seconds))
    return cycles


def _closed_walks(hops: Sequence[NftTransfer]) -> Iterator[Sequence[NftTransfer]]:
    left_by: dict[Address, int] = {}
    for index, hop in enumerate(hops):
        left_by[hop.sender] = index
        if hop.recipient in left_by:
            yield hops[left_by[hop.recipient] : index + 1]


def _without_loops(closed_walk: Sequence[NftTransfer]) -> tuple[NftTransfer, ...]:
    kept: list[NftTransfer] = []
    for hop in closed_walk:
        for index, earlier in enumerate(kept[1:], start=1):
            if earlier.sender == hop.recipient:
                del kept[index:]
                break
        else:
            kept.append(hop)
    return tuple(kept)


def accuse_cycles(
    cycles: Iterable[Cycle],
    sales: Mapping[Position, Sale],
    timestamps: Timestamps,
    *,
    fast_seconds: float,
    longest_seconds: float,
) -> list[Finding]:
    """Return one finding for each token and set of wallets it went around in.

    Cycles with at least one paid hop accuse the sales in them; cycles of unpaid transfers only
    are told as `circular_transfer` and accuse nobody.

    Args:
        cycles: What `find_cycles` returned.
        sales: By position.
        timestamps: Unix seconds of each block.
        fast_seconds: A cycle closed within this weighs more.
        longest_seconds: The limit the cycles were found with.
    """
    rings: defaultdict[tuple[int, tuple[Address, ...]], list[Cycle]] = defaultdict(list)
    for cycle in cycles:
        wallets = tuple(sorted({hop.sender for hop in cycle.hops}))
        rings[cycle.token_id, wallets].append(cycle)
    return [
        _ring_finding(token_id, wallets, turns, sales, timestamps, fast_seconds, longest_seconds)
        for (token_id, wallets), turns in rings.items()
    ]


def _ring_finding(
    token_id: int,
    wallets: tuple[Address, ...],
    turns: Sequence[Cycle],
    sales: Mapping[Position, Sale],
    timestamps: Timestamps,
    fast_seconds: float,
    longest_seconds: float,
) -> Finding:
    weights: dict[Position, float] = {}
    for cycle in turns:
        weight = FAST_WEIGHT if cycle.seconds <= fast_seconds else WEIGHT
        for hop in cycle.hops:
            at = position(hop)
            if at in sales:
                weights[at] = max(weight, weights.get(at, 0.0))
    fastest = min(cycle.seconds for cycle in turns)
    named = [short(hop.sender) for hop in turns[0].hops]
    way = " -> ".join(named if len(named) <= WALLETS_NAMED else [*named[:WALLETS_NAMED], "..."])
    often = f" at its fastest, {len(turns)} times" if len(turns) > 1 else ""
    paid = f"{count_text(len(weights), 'sale')} on the way" if weights else "nothing was paid"
    return Finding(
        type="closed_cycle" if weights else "circular_transfer",
        rule="closed_cycle" if weights else None,
        wallets=wallets,
        token_ids=(token_id,),
        places=places_of_transfers((hop for cycle in turns for hop in cycle.hops), timestamps),
        accused=tuple(Accusation(sales[at], weights[at]) for at in sorted(weights)),
        sales=tuple(sorted(weights)),
        explanation=(
            f"Token {token_id} went {way} -> {short(turns[0].hops[0].sender)} "
            f"within {duration_text(fastest)}{often}; {paid}."
        ),
        key=(token_id, *wallets),
        value=fastest,
        threshold=longest_seconds,
        severity="low",
    )
