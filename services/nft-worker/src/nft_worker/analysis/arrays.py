"""Columns of numbers: what is asked of a million records at once is answered by numpy."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import count, islice
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Exact = NDArray[np.object_]
"""Python integers, for amounts of up to 256 bits."""

ItemT = TypeVar("ItemT")
KeyT = TypeVar("KeyT")

CHUNK = 65_536
"""Records that are turned into columns, or made from them, at a time: the memory that this takes
beside the columns is small and does not grow."""


class Numbering(Generic[KeyT]):
    """Numbers values from 0 in the order in which they first appear."""

    def __init__(self) -> None:
        self._numbers: defaultdict[KeyT, int] = defaultdict(count().__next__)
        self._values: list[KeyT] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, values: Iterable[KeyT]) -> Ints:
        """Return the number of each value; new ones get the next numbers."""
        return np.fromiter(map(self._numbers.__getitem__, values), np.int64)

    def mask_of(self, values: Collection[KeyT]) -> Mask:
        """Return for each number whether its value is among `values`."""
        mask = np.zeros(len(self._numbers), np.bool_)
        mask[[self._numbers[value] for value in values if value in self._numbers]] = True
        return mask

    def values(self) -> list[KeyT]:
        """Return the values by number; the list is shared."""
        if len(self._values) != len(self._numbers):
            self._values = list(self._numbers)
        return self._values

    def named(self, numbers: Ints) -> list[KeyT]:
        """Return the value of each number."""
        values = self.values()
        return [values[number] for number in numbers.tolist()]


def chunks(items: Iterable[ItemT]) -> Iterator[list[ItemT]]:
    """Yield all items, CHUNK at a time; one empty list when there are none."""
    remaining = iter(items)
    chunk = list(islice(remaining, CHUNK))
    yield chunk
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def exact(values: Collection[Any]) -> Exact:
    """Return integers of any size, or None, as a column."""
    column = np.empty(len(values), np.object_)
    column[:] = list(values)
    return column


def numbers_of(rows: Ints | Mask) -> Ints:
    """Return rows that are given by number or by mask as numbers."""
    return np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64, copy=False)


def is_in(values: Ints, ordered: Ints) -> Mask:
    """Return for each value whether it is one of the ascending `ordered`."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: Mask = ordered[place] == values
    return found


def distinct(values: Ints) -> Ints:
    """Return the different values, ascending; by sorting, which numpy does faster than hashing."""
    ordered = np.sort(values)
    different: Ints = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
    return different


def occurring(values: Ints, least: int) -> Ints:
    """Return the values that occur at least `least` times, ascending."""
    ordered = np.sort(values)
    last = ordered[least - 1 :]
    return distinct(last[ordered[: len(last)] == last])


def grouped(numbers: Ints) -> Ints:
    """Return the rows ordered by their number, rows of one number in their own order."""
    fits = len(numbers) and numbers.max() < 2**16  # numpy sorts short integers by radix
    keys = numbers.astype(np.uint16) if fits else numbers
    return np.argsort(keys, kind="stable")
