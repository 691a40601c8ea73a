"""Words and figures for people."""

from common.chain.types import Address

MINUTE = 60
HOUR = 3_600
DAY = 86_400


def short(address: Address) -> str:
    """Return both ends of an address, enough to tell wallets of one finding apart."""
    return f"{address[:6]}..{address[-4:]}"


def duration_text(seconds: float) -> str:
    """Return a length of time in its largest fitting unit, such as "28 hours"."""
    for name, length in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}s"
    return f"{seconds:.0f} seconds"


def count_text(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 sale" or "3 sales"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
