"""Which contracts are proxies: what runs behind their address may be replaced."""

from collections.abc import Collection
from typing import Any

from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.kept import Kind
from common.chain.parsing import parse_data
from common.chain.requests import Request
from common.chain.types import Address

IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
"""Source: ERC-1967: keccak-256 of "eip1967.proxy.implementation" minus 1."""

PROXY = Kind("proxy", may_change=True)
"""Implementation by contract, None for one that is no proxy."""

_ADDRESS_DIGITS = 40


async def fetch_implementations(
    pinned: PinnedChain, contracts: Collection[Address]
) -> dict[Address, Address | None]:
    """Read the implementation of each contract; None for one that is no ERC-1967 proxy.

    Raises:
        ChainError: The chain could not be read.
    """
    earlier = await pinned.kept.find_facts(PROXY, contracts)
    known = {contract: earlier[contract] for contract in contracts if contract in earlier}
    ordered = sorted(contract for contract in contracts if contract not in known)
    answers = await pinned.call_batch(
        [
            Request("eth_getStorageAt", (contract, IMPLEMENTATION_SLOT, pinned.block), parse_data)
            for contract in ordered
        ]
    )
    found: dict[Address, Address | None] = {}
    for contract, answer in zip(ordered, answers, strict=True):
        if isinstance(answer, ChainError):
            raise answer
        digits = answer[2:].rjust(_ADDRESS_DIGITS, "0")[-_ADDRESS_DIGITS:]
        found[contract] = Address("0x" + digits) if int(digits, 16) else None
    facts: dict[str, Any] = {str(contract): each for contract, each in found.items()}
    await pinned.kept.keep_facts(PROXY, facts)
    return known | found
