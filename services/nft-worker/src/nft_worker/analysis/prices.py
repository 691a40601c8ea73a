"""Price statistics and volumes, honest sales and wash trades apart."""

from collections.abc import Sequence

import numpy as np

from common.chain.types import Address
from common.chain.units import format_units, share_pct
from common.results.nft_movements import CurrencyVolume, PriceStats
from common.statistics import percentile
from nft_worker.analysis.arrays import Floats, Ints, Mask
from nft_worker.analysis.markets.fills import NATIVE
from nft_worker.analysis.sale_table import Sales
from nft_worker.models import Currencies, Position, Sale

FLOOR_PERCENT = 10
FLOOR_SALES = 100
NATIVE_DECIMALS = 18
TOLERANCE = 1e-9
"""Far above the error of rounded prices: a bound never leaves out what is exactly beyond it."""


def unit_price(sale: Sale) -> int:
    """Return the price of one unit of a priced sale, rounded down."""
    return (sale.price or 0) // sale.quantity


def floors_of_suspects(
    sales: Sales,
    judged: Mask,
    flagged: Mask,
    *,
    least_sales: int,
    high_ratio: float,
    low_ratio: float,
) -> dict[Position, int]:
    """Return the floor at the moment of each sale whose price may be far from it, by position.

    The floor is the 10th percentile of the unit prices of the newest 100 honest sales before in
    the same currency: a floor of the whole window would call ordinary prices after a rise
    anomalies. It lies between the lowest and the highest of these prices; sales that are no anomaly
    by these bounds are left out, and so are those with fewer than `least_sales` before them.

    Args:
        sales: All sales.
        judged: Which of them count at all.
        flagged: Those that count as wash trades: they are judged, but set no floor.
        least_sales: At least 1.
        high_ratio: Floors that a unit price must exceed.
        low_ratio: Part of the floor that a unit price must not exceed.
    """
    length = max(FLOOR_SALES, least_sales)
    found: dict[Position, int] = {}
    for currency in range(len(sales.currencies)):
        rows = np.flatnonzero(judged & (sales.currency == currency) & ~np.isnan(sales.unit_price))
        honest = rows[~flagged[rows]]
        before = np.searchsorted(honest, rows)  # honest sales before each
        lowest, highest = _bounds_before(sales.unit_price[honest], length)
        price = sales.unit_price[rows]
        is_suspect = (before >= least_sales) & (
            (price > high_ratio * lowest[before] * (1 - TOLERANCE) - 1)
            | (price <= low_ratio * highest[before] * (1 + TOLERANCE))
        )
        for row, count in zip(rows[is_suspect].tolist(), before[is_suspect].tolist(), strict=True):
            earlier = sales.pick(honest[max(0, count - length) : count])
            ranked = sorted(map(unit_price, earlier))
            found[sales.position(row)] = percentile(ranked, FLOOR_PERCENT)
    return found


def _bounds_before(prices: Floats, length: int) -> tuple[Floats, Floats]:
    """Return the least and the greatest of the `length` prices before each place and the end."""
    lowest = np.concatenate((np.full(length, np.inf), prices))
    highest = np.concatenate((np.full(length, -np.inf), prices))
    span = 1
    while 2 * span <= length:
        lowest = np.minimum(lowest[:-span], lowest[span:])
        highest = np.maximum(highest[:-span], highest[span:])
        span *= 2
    places, rest = len(prices) + 1, length - span
    return (
        np.minimum(lowest[:places], lowest[rest : rest + places]),
        np.maximum(highest[:places], highest[rest : rest + places]),
    )


def price_statistics(sales: Sales, honest: Mask, currencies: Currencies) -> list[PriceStats]:
    """Return percentiles of the unit prices of each currency, most sales first.

    Args:
        sales: All sales.
        honest: Which of them count.
        currencies: Metadata of the tokens that were paid.
    """
    priced = honest & ~np.isnan(sales.unit_price)
    found = []
    for number, currency in enumerate(sales.currencies.values()):
        rows = np.flatnonzero(priced & (sales.currency == number))
        if currency is None or not len(rows):
            continue
        ranked = rows[np.argsort(sales.unit_price[rows], kind="stable")]
        floor, median, p90, highest = (
            _exact_percentile(sales, ranked, percent) for percent in (FLOOR_PERCENT, 50, 90, 100)
        )
        decimals = decimals_of(currency, currencies)
        found.append(
            PriceStats(
                currency=currency,
                symbol=symbol_of(currency, currencies),
                decimals=decimals,
                sale_count=len(rows),
                floor_p10_raw=str(floor),
                floor_p10=format_units(floor, decimals),
                median_raw=str(median),
                median=format_units(median, decimals),
                p90_raw=str(p90),
                p90=format_units(p90, decimals),
                max_raw=str(highest),
                max=format_units(highest, decimals),
            )
        )
    return sorted(found, key=lambda stats: (-stats.sale_count, stats.currency))


def _exact_percentile(sales: Sales, ranked: Ints, percent: int) -> int:
    """Return the nearest-rank percentile of unit prices ranked by their rounded value.

    Rounding never reverses an order, so the exact one is among those that round to the same.
    """
    rounded = sales.unit_price[ranked]
    place = percentile(range(len(ranked)), percent)
    first, last = (
        int(np.searchsorted(rounded, rounded[place], side)) for side in ("left", "right")
    )
    return sorted(map(unit_price, sales.pick(ranked[first:last])))[place - first]


def volumes(
    sales: Sales, judged: Mask, flagged: Mask, currencies: Currencies
) -> list[CurrencyVolume]:
    """Return count and volume of the sales in each currency, most sales first.

    Args:
        sales: All sales.
        judged: Which of them count.
        flagged: Those that look like wash trades.
        currencies: Metadata of the tokens that were paid.
    """
    priced = judged & ~np.isnan(sales.unit_price)
    found = []
    for number, currency in enumerate(sales.currencies.values()):
        own = priced & (sales.currency == number)
        if currency is not None and own.any():
            honest = sales.price[own & ~flagged].tolist()
            wash = sales.price[own & flagged].tolist()
            found.append(_volume(currency, honest, wash, currencies))
    return sorted(found, key=lambda volume: (-volume.sale_count, volume.currency))


def _volume(
    currency: str, honest: Sequence[int], wash: Sequence[int], currencies: Currencies
) -> CurrencyVolume:
    honest_amount, wash_amount = sum(honest), sum(wash)
    decimals = decimals_of(currency, currencies)
    return CurrencyVolume(
        currency=currency,
        symbol=symbol_of(currency, currencies),
        decimals=decimals,
        sale_count=len(honest) + len(wash),
        amount_raw=str(honest_amount + wash_amount),
        amount=format_units(honest_amount + wash_amount, decimals),
        honest_amount_raw=str(honest_amount),
        honest_amount=format_units(honest_amount, decimals),
        wash_sale_count=len(wash),
        wash_amount_raw=str(wash_amount),
        wash_amount=format_units(wash_amount, decimals),
        wash_pct=share_pct(wash_amount, honest_amount + wash_amount),
    )


def symbol_of(currency: str, currencies: Currencies) -> str | None:
    """Return a currency's symbol; None for the native one, whose name the chain does not tell."""
    metadata = currencies.get(Address(currency))
    return None if metadata is None else metadata.symbol


def decimals_of(currency: str | None, currencies: Currencies) -> int | None:
    """Return a currency's decimals; None when the token does not say."""
    if currency == NATIVE:
        return NATIVE_DECIMALS
    metadata = currencies.get(Address(currency or ""))
    return None if metadata is None else metadata.decimals
