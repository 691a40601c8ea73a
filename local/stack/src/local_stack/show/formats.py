"""Short forms of addresses, amounts and times."""

from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

ROWS_SHOWN = 6
DIGITS = 100  # room for 256 bits, which have 78


def short(address: str) -> str:
    """Return `0x12345678..cdef` of an address or hash."""
    return f"{address[:10]}..{address[-4:]}" if len(address) > 20 else address


def amount(decimal: str | None, symbol: str | None = None) -> str:
    """Return an exact decimal number with thousands separated and at most four decimals.

    A number below that precision is shown as `< 0.0001`, an unknown one as `unknown`.
    """
    if decimal is None:
        return "unknown"
    value = Decimal(decimal)
    if value and abs(value) < Decimal("0.0001"):
        text = "< 0.0001"
    else:
        text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{text} {escape(symbol)}" if symbol else text


def scaled(raw: str | None, decimals: int | None, symbol: str | None = None) -> str:
    """Return a raw amount as `amount` does; as it is where the decimals are not known."""
    if raw is None or decimals is None:
        return raw or "unknown"
    with localcontext(prec=DIGITS):
        return amount(str(Decimal(raw).scaleb(-decimals)), symbol)


def percentage(value: float | None) -> str:
    """Return `12.3 %`, or `unknown`."""
    return "unknown" if value is None else f"{value:.2f} %"


def table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table; columns named in `right` hold numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", header_style="dim")
    return made


def remainder(shown: int, total: int, what: str) -> list[Text]:
    """Return a line that says how many more there are, or nothing."""
    return [Text(f"and {total - shown} more {what}", style="dim")] if total > shown else []


def named(thing: Mapping[str, Any]) -> str:
    """Return the symbol or name a contract states, escaped for rich, else its short address."""
    stated = thing.get("symbol") or thing.get("name") or thing.get("collectionName")
    return escape(stated) if stated else short(thing.get("contractAddress", "?"))
