"""Results as a person reads them in a terminal: from JSON to rich text, no I/O."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import RenderableType

from local_stack.show.alerts import alerts_table
from local_stack.show.coin_flows import show_coin_flows
from local_stack.show.nft_movements import show_nft_movements
from local_stack.show.wallet import show_wallet

_VIEWS: Mapping[str, Callable[[Mapping[str, Any]], Iterable[RenderableType]]] = {
    "wallet_snapshot": show_wallet,
    "analyze_coin_flows": show_coin_flows,
    "analyze_nft_movements": show_nft_movements,
}


def show_result(action: str, result: Mapping[str, Any]) -> list[RenderableType]:
    """Return a stored result in readable form: its figures, then its alerts.

    Args:
        action: Name of the action that made it.
        result: Answer of `GET /runs/{id}/result`.
    """
    shown = [*_VIEWS[action](result), *alerts_table(result.get("alerts") or [])]
    completeness = result["completeness"]
    if completeness["status"] != "complete":
        reasons = "; ".join(reason["detail"] for reason in completeness["reasons"])
        shown.append(f"[yellow]incomplete:[/] {reasons}")
    return shown
