"""Where the stack finds its checkout and keeps what it makes."""

from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[4]
"""Root of the checkout; the package is always installed editable from there."""

LOCAL: Final = CHECKOUT / ".local"
"""Downloads, data and logs; safe to delete while nothing runs."""
