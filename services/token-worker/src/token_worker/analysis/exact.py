"""Exact arithmetic on many 256-bit amounts: sums by group, and cuts at a percentage."""

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import add

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
LimbArray = npt.NDArray[np.uint32]
ByteArray = npt.NDArray[np.bytes_]

BIG_ENDIAN_LIMB = np.dtype(">u4")

_LIMB_BITS = 32
_LIMB_MASK = (1 << _LIMB_BITS) - 1
_EXACT_ROWS = 1 << 20
"""So many 32-bit digits add up to less than 2**53: a float64 sum of them is exact."""


def to_limbs(amounts: Sequence[int]) -> LimbArray:
    """Return amounts as rows of 32-bit digits, the lowest first, as many as the largest needs.

    Args:
        amounts: Integers >= 0 of any size.
    """
    width = max(1, -(-max(amounts, default=0).bit_length() // _LIMB_BITS))
    joined = b"".join([amount.to_bytes(width * 4, "little") for amount in amounts])
    return np.frombuffer(joined, dtype="<u4").reshape(len(amounts), width)


def to_ints(limbs: LimbArray) -> list[int]:
    """Return the amounts of `to_limbs`."""
    if limbs.shape[1] == 1:
        return [int(digit) for digit in limbs[:, 0].tolist()]
    step, joined = limbs.shape[1] * 4, np.ascontiguousarray(limbs).tobytes()
    return [
        int.from_bytes(joined[start : start + step], "little")
        for start in range(0, len(joined), step)
    ]


def to_bytes(limbs: LimbArray) -> ByteArray:
    """Return the amounts of `to_limbs` as bytes, the highest first: they sort like the amounts."""
    digits = np.ascontiguousarray(limbs[:, ::-1].astype(BIG_ENDIAN_LIMB))
    return digits.reshape(-1).view(f"S{digits.shape[1] * BIG_ENDIAN_LIMB.itemsize}")


def largest_rows(limbs: LimbArray, floats: FloatArray, count: int) -> list[int]:
    """Return the rows of the `count` largest amounts, largest first, the first of equals first.

    Args:
        limbs: Amounts from `to_limbs`.
        floats: The same of `to_floats`, by which most rows are told apart.
        count: How many rows are wanted.
    """
    total = len(limbs)
    if not count > 0 or not total:
        return []
    border = 0.0 if count >= total else float(np.partition(floats, total - count)[total - count])
    near = np.flatnonzero(floats >= border * (1 - 1e-9))
    amounts = to_bytes(limbs[near])
    least = np.sort(amounts)[max(0, near.size - count)]
    above = near[amounts > least]
    ranked = sorted(
        zip(to_ints(limbs[above]), above.tolist(), strict=True),
        key=lambda each: (-each[0], each[1]),
    )
    rows = [row for _, row in ranked]
    equal: list[int] = near[amounts == least][: count - len(rows)].tolist()
    return rows + equal


def to_floats(limbs: LimbArray) -> FloatArray:
    """Return the amounts of `to_limbs` as floats, each within 1e-15 of its value."""
    total = np.zeros(limbs.shape[0], dtype=np.float64)
    for position in range(limbs.shape[1]):
        total += limbs[:, position] * 2.0 ** (_LIMB_BITS * position)
    return total


def widened(limbs: LimbArray, width: int) -> LimbArray:
    """Return the same amounts with at least `width` digits each."""
    missing = width - limbs.shape[1]
    return limbs if missing <= 0 else np.pad(limbs, ((0, 0), (0, missing)))


def sum_all(limbs: LimbArray) -> int:
    """Return the exact sum of fewer than 2**32 amounts."""
    digits = limbs.sum(axis=0, dtype=np.uint64).tolist()
    return sum(digit << (_LIMB_BITS * position) for position, digit in enumerate(digits))


def sum_by_group(limbs: LimbArray, groups: IntArray, group_count: int) -> list[int]:
    """Return the exact sum of the amounts of each group.

    Args:
        limbs: Amounts from `to_limbs`.
        groups: Group of each row, 0 <= group < group_count.
        group_count: Number of groups; one without rows sums to 0.
    """
    totals = [0] * group_count
    for first in range(0, len(groups), _EXACT_ROWS):
        part = slice(first, first + _EXACT_ROWS)
        sums = to_ints(_limb_sums(limbs[part], groups[part], group_count))
        totals = sums if first == 0 else list(map(add, totals, sums))
    return totals


def _limb_sums(limbs: LimbArray, groups: IntArray, group_count: int) -> LimbArray:
    """The sum of each group as limbs, those without rows included."""
    digit_sums = [
        np.bincount(groups, weights=limbs[:, position], minlength=group_count).astype(np.int64)
        for position in range(limbs.shape[1])
    ]
    return _carried(digit_sums)


def sum_runs(limbs: LimbArray, rows: IntArray, starts: IntArray) -> LimbArray:
    """Return the exact sums of runs of rows, as amounts of `to_limbs`.

    Args:
        limbs: Amounts from `to_limbs`.
        rows: Rows of them, run after run.
        starts: Where in `rows` each run begins; none is empty.
    """
    if not starts.size:
        return limbs[:0]
    digit_sums = [
        np.add.reduceat(limbs[rows, position], starts, dtype=np.int64)
        for position in range(limbs.shape[1])
    ]
    return _carried(digit_sums)


def _carried(digit_sums: list[IntArray]) -> LimbArray:
    """Amounts of which each digit has become larger than 32 bits, in limbs, as few as suffice."""
    width = len(digit_sums)
    sums = np.zeros((digit_sums[0].size, width + 2), dtype=np.uint32)
    carry = np.zeros(digit_sums[0].size, dtype=np.int64)
    for position, digits in enumerate(digit_sums):
        carry += digits
        sums[:, position] = carry & _LIMB_MASK
        carry >>= _LIMB_BITS
    sums[:, width] = carry & _LIMB_MASK
    sums[:, width + 1] = carry >> _LIMB_BITS
    while sums.shape[1] > 1 and not sums[:, -1].any():
        sums = sums[:, :-1]
    return sums


def distinct(values: IntArray) -> IntArray:
    """Return the different values, ascending; for many values a sort is faster than `np.unique`."""
    ordered = np.sort(values)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))]


def fraction_of(number: float) -> Fraction:
    """Return the number that was written, not its binary neighbour: 0.1 is one tenth."""
    return Fraction(str(number))


def least_amount(whole: int, pct: float) -> int:
    """Return the least raw amount that is at least `pct` percent of `whole`, never below 1."""
    return max(1, math.ceil(fraction_of(pct) * whole / 100))
