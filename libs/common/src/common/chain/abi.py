"""Call data and answers of the few fixed functions that are read, by slicing. No I/O.

Decoders return None for an answer that is not of the expected type, such as the empty one of an
address without code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.chain.types import Address, Call, CallResult

_WORD = 64  # hex digits of 32 bytes
_MAX_TEXT_BYTES = 255

MAX_DECIMALS = 78  # 10**78 is above any uint256: more digits mean nothing


def balance_of(token: Address, holder: Address) -> Call:
    """`balanceOf(address)` of ERC-20 and ERC-721."""
    return Call(token, "0x70a08231" + _pad(holder[2:]))


def balance_of_id(token: Address, holder: Address, token_id: int) -> Call:
    """`balanceOf(address,uint256)` of ERC-1155."""
    return Call(token, "0x00fdd58e" + _pad(holder[2:]) + _uint(token_id))


def owner_of(token: Address, token_id: int) -> Call:
    """`ownerOf(uint256)` of ERC-721."""
    return Call(token, "0x6352211e" + _uint(token_id))


def name(token: Address) -> Call:
    """`name()`."""
    return Call(token, "0x06fdde03")


def symbol(token: Address) -> Call:
    """`symbol()`."""
    return Call(token, "0x95d89b41")


def decimals(token: Address) -> Call:
    """`decimals()`."""
    return Call(token, "0x313ce567")


def total_supply(token: Address) -> Call:
    """`totalSupply()`."""
    return Call(token, "0x18160ddd")


def supports_interface(contract: Address, interface_id: str) -> Call:
    """`supportsInterface(bytes4)` of ERC-165; `interface_id` is 8 hex digits."""
    return Call(contract, "0x01ffc9a7" + interface_id.ljust(_WORD, "0"))


def aggregate3(multicall: Address, calls: Sequence[Call]) -> Call:
    """`aggregate3((address,bool,bytes)[])` of Multicall3, each call allowed to fail."""
    heads: list[str] = []
    bodies: list[str] = []
    offset = len(calls) * 32
    for call in calls:
        data = call.data[2:]
        padded = data + "0" * (-len(data) % _WORD)
        body = _pad(call.to[2:]) + _uint(1) + _uint(96) + _uint(len(data) // 2) + padded
        heads.append(_uint(offset))
        bodies.append(body)
        offset += len(body) // 2
    array = _uint(len(calls)) + "".join(heads) + "".join(bodies)
    return Call(multicall, "0x82ad56cb" + _uint(32) + array)


def decode_aggregate3(answer: str, count: int) -> list[CallResult] | None:
    """Results of an `aggregate3` of `count` calls; None when the answer is not that."""
    data = answer[2:]
    try:
        array = _offset(data, 0)
        if _read(data, array) != count:
            return None
        first = array + _WORD
        return [
            _decode_result(data, first + _offset(data, first + index * _WORD))
            for index in range(count)
        ]
    except (IndexError, ValueError):
        return None


def decode_uint(result: CallResult) -> int | None:
    """A uint256 answer."""
    return int(result.data[2 : 2 + _WORD], 16) if _holds_word(result) else None


def decode_bool(result: CallResult) -> bool | None:
    """A bool answer."""
    value = decode_uint(result)
    return bool(value) if value in (0, 1) else None


def decode_address(result: CallResult) -> Address | None:
    """An address answer."""
    if not _holds_word(result) or result.data[2:26].strip("0"):
        return None
    return Address("0x" + result.data[26 : 2 + _WORD])


@dataclass(frozen=True, slots=True)
class Text:
    """A text answer.

    Attributes:
        value: Without NULs, at most 255 bytes of UTF-8, undecodable bytes as U+FFFD; None when
            there was no answer or it was no text.
        is_bytes32: It was the fixed 32 bytes of old tokens.
        is_valid: False when something was answered that is no text, or not UTF-8.
    """

    value: str | None
    is_bytes32: bool = False
    is_valid: bool = True


def decode_text(result: CallResult, most_bytes: int = _MAX_TEXT_BYTES) -> Text:
    """A string answer, or the bytes32 that old tokens give instead, cut at its first NUL."""
    if not result.success or result.data == "0x":
        return Text(None)
    raw = _string_bytes(result.data[2:])
    is_bytes32 = raw is None and len(result.data) == 2 + _WORD
    if is_bytes32:
        raw = bytes.fromhex(result.data[2:]).split(b"\0", 1)[0]
    if raw is None:
        return Text(None, is_valid=False)
    text = raw.decode(errors="replace")
    capped = text.replace("\0", "").encode()[:most_bytes].decode(errors="ignore")
    return Text(capped, is_bytes32, is_valid="\N{REPLACEMENT CHARACTER}" not in text)


def _string_bytes(data: str) -> bytes | None:
    try:
        start = _offset(data, 0)
        return bytes.fromhex(_bytes_at(data, start))
    except (IndexError, ValueError):
        return None


def _decode_result(data: str, start: int) -> CallResult:
    success = _read(data, start)
    if success not in (0, 1):
        raise ValueError("success is not a bool")
    returned = _bytes_at(data, start + _offset(data, start + _WORD))
    return CallResult(success == 1, "0x" + returned)


def _bytes_at(data: str, start: int) -> str:
    """Hex digits of a dynamic `bytes` whose length word is at digit `start`."""
    length = 2 * _read(data, start)
    content = data[start + _WORD : start + _WORD + length]
    if len(content) != length:
        raise IndexError("bytes end outside the answer")
    return content


def _offset(data: str, start: int) -> int:
    return 2 * _read(data, start)


def _read(data: str, start: int) -> int:
    word = data[start : start + _WORD]
    if len(word) != _WORD:
        raise IndexError("word outside the answer")
    return int(word, 16)


def _holds_word(result: CallResult) -> bool:
    return result.success and len(result.data) >= 2 + _WORD


def _pad(digits: str) -> str:
    return digits.rjust(_WORD, "0")


def _uint(value: int) -> str:
    return f"{value:064x}"
