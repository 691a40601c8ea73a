"""Exact arithmetic on many 256-bit amounts: sums by group, and cuts at a percentage."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
LimbArray = npt.NDArray[np.uint32]

_LIMB_BITS = 32


def to_limbs(amounts: Sequence[int]) -> LimbArray:
    """Return amounts as rows of 32-bit digits, the lowest first, as many as the largest needs.

    Args:
        amounts: Integers >= 0 of any size.
    """
    width = max(1, -(-max(amounts, default=0).bit_length() // _LIMB_BITS))
    joined = b"".join([amount.to_bytes(width * 4, "little") for amount in amounts])
    return np.frombuffer(joined, dtype="<u4").reshape(len(amounts), width)


def sum_by_group(limbs: LimbArray, groups: IntArray, group_count: int) -> list[int]:
    """Return the exact sum of the amounts of each group.

    Args:
        limbs: Amounts from `to_limbs`, fewer than 2**32 rows: a digit's sum then fits 64 bits.
        groups: Group of each row, 0 <= group < group_count.
        group_count: Number of groups; one without rows sums to 0.
    """
    totals = [0] * group_count
    for position in range(limbs.shape[1]):
        digit_sums = np.zeros(group_count, dtype=np.uint64)
        np.add.at(digit_sums, groups, limbs[:, position].astype(np.uint64))
        shift = position * _LIMB_BITS
        totals = [
            total + (digits << shift)
            for total, digits in zip(totals, digit_sums.tolist(), strict=True)
        ]
    return totals


def fraction_of(number: float) -> Fraction:
    """Return the number that was written, not its binary neighbour: 0.1 is one tenth."""
    return Fraction(str(number))


def least_amount(whole: int, pct: float) -> int:
    """Return the least raw amount that is at least `pct` percent of `whole`, never below 1."""
    return max(1, math.ceil(fraction_of(pct) * whole / 100))
