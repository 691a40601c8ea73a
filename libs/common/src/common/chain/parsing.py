"""JSON-RPC answers checked and turned into typed records. No I/O.

Every parser raises InvalidAnswer with what was wrong; the caller adds method and endpoint.
"""

from collections.abc import Callable, Mapping
from typing import Any

from common.chain.errors import InvalidAnswer
from common.chain.types import Address, Block

EVENT_TRANSACTIONS = 8
"""Transactions of a block that are kept to find one of its events."""


def parse_quantity(answer: Any) -> int:
    """A hex quantity such as `0x1b4`."""
    if isinstance(answer, str) and answer[:2] == "0x" and answer[2:].isalnum():
        try:
            return int(answer, 16)
        except ValueError:
            pass
    raise InvalidAnswer(f"expected a hex quantity, got {shown(answer)}")


def parse_data(answer: Any) -> str:
    """Bytes as hex, in lower case."""
    if isinstance(answer, str) and answer[:2] == "0x" and _is_hex(answer[2:]):
        return answer.lower()
    raise InvalidAnswer(f"expected bytes as hex, got {shown(answer)}")


def parse_hash(answer: Any) -> str:
    """A hash of 32 bytes, in lower case."""
    digits = parse_data(answer)
    if len(digits) != 66:
        raise InvalidAnswer(f"expected a hash of 32 bytes, got {shown(answer)}")
    return digits


def parse_address(answer: Any) -> Address:
    """An address of 20 bytes, in lower case."""
    digits = parse_data(answer)
    if len(digits) != 42:
        raise InvalidAnswer(f"expected an address of 20 bytes, got {shown(answer)}")
    return Address(digits)


def parse_object(answer: Any, what: str) -> Mapping[str, Any]:
    """An object; `what` names what it should be."""
    if not isinstance(answer, dict):
        raise InvalidAnswer(f"expected {what}, got {shown(answer)}")
    return answer


def parse_block(tag: str, expected_number: int | None = None) -> Callable[[Any], Block]:
    """A parser of a block header that is given `tag`, and checked to have the number asked for."""

    def parse(answer: Any) -> Block:
        if answer is None:
            asked_for = tag if expected_number is None else expected_number
            raise InvalidAnswer(f"block {asked_for} is not known")
        fields = parse_object(answer, "a block")
        number = parse_quantity(fields.get("number"))
        if expected_number is not None and number != expected_number:
            raise InvalidAnswer(f"asked for block {expected_number}, got {number}")
        return Block(
            number,
            parse_hash(fields.get("hash")),
            parse_quantity(fields.get("timestamp")),
            tag,
            _event_transactions(fields),
        )

    return parse


def _is_hex(digits: str) -> bool:
    """Whether these are whole bytes; `bytes.fromhex` alone would let blanks pass."""
    try:
        return 2 * len(bytes.fromhex(digits)) == len(digits)
    except ValueError:
        return False


def shown(answer: Any) -> str:
    """An answer as an error shows it, shortened."""
    text = repr(answer)
    return text if len(text) <= 60 else text[:57] + "..."


def _event_transactions(header: Mapping[str, Any]) -> tuple[str, ...]:
    bloom, hashes = header.get("logsBloom"), header.get("transactions")
    if not isinstance(bloom, str) or not bloom.strip("0x") or not isinstance(hashes, list):
        return ()
    return tuple(each for each in hashes[-EVENT_TRANSACTIONS:] if isinstance(each, str))
