"""How a token moved."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.markup import escape

from local_stack.show.formats import ROWS_SHOWN, percentage, remainder, scaled, short, table


def show_coin_flows(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the summary and the whales of an `analyze_coin_flows` result."""
    token, summary, holders = result["token"], result["summary"], result["holders"]
    decimals, symbol = token["decimals"], token["symbol"]
    yield (
        f"Token [bold]{escape(token['name'] or '?')}[/] {token['address']}: "
        f"{summary['transferCount']} transfers moved "
        f"[bold]{scaled(summary['volumeRaw'], decimals, symbol)}[/]; "
        f"{summary['mintCount']} mints, {summary['burnCount']} burns"
    )
    yield (
        f"{holders['holderCount']} holders seen; the ten largest hold "
        f"{percentage(holders['top10Pct'])} of the supply; "
        f"{result['largeTransfersTotal']} large transfers"
    )
    if result["whales"]:
        shown = table(
            "Whales",
            *("address", "balance", "of supply", "net change", "behaviour"),
            right=("balance", "of supply", "net change"),
        )
        for whale in result["whales"][:ROWS_SHOWN]:
            shown.add_row(
                short(whale["address"]),
                scaled(whale["balanceRaw"], decimals, symbol),
                percentage(whale["supplyPct"]),
                scaled(whale["netRaw"], decimals),
                whale["behaviour"],
            )
        yield shown
        yield from remainder(ROWS_SHOWN, result["whalesTotal"], "whales")
