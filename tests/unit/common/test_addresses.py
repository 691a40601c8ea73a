"""Addresses are accepted as users write them and kept in lower case."""

import json

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from common.addresses import (
    EvmAddress,
    checksum_mismatches,
    has_checksum_mismatch,
    normalize_address,
)

WRONG_CHECKSUM = "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6"
ADDRESS = TypeAdapter(EvmAddress)

digits = st.integers(0, 2**160 - 1).map("{:040x}".format)


@given(digits, st.sampled_from(["0x", "0X"]), st.lists(st.booleans(), min_size=40, max_size=40))
def test_any_mixture_of_cases_names_the_same_address(
    hex_digits: str, prefix: str, upper: list[bool]
) -> None:
    mixed = "".join(c.upper() if up else c for c, up in zip(hex_digits, upper, strict=True))
    assert normalize_address(prefix + mixed) == "0x" + hex_digits
    assert ADDRESS.validate_python(prefix + mixed) == "0x" + hex_digits


@given(st.text(max_size=60).filter(lambda text: len(text) != 42))
def test_what_is_no_address_is_refused_in_few_words(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address of 0x and 40 hex digits"):
        normalize_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "0x" + "g" * 40,
        "1x" + "0" * 40,
        "0x" + "0" * 39 + "\n",
        "0x" + "0" * 40 + "\n",
        "0x" + "٣" * 40,
    ],
)
def test_forty_two_characters_are_not_enough(text: str) -> None:
    with pytest.raises(ValidationError):
        ADDRESS.validate_python(text)


def test_a_refusal_never_repeats_a_text_of_any_length() -> None:
    with pytest.raises(ValueError) as refusal:
        normalize_address("x" * 100_000)
    assert len(str(refusal.value)) < 200


@given(digits)
def test_a_right_checksum_and_one_case_never_mismatch(hex_digits: str) -> None:
    address = "0x" + hex_digits
    assert not has_checksum_mismatch(to_checksum_address(address))
    assert not has_checksum_mismatch(address)
    assert not has_checksum_mismatch("0x" + hex_digits.upper())


@given(digits)
def test_a_mixed_case_that_is_not_the_checksum_mismatches(hex_digits: str) -> None:
    wrong = to_checksum_address("0x" + hex_digits)[2:].swapcase()
    mixed = wrong not in (wrong.lower(), wrong.upper())
    assert has_checksum_mismatch("0x" + wrong) == mixed


def test_mismatches_are_found_wherever_they_stand() -> None:
    document = {
        "wallet": WRONG_CHECKSUM,
        "options": {"others": ["0x" + "0" * 40, WRONG_CHECKSUM], "depth": 3, "none": None},
        "note": f"see {WRONG_CHECKSUM}",
    }
    assert list(checksum_mismatches(document)) == [
        ("wallet", WRONG_CHECKSUM),
        ("options.others[1]", WRONG_CHECKSUM),
    ]
    assert json.dumps(document)
