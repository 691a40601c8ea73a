"""What a wallet's holdings are worth, each and together."""

from collections.abc import Sequence
from decimal import Decimal

from common.chain.types import Address
from common.chain.units import format_units, share_pct
from common.prices.price import Prices, shown_price, usd_value
from common.results.wallet_snapshot import NativeBalance, TokenHolding


def price_native(native: NativeBalance, prices: Prices) -> None:
    """Fill in price and value of the native coin where there is a feed."""
    if price := prices.get(None):
        native.price = shown_price(price)
        native.usd_value = usd_value(int(native.balance_raw), native.decimals, price)


def price_tokens(holdings: Sequence[TokenHolding], prices: Prices) -> None:
    """Fill in price and value of tokens that have a feed, an amount and decimals."""
    for holding in holdings:
        price = prices.get(Address(holding.contract_address))
        if price is not None:
            holding.price = shown_price(price)
            if holding.balance_raw is not None and holding.decimals is not None:
                holding.usd_value = usd_value(int(holding.balance_raw), holding.decimals, price)


def fill_portfolio(holdings: Sequence[TokenHolding], total_usd: str | None) -> None:
    """Fill in how much of a total value each holding is, in percent; spam is no part of it."""
    total = Decimal(total_usd or 0)
    for holding in holdings:
        if total and holding.usd_value is not None and not holding.spam.is_spam:
            holding.portfolio_pct = float(100 * Decimal(holding.usd_value) / total)


def total_value(native: NativeBalance, held: Sequence[TokenHolding]) -> tuple[str | None, float]:
    """Return the sum of all known values, and how many assets have one, in percent.

    Spam counts neither way. The sum is null when no asset has a value.
    """
    worthy = [each for each in held if not each.spam.is_spam]
    every = [native.usd_value, *(each.usd_value for each in worthy)]
    values = [value for value in every if value is not None]
    priced_pct = share_pct(len(values), 1 + len(worthy)) or 0.0
    if not values:
        return None, priced_pct
    digits = max(len(value.partition(".")[2]) for value in values)
    raw = sum(
        int(whole + fraction.ljust(digits, "0"))
        for whole, _, fraction in (value.partition(".") for value in values)
    )
    return format_units(raw, digits), priced_pct
