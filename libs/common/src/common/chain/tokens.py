"""What token contracts answer at the pinned block: metadata, balances, owners, supply."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, TypeVar

from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.kept import TOKEN
from common.chain.types import (
    Address,
    Call,
    CallResult,
    MetadataStatus,
    TokenMetadata,
)

__all__ = [
    "TokenId",
    "TokenMetadata",
    "decode_metadata",
    "fetch_collection_standard",
    "fetch_erc20_balances",
    "fetch_erc20_holders",
    "fetch_erc721_owners",
    "fetch_erc1155_balances",
    "fetch_token_metadata",
    "fetch_total_supply",
    "find_token_metadata",
    "keep_token_metadata",
    "metadata_calls",
]

TokenId = tuple[Address, int]
"""A contract and a token id in it."""

_ERC721 = "80ac58cd"  # ERC-165 interface ids
_ERC1155 = "d9b67a26"

K = TypeVar("K")
V = TypeVar("V")


async def fetch_token_metadata(
    pinned: PinnedChain, addresses: Collection[Address]
) -> dict[Address, TokenMetadata]:
    """Reads name, symbol and decimals of each contract; every address is in the answer.

    What a contract said less than a month ago is not asked again.

    Raises:
        ChainError: The chain could not be read. A contract that does not answer is no error.
    """
    known = await find_token_metadata(pinned, addresses)
    unknown = [address for address in dict.fromkeys(addresses) if address not in known]
    calls = [call for address in unknown for call in metadata_calls(address)]
    answers = iter(await pinned.call_many(calls))
    new = {
        address: decode_metadata(address, name, symbol, decimals)
        for address, name, symbol, decimals in zip(unknown, answers, answers, answers, strict=True)
    }
    await keep_token_metadata(pinned, new)
    return {address: known.get(address) or new[address] for address in addresses}


async def find_token_metadata(
    pinned: PinnedChain, addresses: Collection[Address]
) -> dict[Address, TokenMetadata]:
    """Finds what earlier runs were told, and still counts; no address need be in the answer."""
    found = await pinned.kept.find_facts(TOKEN, addresses)
    return {Address(address): TokenMetadata(**fields) for address, fields in found.items()}


async def keep_token_metadata(
    pinned: PinnedChain, metadata: Mapping[Address, TokenMetadata]
) -> None:
    """Keeps what contracts told; one that told nothing may be no token yet."""
    answered: dict[str, Any] = {
        address: asdict(each)
        for address, each in metadata.items()
        if (each.name, each.symbol, each.decimals) != (None, None, None)
    }
    await pinned.kept.keep_facts(TOKEN, answered)


def metadata_calls(address: Address) -> tuple[Call, Call, Call]:
    """The calls whose answers `decode_metadata` reads, in its order."""
    return abi.name(address), abi.symbol(address), abi.decimals(address)


async def fetch_erc20_balances(
    pinned: PinnedChain, holder: Address, tokens: Collection[Address]
) -> dict[Address, int | None]:
    """Reads the holder's balance of each token, raw; None where the token does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    calls = {token: abi.balance_of(token, holder) for token in tokens}
    return await _fetch_each(pinned, calls, abi.decode_uint)


async def fetch_erc20_holders(
    pinned: PinnedChain, token: Address, holders: Collection[Address]
) -> dict[Address, int | None]:
    """Reads the balance of each holder of one token, raw; None where the token does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    calls = {holder: abi.balance_of(token, holder) for holder in holders}
    return await _fetch_each(pinned, calls, abi.decode_uint)


async def fetch_erc721_owners(
    pinned: PinnedChain, tokens: Sequence[TokenId]
) -> dict[TokenId, Address | None]:
    """Reads who owns each token; None where there is no owner (burned, or not an ERC-721).

    Raises:
        ChainError: The chain could not be read.
    """
    calls = {token: abi.owner_of(*token) for token in tokens}
    return await _fetch_each(pinned, calls, abi.decode_address)


async def fetch_erc1155_balances(
    pinned: PinnedChain, holder: Address, tokens: Sequence[TokenId]
) -> dict[TokenId, int | None]:
    """Reads the holder's balance of each id; None where the contract does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    calls = {token: abi.balance_of_id(token[0], holder, token[1]) for token in tokens}
    return await _fetch_each(pinned, calls, abi.decode_uint)


async def fetch_total_supply(pinned: PinnedChain, token: Address) -> int | None:
    """Reads `totalSupply()`, raw; None where the contract does not answer.

    Raises:
        ChainError: The chain could not be read.
    """
    [answer] = await pinned.call_many([abi.total_supply(token)])
    return abi.decode_uint(answer)


async def fetch_collection_standard(
    pinned: PinnedChain, address: Address
) -> Literal["erc721", "erc1155"] | None:
    """Asks `supportsInterface` (ERC-165); a contract that claims both counts as ERC-721.

    Raises:
        ChainError: The chain could not be read.
    """
    calls = [abi.supports_interface(address, wanted) for wanted in (_ERC721, _ERC1155)]
    is_erc721, is_erc1155 = map(abi.decode_bool, await pinned.call_many(calls))
    if is_erc721:
        return "erc721"
    return "erc1155" if is_erc1155 else None


async def _fetch_each(
    pinned: PinnedChain, calls: dict[K, Call], decode: Callable[[CallResult], V]
) -> dict[K, V]:
    answers = await pinned.call_many(list(calls.values()))
    return {key: decode(answer) for key, answer in zip(calls, answers, strict=True)}


def decode_metadata(
    address: Address, name: CallResult, symbol: CallResult, decimals: CallResult
) -> TokenMetadata:
    """What a contract says about itself."""
    texts = abi.decode_text(name), abi.decode_text(symbol)
    digits = abi.decode_uint(decimals)
    is_nonsense = digits is not None and digits > abi.MAX_DECIMALS
    status: MetadataStatus = "ok"
    if is_nonsense or not all(text.is_valid for text in texts):
        status = "invalid"
    elif digits is None or any(text.value is None for text in texts):
        status = "missing"
    elif any(text.is_bytes32 for text in texts):
        status = "bytes32"
    return TokenMetadata(
        address, texts[0].value, texts[1].value, None if is_nonsense else digits, status
    )
