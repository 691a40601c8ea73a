"""Reads what a collection says about itself, and refuses contracts that are none."""

import asyncio
from typing import Literal

from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.punks import COLLECTION
from common.chain.tokens import (
    fetch_collection_standard,
    fetch_token_metadata,
    fetch_total_supply,
)
from common.chain.transfers import TRANSFER, TRANSFER_BATCH, TRANSFER_SINGLE, decode_transfers
from common.chain.types import Address, LogFilter
from common.errors import PayloadError
from common.results.nft_movements import CollectionStandard
from nft_worker.analysis.code import delegates_to_implementation, is_contract
from nft_worker.models import Collection

ERC721_ENUMERABLE = "780e9d63"
"""ERC-165 id of the optional interface of ERC-721 that lists all tokens."""


async def fetch_collection(pinned: PinnedChain, address: Address) -> Collection:
    """Read a collection at the pinned block.

    Raises:
        PayloadError: There is no contract at the address, or it is no NFT collection.
        ChainError: The chain could not be read.
    """
    code, claimed = await asyncio.gather(
        pinned.fetch_code(address), fetch_collection_standard(pinned, address)
    )
    standard: CollectionStandard | None = claimed
    if address == COLLECTION:
        standard = "cryptopunks"
    if not is_contract(code):
        raise PayloadError(
            f"collectionAddress {address} has no contract at block {pinned.block.number} of chain "
            f"{pinned.chain_id}: check the address and the chainId"
        )
    if standard is None:
        standard = await _fetch_standard_from_logs(pinned, address)
    metadata, total_supply, (claims_enumerable,) = await asyncio.gather(
        fetch_token_metadata(pinned, [address]),
        fetch_total_supply(pinned, address),
        pinned.call_many([abi.supports_interface(address, ERC721_ENUMERABLE)]),
    )
    return Collection(
        address=address,
        standard=standard,
        name=metadata[address].name,
        symbol=metadata[address].symbol,
        total_supply=total_supply if standard != "erc1155" else None,
        enumerable=abi.decode_bool(claims_enumerable) is True,
        is_proxy=delegates_to_implementation(code),
    )


async def _fetch_standard_from_logs(
    pinned: PinnedChain, address: Address
) -> Literal["erc721", "erc1155"]:
    """Tell the standard of a contract that does not claim any from its newest transfers."""
    wanted = LogFilter((address,), ((TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH),))
    newest = await pinned.fetch_newest_logs(wanted, limit=1)
    decoded = decode_transfers(newest.logs)
    if decoded.nft:
        return decoded.nft[-1].standard
    if decoded.erc20:
        raise PayloadError(
            f"collectionAddress {address} is an ERC-20 token: its transfers carry amounts. "
            "Use the action analyze_coin_flows"
        )
    seen = (
        f"its {len(newest.logs)} newest transfer events follow neither"
        if newest.logs
        else ("it has emitted no transfer events")
    )
    raise PayloadError(
        f"collectionAddress {address} claims neither ERC-721 nor ERC-1155 (ERC-165), and {seen}"
    )
