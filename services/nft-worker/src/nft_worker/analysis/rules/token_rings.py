"""Rings over several tokens: the money goes around, each token moves once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import rustworkx

from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.markets.blur import POOL
from nft_worker.analysis.markets.fills import NATIVE
from nft_worker.analysis.wording import count_text, duration_text, short
from nft_worker.models import Position, Sale

WEIGHT = 0.5
"""Enough to flag on its own, as a swap back: whoever sells and buys for the same sums among the
same wallets has moved tokens and no money. Source of the method, the three lengths of time and the
margin: Victor and Weintraud (2021), Detecting and Quantifying Wash Trading on Decentralized
Cryptocurrency Exchanges: strongly connected traders whose volumes match to 1 %. The weight is this
project's."""

WINDOWS_SECONDS = (3_600, 86_400, 604_800)
"""Each divides the next: a span of one lies within a span of the next."""

LEAST_SALES = 3
LEAST_TOKENS = 2
"""Fewer sales are an exchange of two tokens; what one token does is told by its cycles."""

SAME_COIN: Final = dict.fromkeys(
    (
        POOL,
        "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",  # wrapped on Ethereum
        "0x4200000000000000000000000000000000000006",  # on Base, Optimism and their relatives
        "0x82af49447d8a07e3bd95bd0d56f35241523fbab1",  # on Arbitrum
    ),
    NATIVE,
)
"""Forms of the native coin: a listing is paid in one, an accepted bid in another."""

WALLETS_NAMED = 8


def find_token_rings(
    sales: Iterable[Sale], contracts: Collection[Address], *, margin_pct: float
) -> list[Finding]:
    """Return one finding for each group of wallets that sold several tokens around in a ring.

    Within an hour, a day or a week the wallets are strongly connected by sales in one currency, and
    each got for what it sold what it paid for what it bought, up to the margin. What a shorter time
    explains is not looked at again in a longer one.

    Args:
        sales: In the order of the chain.
        contracts: Accounts with code: they trade for others.
        margin_pct: Largest difference, in percent of what a wallet got or paid.
    """
    left = [
        sale
        for sale in sales
        if sale.price
        and sale.seller != sale.buyer
        and sale.seller not in contracts
        and sale.buyer not in contracts
    ]
    rings: defaultdict[tuple[Address, ...], list[tuple[int, Sequence[Sale]]]] = defaultdict(list)
    for seconds in WINDOWS_SECONDS:
        explained: set[Position] = set()
        for ring in _rings(left, seconds, margin_pct):
            rings[tuple(sorted({sale.seller for sale in ring}))].append((seconds, ring))
            explained.update(sale.position for sale in ring)
        left = [sale for sale in left if sale.position not in explained]
    return [_finding(wallets, turns, margin_pct) for wallets, turns in rings.items()]


def _rings(sales: Iterable[Sale], seconds: int, margin_pct: float) -> Iterator[Sequence[Sale]]:
    spans: defaultdict[tuple[int, str | None], list[Sale]] = defaultdict(list)
    for sale in sales:
        coin = SAME_COIN.get(sale.currency or "", sale.currency)
        spans[sale.timestamp // seconds, coin].append(sale)
    for traded in spans.values():
        if len(traded) >= LEAST_SALES:
            for ring in _strongly_connected(traded):
                if (
                    len(ring) >= LEAST_SALES
                    and len({sale.token_id for sale in ring}) >= LEAST_TOKENS
                    and _volumes_match(ring, margin_pct)
                ):
                    yield ring


def _strongly_connected(sales: Sequence[Sale]) -> Iterator[Sequence[Sale]]:
    """Yield the sales within each strongly connected group of wallets."""
    graph = rustworkx.PyDiGraph[Address, None](multigraph=False)
    nodes: dict[Address, int] = {}
    for sale in sales:
        for wallet in (sale.seller, sale.buyer):
            if wallet not in nodes:
                nodes[wallet] = graph.add_node(wallet)
        graph.add_edge(nodes[sale.seller], nodes[sale.buyer], None)
    group = {
        graph[node]: number
        for number, component in enumerate(rustworkx.strongly_connected_components(graph))
        if len(component) > 1
        for node in component
    }
    within: defaultdict[int, list[Sale]] = defaultdict(list)
    for sale in sales:
        own = group.get(sale.seller)
        if own is not None and own == group.get(sale.buyer):
            within[own].append(sale)
    yield from within.values()


def _volumes_match(ring: Iterable[Sale], margin_pct: float) -> bool:
    got: defaultdict[Address, int] = defaultdict(int)
    paid: defaultdict[Address, int] = defaultdict(int)
    for sale in ring:
        got[sale.seller] += sale.price or 0
        paid[sale.buyer] += sale.price or 0
    return all(
        100 * abs(got[wallet] - paid[wallet]) <= margin_pct * max(got[wallet], paid[wallet])
        for wallet in got.keys() | paid.keys()
    )


def _finding(
    wallets: tuple[Address, ...],
    turns: Sequence[tuple[int, Sequence[Sale]]],
    margin_pct: float,
) -> Finding:
    sales = sorted((sale for _, ring in turns for sale in ring), key=lambda sale: sale.position)
    tokens = tuple(sorted({sale.token_id for sale in sales}))
    named = [short(wallet) for wallet in wallets[:WALLETS_NAMED]]
    others = f" and {len(wallets) - len(named)} more" if len(wallets) > len(named) else ""
    return Finding(
        type="token_ring",
        rule="token_ring",
        wallets=wallets,
        token_ids=tokens,
        places=places_of_sales(sales),
        accused=tuple(Accusation(sale, WEIGHT) for sale in sales),
        sales=tuple(sale.position for sale in sales),
        explanation=(
            f"{', '.join(named)}{others} sold {count_text(len(tokens), 'token')} to each other in "
            f"{count_text(len(sales), 'sale')}; within {duration_text(turns[0][0])} each got what "
            f"it paid, to {margin_pct:g} %."
        ),
        key=wallets,
        value=len(sales),
        threshold=LEAST_SALES,
    )
