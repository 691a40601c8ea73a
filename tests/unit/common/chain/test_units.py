import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.units import format_units, share_pct

UINT256_MAX = 2**256 - 1


@pytest.mark.parametrize(
    ("raw", "decimals", "text"),
    [
        (0, 18, "0"),
        (1, 18, "0.000000000000000001"),
        (1_500_000, 6, "1.5"),
        (-1_500_000, 6, "-1.5"),
        (42, 0, "42"),
        (1_000, 3, "1"),
        (UINT256_MAX, 0, str(UINT256_MAX)),
        (UINT256_MAX, 77, "1." + str(UINT256_MAX)[1:]),
    ],
)
def test_amounts_are_written_exactly(raw: int, decimals: int, text: str) -> None:
    assert format_units(raw, decimals) == text


def test_an_amount_without_known_decimals_has_no_decimal_form() -> None:
    assert format_units(1, None) is None


@given(st.integers(-UINT256_MAX, UINT256_MAX), st.integers(0, 78))
def test_the_text_of_an_amount_is_its_exact_value(raw: int, decimals: int) -> None:
    text = format_units(raw, decimals)
    assert text is not None
    assert Fraction(text) == Fraction(raw, 10**decimals)
    assert not ("." in text and text.endswith("0"))


@given(st.integers(0, UINT256_MAX), st.integers(1, UINT256_MAX))
def test_shares_agree_with_exact_arithmetic(part: int, whole: int) -> None:
    percent = share_pct(part, whole)
    assert percent is not None
    assert math.isclose(percent, float(Fraction(part * 100, whole)), rel_tol=1e-15)


def test_a_share_of_nothing_is_unknown() -> None:
    assert share_pct(1, 0) is None
