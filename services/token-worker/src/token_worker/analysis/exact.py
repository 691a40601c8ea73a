"""Exact arithmetic on many 256-bit amounts: sums by group, and cuts at a percentage."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
LimbArray = npt.NDArray[np.uint32]

_LIMB_BITS = 32
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


def to_floats(limbs: LimbArray) -> FloatArray:
    """Return the amounts of `to_limbs` as floats, each within 1e-15 of its value."""
    total = np.zeros(limbs.shape[0], dtype=np.float64)
    for position in range(limbs.shape[1]):
        total += limbs[:, position] * 2.0 ** (_LIMB_BITS * position)
    return total


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
        for position in range(limbs.shape[1]):
            digit_sums = np.bincount(
                groups[part], weights=limbs[part, position], minlength=group_count
            ).astype(np.int64)
            shift = position * _LIMB_BITS
            totals = [
                total + (digits << shift)
                for total, digits in zip(totals, digit_sums.tolist(), strict=True)
            ]
    return totals


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
