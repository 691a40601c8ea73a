"""What token contracts answer at the pinned block: metadata, balances, owners, supply."""

from collections.abc import Collection, Sequence
from typing import Literal

from common.chain.client import PinnedChain
from common.chain.types import Address, TokenMetadata

__all__ = [
    "TokenId",
    "TokenMetadata",
    "fetch_collection_standard",
    "fetch_erc20_balances",
    "fetch_erc721_owners",
    "fetch_erc1155_balances",
    "fetch_token_metadata",
    "fetch_total_supply",
]

TokenId = tuple[Address, int]
"""A contract and a token id in it."""


async def fetch_token_metadata(
    pinned: PinnedChain, addresses: Collection[Address]
) -> dict[Address, TokenMetadata]:
    """Reads name, symbol and decimals of each contract; every address is in the answer.

    Raises:
        ChainError: The chain could not be read. A contract that does not answer is no error.
    """
    raise NotImplementedError


async def fetch_erc20_balances(
    pinned: PinnedChain, holder: Address, tokens: Collection[Address]
) -> dict[Address, int | None]:
    """Reads the holder's balance of each token, raw; None where the token does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    raise NotImplementedError


async def fetch_erc20_holders(
    pinned: PinnedChain, token: Address, holders: Collection[Address]
) -> dict[Address, int | None]:
    """Reads the balance of each holder of one token, raw; None where the token does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    raise NotImplementedError


async def fetch_erc721_owners(
    pinned: PinnedChain, tokens: Sequence[TokenId]
) -> dict[TokenId, Address | None]:
    """Reads who owns each token; None where there is no owner (burned, or not an ERC-721).

    Raises:
        ChainError: The chain could not be read.
    """
    raise NotImplementedError


async def fetch_erc1155_balances(
    pinned: PinnedChain, holder: Address, tokens: Sequence[TokenId]
) -> dict[TokenId, int | None]:
    """Reads the holder's balance of each id; None where the contract does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    raise NotImplementedError


async def fetch_total_supply(pinned: PinnedChain, token: Address) -> int | None:
    """Reads `totalSupply()`, raw; None where the contract does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    raise NotImplementedError


async def fetch_collection_standard(
    pinned: PinnedChain, address: Address
) -> Literal["erc721", "erc1155"] | None:
    """Asks `supportsInterface` (ERC-165); a contract that claims both counts as ERC-721.

    Raises:
        ChainError: The chain could not be read.
    """
    raise NotImplementedError
