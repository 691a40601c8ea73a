"""How a collection moved, and which of its sales look like wash trades."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.markup import escape

from local_stack.show.formats import ROWS_SHOWN, amount, remainder, short, table


def show_nft_movements(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the summary, suspicious sales and patterns of an `analyze_nft_movements` result."""
    collection, summary = result["collection"], result["summary"]
    yield (
        f"Collection [bold]{escape(collection['name'] or '?')}[/] {collection['address']}: "
        f"{summary['transferCount']} transfers, {summary['mintCount']} mints, "
        f"{summary['saleCount']} sales, "
        f"[bold red]{summary['washSaleCount']}[/] of them look like wash trades"
    )
    symbols = {each["currency"]: each["symbol"] for each in summary["volumeByCurrency"]}
    flagged = [sale for sale in result["sales"] if sale["wash"]["flagged"]]
    flagged.sort(key=lambda sale: -sale["wash"]["score"])
    if flagged:
        shown = table(
            "Suspicious sales",
            *("token", "seller", "buyer", "price", "score", "why"),
            right=("price", "score"),
        )
        for sale in flagged[:ROWS_SHOWN]:
            shown.add_row(
                f"#{sale['tokenId']}",
                short(sale["seller"]),
                short(sale["buyer"]),
                _price(sale, symbols),
                f"{sale['wash']['score']:.2f}",
                ", ".join(sale["wash"]["filters"]),
            )
        yield shown
        yield from remainder(ROWS_SHOWN, summary["washSaleCount"], "suspicious sales")
    patterns = result["suspiciousPatterns"]
    if patterns:
        shown = table("Patterns", "pattern", "what")
        for pattern in patterns[:ROWS_SHOWN]:
            shown.add_row(pattern["type"], escape(pattern["explanation"]))
        yield shown
        yield from remainder(ROWS_SHOWN, result["suspiciousPatternsTotal"], "patterns")


def _price(sale: Mapping[str, Any], symbols: Mapping[str, str | None]) -> str:
    currency = sale["currency"]
    if currency is None:
        return "several currencies"
    return amount(sale["price"], symbols.get(currency) or short(currency))
