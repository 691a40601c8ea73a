"""Exact conversions between raw integers and what people read. No I/O, no floats for amounts."""


def format_units(raw: int, decimals: int | None) -> str | None:
    """Writes a raw token amount as an exact decimal number.

    Args:
        raw: Amount in the token's smallest unit; may be negative (a net flow).
        decimals: Digits after the point that `raw` includes, or None when the token does not say.

    Returns:
        For example "-1.5", without trailing zeros; None when `decimals` is None.
    """
    if decimals is None:
        return None
    sign = "-" if raw < 0 else ""
    digits = str(abs(raw)).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    fraction = fraction.rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def share_pct(part: int, whole: int) -> float | None:
    """`part` in percent of `whole`, exact up to the final float; None when `whole` is zero."""
    return None if whole == 0 else part * 100 / whole
