"""Alerts of any action."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.markup import escape

from local_stack.show.formats import ROWS_SHOWN, remainder, table

_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}


def alerts_table(alerts: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """Return the gravest alerts, nothing when there are none."""
    if not alerts:
        return []
    gravest = sorted(alerts, key=lambda alert: list(_STYLES).index(alert["severity"]))
    shown = table("Alerts", "severity", "type", "what")
    for alert in gravest[:ROWS_SHOWN]:
        severity = alert["severity"]
        style = _STYLES[severity]
        shown.add_row(f"[{style}]{severity}[/]", alert["type"], escape(alert["title"]))
    return [shown, *remainder(ROWS_SHOWN, len(alerts), "alerts")]
