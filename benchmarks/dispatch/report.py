"""How figures are printed: one JSON line each."""

import json
import math
from typing import Any


def emit(figure: str, **values: Any) -> None:
    """Print one figure."""
    print(json.dumps({"figure": figure, **values}), flush=True)


def percentile(values: list[float], q: float) -> float:
    """Nearest-rank percentile, rounded to 0.1."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(q * len(ordered)) - 1)], 1)


def lateness_of(late: list[float]) -> dict[str, Any]:
    """Describe how late handlers started, in ms."""
    return {
        "firings": len(late),
        "p50_ms": percentile(late, 0.5),
        "p99_ms": percentile(late, 0.99),
        "max_ms": round(max(late), 1),
    }
