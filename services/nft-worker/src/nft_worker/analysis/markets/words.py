"""ABI data as 32-byte words."""

from collections.abc import Sequence

from common.chain.types import ZERO_ADDRESS, Address
from nft_worker.analysis.markets.fills import NATIVE

_WORD = 64  # hex digits
MOST_ITEMS = 10_000
"""No order delivers more: a longer array is malformed."""


class MalformedError(Exception):
    """Event data that does not follow its ABI."""


class Words:
    """Reads ABI data from a place on: a head of words, and what their offsets point to."""

    def __init__(self, digits: str, start: int = 0) -> None:
        """Read `digits` (hex without `0x`) from hex digit `start` on."""
        self._digits = digits
        self._start = start

    @classmethod
    def of_log_data(cls, data: str) -> "Words":
        """Return a reader of a log's data, hex with `0x`."""
        return cls(data[2:])

    def uint(self, index: int) -> int:
        """Return word `index` as an integer.

        Raises:
            MalformedError: The data are too short.
        """
        start = self._start + index * _WORD
        word = self._digits[start : start + _WORD]
        if len(word) != _WORD:
            raise MalformedError(f"word {index} lies outside the data")
        return int(word, 16)

    def address(self, index: int) -> Address:
        """Return word `index` as an address.

        Raises:
            MalformedError: The data are too short, or the upper 12 bytes are not zero.
        """
        value = self.uint(index)
        if value >> 160:
            raise MalformedError(f"word {index} is no address")
        return Address(f"0x{value:040x}")

    def at_offset(self, index: int) -> "Words":
        """Return what the offset in word `index` points to, counted from here.

        Raises:
            MalformedError: It points outside the data.
        """
        start = self._start + 2 * self.uint(index)
        if start > len(self._digits):
            raise MalformedError(f"the offset in word {index} points outside the data")
        return Words(self._digits, start)

    def skip(self, words: int) -> "Words":
        """Return a reader that starts some words later."""
        return Words(self._digits, self._start + words * _WORD)

    def length(self) -> int:
        """Return the length in front of a dynamic array or `bytes`.

        Raises:
            MalformedError: No array of that many items fits an event.
        """
        length = self.uint(0)
        if length > MOST_ITEMS:
            raise MalformedError(f"an array of {length} items")
        return length

    def structs(self, index: int, size: int) -> Sequence["Words"]:
        """Return the static structs of `size` words in the array that word `index` points to."""
        array = self.at_offset(index)
        return [array.skip(1 + size * item) for item in range(array.length())]

    def uints(self, index: int) -> list[int]:
        """Return the integers of the array that word `index` points to."""
        return [item.uint(0) for item in self.structs(index, 1)]


def currency_of(token: Address) -> str:
    """Return the currency that an order names: the zero address is the native coin."""
    return NATIVE if token == ZERO_ADDRESS else token
