"""Contracts that are somebody's wallet, told by what they answer."""

from typing import Final

from common.chain import abi
from common.chain.types import Address, CallResult

ENTRY_POINTS: Final = frozenset(
    Address(address)
    for address in (
        "0x5ff137d4b0fdcd49dca30c7cf57e578a026d2789",  # ERC-4337 version 0.6
        "0x0000000071727de22e5e9d8baf0edac6f37da032",  # 0.7
        "0x4337084d9e255ff0702461cf8895ce9e3b5ff108",  # 0.8
    )
)
MOST_OWNERS = 1_000
WORD = 64  # hex digits


def is_smart_wallet(owners: CallResult, threshold: CallResult, entry_point: CallResult) -> bool:
    """Tell whether a contract acts for its owners, as a Safe or an ERC-4337 account does.

    Args:
        owners: What `getOwners()` answers.
        threshold: What `getThreshold()` answers: how many owners must agree.
        entry_point: What `entryPoint()` answers: the contract that the account obeys.
    """
    if abi.decode_address(entry_point) in ENTRY_POINTS:
        return True
    needed, known = abi.decode_uint(threshold), _owner_count(owners)
    return needed is not None and known is not None and 1 <= needed <= known


def _owner_count(answer: CallResult) -> int | None:
    """Return the length of an `address[]`; None when the answer is none.

    A contract whose fallback answers everything does not answer with a well-formed array.
    """
    words = [answer.data[at : at + WORD] for at in range(2, len(answer.data), WORD)]
    if not answer.success or len(words) < 3 or len(words[-1]) != WORD or int(words[0], 16) != 32:
        return None
    count = int(words[1], 16)
    is_array = count == len(words) - 2 <= MOST_OWNERS
    return count if is_array and all(int(word, 16) >> 160 == 0 for word in words[2:]) else None
