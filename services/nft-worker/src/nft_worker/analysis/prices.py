"""Price statistics and volumes, honest sales and wash trades apart."""

from bisect import bisect_left, insort
from collections import defaultdict, deque
from collections.abc import Collection, Iterable

from common.chain.types import Address
from common.chain.units import format_units, share_pct
from common.results.nft_movements import CurrencyVolume, PriceStats
from nft_worker.analysis.markets.fills import NATIVE
from nft_worker.analysis.statistics import nearest_rank
from nft_worker.models import Currencies, Position, Sale

FLOOR_PERCENT = 10
FLOOR_SALES = 100
NATIVE_DECIMALS = 18


def unit_prices(sales: Iterable[Sale], flagged: Collection[Position]) -> dict[str, list[int]]:
    """Return the ascending unit prices of the honest sales by currency."""
    prices: defaultdict[str, list[int]] = defaultdict(list)
    for sale in sales:
        if (
            sale.price is not None
            and sale.currency is not None
            and sale.quantity
            and sale.position not in flagged
        ):
            prices[sale.currency].append(sale.price // sale.quantity)
    return {currency: sorted(prices[currency]) for currency in sorted(prices)}


def floors_before(
    sales: Iterable[Sale], flagged: Collection[Position], *, least_sales: int
) -> dict[Position, int]:
    """Return the floor at the moment of each priced sale, by the sale's position.

    It is the 10th percentile of the unit prices of the newest 100 honest sales before it in the
    same currency: a floor of the whole window would call ordinary prices after a rise anomalies.
    Sales with fewer than `least_sales` before them have none.

    Args:
        sales: In the order of the chain.
        flagged: Positions of sales that count as wash trades: they are judged, but set no floor.
        least_sales: At least 1.
    """
    newest: defaultdict[str, deque[int]] = defaultdict(deque)
    ordered: defaultdict[str, list[int]] = defaultdict(list)
    found: dict[Position, int] = {}
    for sale in sales:
        if sale.price is None or sale.currency is None or not sale.quantity:
            continue
        earlier, ranked = newest[sale.currency], ordered[sale.currency]
        if len(ranked) >= least_sales:
            found[sale.position] = nearest_rank(ranked, FLOOR_PERCENT)
        if sale.position in flagged:
            continue
        unit_price = sale.price // sale.quantity
        earlier.append(unit_price)
        insort(ranked, unit_price)
        if len(earlier) > max(FLOOR_SALES, least_sales):
            del ranked[bisect_left(ranked, earlier.popleft())]
    return found


def price_statistics(sales: Iterable[Sale], flagged: Collection[Position]) -> list[PriceStats]:
    """Return percentiles of the honest unit prices of each currency, most sales first."""
    by_currency = sorted(
        unit_prices(sales, flagged).items(), key=lambda item: (-len(item[1]), item[0])
    )
    return [
        PriceStats(
            currency=currency,
            sale_count=len(prices),
            floor_p10_raw=str(nearest_rank(prices, FLOOR_PERCENT)),
            median_raw=str(nearest_rank(prices, 50)),
            p90_raw=str(nearest_rank(prices, 90)),
            max_raw=str(prices[-1]),
        )
        for currency, prices in by_currency
    ]


def volumes(
    sales: Iterable[Sale], flagged: Collection[Position], currencies: Currencies
) -> list[CurrencyVolume]:
    """Return count and volume of the sales in each currency, most sales first."""
    honest: defaultdict[str, list[int]] = defaultdict(list)
    wash: defaultdict[str, list[int]] = defaultdict(list)
    for sale in sales:
        if sale.price is not None and sale.currency is not None:
            (wash if sale.position in flagged else honest)[sale.currency].append(sale.price)
    found = sorted(
        honest.keys() | wash.keys(),
        key=lambda currency: (-len(honest[currency]) - len(wash[currency]), currency),
    )
    return [
        CurrencyVolume(
            currency=currency,
            symbol=symbol_of(currency, currencies),
            decimals=decimals_of(currency, currencies),
            sale_count=len(honest[currency]) + len(wash[currency]),
            amount_raw=str(sum(honest[currency]) + sum(wash[currency])),
            honest_amount_raw=str(sum(honest[currency])),
            honest_amount=format_units(sum(honest[currency]), decimals_of(currency, currencies)),
            wash_sale_count=len(wash[currency]),
            wash_amount_raw=str(sum(wash[currency])),
            wash_pct=share_pct(sum(wash[currency]), sum(honest[currency]) + sum(wash[currency])),
        )
        for currency in found
    ]


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
