"""Call data and answers are checked against eth_abi, an independent implementation."""

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from common.chain import abi
from common.chain.types import Address, Call, CallResult

TOKEN = Address("0x" + "70" * 20)
HOLDER = Address("0x" + "ab" * 20)

blobs = st.binary(max_size=100)
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: Address("0x" + raw.hex()))


def call_data(signature: str, *arguments: object) -> str:
    types = signature[signature.index("(") + 1 : -1]
    encoded = encode(types.split(",") if types else [], arguments)
    return "0x" + (keccak(signature.encode())[:4] + encoded).hex()


def answer(types: list[str], values: list[object]) -> CallResult:
    return CallResult(success=True, data="0x" + encode(types, values).hex())


@pytest.mark.parametrize(
    ("call", "data"),
    [
        (abi.balance_of(TOKEN, HOLDER), call_data("balanceOf(address)", HOLDER)),
        (
            abi.balance_of_id(TOKEN, HOLDER, 2**256 - 1),
            call_data("balanceOf(address,uint256)", HOLDER, 2**256 - 1),
        ),
        (abi.owner_of(TOKEN, 77), call_data("ownerOf(uint256)", 77)),
        (abi.name(TOKEN), call_data("name()")),
        (abi.symbol(TOKEN), call_data("symbol()")),
        (abi.decimals(TOKEN), call_data("decimals()")),
        (abi.total_supply(TOKEN), call_data("totalSupply()")),
        (
            abi.supports_interface(TOKEN, "80ac58cd"),
            call_data("supportsInterface(bytes4)", bytes.fromhex("80ac58cd")),
        ),
    ],
)
def test_calls_are_encoded_as_the_abi_says(call: Call, data: str) -> None:
    assert call == Call(TOKEN, data)


@given(st.lists(st.tuples(addresses, blobs), max_size=8))
def test_many_calls_are_encoded_as_the_abi_says(calls: list[tuple[Address, bytes]]) -> None:
    encoded = encode(
        ["(address,bool,bytes)[]"], [[(address, True, data) for address, data in calls]]
    )
    aggregated = abi.aggregate3(
        TOKEN, [Call(address, "0x" + data.hex()) for address, data in calls]
    )
    assert aggregated.data == "0x82ad56cb" + encoded.hex()


@given(st.lists(st.tuples(st.booleans(), blobs), max_size=8))
def test_many_answers_are_read_in_order(results: list[tuple[bool, bytes]]) -> None:
    encoded = "0x" + encode(["(bool,bytes)[]"], [results]).hex()
    expected = [CallResult(success, "0x" + data.hex()) for success, data in results]

    assert abi.decode_aggregate3(encoded, len(results)) == expected
    assert abi.decode_aggregate3(encoded, len(results) + 1) is None


@given(st.lists(st.tuples(st.booleans(), blobs), min_size=1, max_size=4), st.data())
def test_a_truncated_answer_to_many_calls_is_never_read_as_a_shorter_one(
    results: list[tuple[bool, bytes]], data: st.DataObject
) -> None:
    encoded = encode(["(bool,bytes)[]"], [results])
    padding = -len(results[-1][1]) % 32
    cut = data.draw(st.integers(0, len(encoded) - padding - 1))

    assert abi.decode_aggregate3("0x" + encoded[:cut].hex(), len(results)) is None


def test_numbers_flags_and_addresses_are_read() -> None:
    assert abi.decode_uint(answer(["uint256"], [2**256 - 1])) == 2**256 - 1
    assert abi.decode_bool(answer(["bool"], [True])) is True
    assert abi.decode_bool(answer(["bool"], [False])) is False
    assert abi.decode_address(answer(["address"], [HOLDER])) == HOLDER


@pytest.mark.parametrize(
    "result",
    [
        CallResult(True, "0x"),
        CallResult(False, "0x" + "00" * 32),
        CallResult(True, "0x" + "00" * 31),
    ],
    ids=["no code", "reverted", "too short"],
)
def test_what_is_not_a_word_is_no_answer_and_never_zero(result: CallResult) -> None:
    assert abi.decode_uint(result) is None
    assert abi.decode_bool(result) is None
    assert abi.decode_address(result) is None


def test_a_number_is_no_flag_and_no_address() -> None:
    assert abi.decode_bool(answer(["uint256"], [2])) is None
    assert abi.decode_address(answer(["uint256"], [2**160])) is None


def test_a_string_is_read() -> None:
    assert abi.decode_text(answer(["string"], ["Wrapped Ether"])) == abi.Text("Wrapped Ether")
    assert abi.decode_text(answer(["string"], [""])) == abi.Text("")


def test_a_bytes32_is_cut_at_its_first_zero_byte() -> None:
    packed = b"MKR\0\0junk".ljust(32, b"\0")
    assert abi.decode_text(answer(["bytes32"], [packed])) == abi.Text("MKR", is_bytes32=True)


def test_zero_bytes_inside_a_string_are_dropped() -> None:
    assert abi.decode_text(answer(["string"], ["A\0B\0"])).value == "AB"


def test_a_text_is_capped_at_255_bytes_without_breaking_a_character() -> None:
    assert abi.decode_text(answer(["string"], ["x" * 10_000])).value == "x" * 255
    assert abi.decode_text(answer(["string"], ["é" * 200])).value == "é" * 127


def test_bytes_that_are_not_utf8_are_shown_and_marked() -> None:
    text = abi.decode_text(answer(["bytes"], [b"A\xff\xfeB"]))
    assert text == abi.Text("A\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}B", is_valid=False)


def test_an_answer_that_is_no_text_is_invalid_and_a_missing_one_is_not() -> None:
    assert abi.decode_text(answer(["uint256"] * 3, [1, 2, 3])) == abi.Text(None, is_valid=False)
    assert abi.decode_text(CallResult(True, "0x")) == abi.Text(None)
    assert abi.decode_text(CallResult(False, "0x")) == abi.Text(None)


@given(st.binary(max_size=200))
def test_no_answer_at_all_makes_reading_a_text_fail(raw: bytes) -> None:
    text = abi.decode_text(CallResult(True, "0x" + raw.hex()))
    assert text.value is None or len(text.value.encode()) <= 255
