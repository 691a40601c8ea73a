"""How figures are written for people."""

import pytest

from local_stack.show.formats import amount, percentage, scaled, short


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("0", "0"),
        ("12345.6780", "12,345.678"),
        ("0.00004", "< 0.0001"),
        ("1000000", "1,000,000"),
        ("-155000", "-155,000"),
        (None, "unknown"),
    ],
)
def test_amounts_are_short_and_never_zero_by_rounding(exact: str | None, shown: str) -> None:
    assert amount(exact) == shown


def test_raw_amounts_of_256_bits_keep_their_digits() -> None:
    assert scaled(str(2**256 - 1), 0) == f"{2**256 - 1:,}"


def test_a_raw_amount_without_decimals_is_shown_as_it_is() -> None:
    assert scaled("123456", None) == "123456"


def test_text_of_contracts_cannot_style_the_terminal() -> None:
    assert amount("1", "[red]X[/]") == r"1 \[red]X\[/]"


def test_addresses_are_shortened_and_short_names_kept() -> None:
    assert short("0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7") == "0x7fa7677c..d2e7"
    assert short("native") == "native"


def test_an_unknown_percentage_is_not_zero() -> None:
    assert percentage(None) == "unknown"
