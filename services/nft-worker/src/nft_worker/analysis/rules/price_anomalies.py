"""Prices far from the floor."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from common.chain.types import Address
from nft_worker.analysis.findings import Accusation, Finding, places_of_sales
from nft_worker.analysis.wording import count_text, short
from nft_worker.models import Position, Sale

WEIGHT = 0.3
"""A hint only: rare tokens are dear. Source of the ratio 100: Tensor's simple wash-trade detection.
A price of at most 1 % of the floor tells of a gift or a stolen token (Forta's NFT trader bot) and
weighs nothing."""


def find_price_anomalies(
    sales: Iterable[Sale],
    floors: Mapping[Position, int],
    *,
    high_ratio: float,
    low_ratio: float,
) -> list[Finding]:
    """Return one finding for each token and pair of wallets that traded it far from the floor.

    Args:
        sales: In the order of the chain.
        floors: Unit price by position, see `prices.floors_before`; sales without are not judged.
        high_ratio: Floors that a unit price must exceed.
        low_ratio: Part of the floor that a unit price must not exceed.
    """
    found: defaultdict[tuple[int, tuple[Address, ...], bool], list[tuple[float, Sale]]]
    found = defaultdict(list)
    for sale in sales:
        floor = floors.get(sale.position)
        if not floor or sale.price is None:
            continue
        ratio = sale.price / sale.quantity / floor
        if ratio > high_ratio or ratio <= low_ratio:
            pair = tuple(sorted({sale.seller, sale.buyer}))
            found[sale.token_id, pair, ratio > high_ratio].append((ratio, sale))
    return [
        _finding(token_id, pair, trades, high_ratio if dear else low_ratio, dear=dear)
        for (token_id, pair, dear), trades in found.items()
    ]


def _finding(
    token_id: int,
    pair: tuple[Address, ...],
    trades: list[tuple[float, Sale]],
    threshold: float,
    *,
    dear: bool,
) -> Finding:
    extreme = (max if dear else min)(ratio for ratio, _ in trades)
    sales = [sale for _, sale in trades]
    return Finding(
        type="price_anomaly",
        rule="price_anomaly" if dear else None,
        wallets=pair,
        token_ids=(token_id,),
        places=places_of_sales(sales),
        accused=tuple(Accusation(sale, WEIGHT) for sale in sales) if dear else (),
        sales=tuple(sale.position for sale in sales),
        explanation=(
            f"Token {token_id} was sold between {' and '.join(map(short, pair))} at "
            f"{extreme:.4g} times the floor of the time ({count_text(len(sales), 'sale')})."
        ),
        key=(token_id, *pair, "high" if dear else "low"),
        value=extreme,
        threshold=threshold,
        severity="medium",
    )
