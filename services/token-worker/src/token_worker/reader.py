"""Reads a token's newest transfers and what its contract says, all at the pinned block."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from common.chain.client import PinnedChain
from common.chain.tokens import (
    fetch_collection_standard,
    fetch_erc20_holders,
    fetch_token_metadata,
    fetch_total_supply,
)
from common.chain.transfers import TRANSFER, DecodedLogs, decode_transfers
from common.chain.types import Address, LogFilter
from common.errors import PayloadError
from token_worker.analysis.holders import excluded_addresses, largest_holders
from token_worker.analysis.table import TransferTable
from token_worker.models import TokenFlowReading

WRAP_SELECTORS = ("d0e30db0", "2e1a7d4d")
"""deposit() and withdraw(uint256): code with both wraps the native coin, as WETH9 does."""


async def read_token_flows(
    pinned: PinnedChain,
    token: Address,
    transaction_limit: int,
    report_progress: Callable[[str], Awaitable[None]],
) -> TokenFlowReading:
    """Read the newest transfers of a token and the balances of everybody in them.

    Args:
        pinned: The chain at one block.
        token: Address of the token contract.
        transaction_limit: Newest Transfer events to read, rounded up to whole blocks.
        report_progress: Tells what happens now.

    Raises:
        PayloadError: The address is no contract, or no fungible token.
        ChainError: The chain could not be read.
    """
    code, standard, metadata, supply = await asyncio.gather(
        pinned.fetch_code(token),
        fetch_collection_standard(pinned, token),
        fetch_token_metadata(pinned, [token]),
        fetch_total_supply(pinned, token),
    )
    where = f"{token} at block {pinned.block.number} of chain {pinned.chain_id}"
    if code == "0x":
        raise PayloadError(f"no contract at {where}: expected the address of an ERC-20 token")
    if standard is not None:
        raise _nft_given(where, standard)
    await report_progress("reading transfers")
    newest = await pinned.fetch_newest_logs(
        LogFilter(addresses=(token,), topics=(TRANSFER,)), transaction_limit
    )
    decoded = await asyncio.to_thread(decode_transfers, newest.logs)
    if decoded.nft and not decoded.erc20:
        raise _nft_given(where, "erc721")
    if supply is None and not decoded.erc20:
        raise PayloadError(
            f"no token at {where}: it neither answers totalSupply() nor has it ever emitted "
            "an ERC-20 Transfer"
        )
    blocks = {transfer.block_number for transfer in decoded.erc20}
    await report_progress(f"reading balances of {len(_participants(decoded))} addresses")
    timestamps, balances = await asyncio.gather(
        pinned.fetch_timestamps(blocks | {newest.from_block}),
        fetch_erc20_holders(
            pinned, token, _participants(decoded) | excluded_addresses(token).keys()
        ),
    )
    return TokenFlowReading(
        chain_id=pinned.chain_id,
        block=pinned.block,
        token=metadata[token],
        total_supply=supply,
        from_block=newest.from_block,
        truncated=newest.truncated,
        table=await asyncio.to_thread(TransferTable.from_transfers, decoded.erc20, timestamps),
        unread_logs=decoded.undecodable + len(decoded.nft),
        window_start=timestamps[newest.from_block],
        balances=balances,
        contracts=await _fetch_contracts(pinned, balances),
        wraps_native=all(selector in code for selector in WRAP_SELECTORS),
    )


async def _fetch_contracts(
    pinned: PinnedChain, balances: Mapping[Address, int | None]
) -> dict[Address, bool]:
    """Whether the largest holders are contracts: pools and vaults look like whales."""
    largest = [address for address, _ in largest_holders(balances)]
    codes = await asyncio.gather(*(pinned.fetch_code(address) for address in largest))
    return {address: code != "0x" for address, code in zip(largest, codes, strict=True)}


def _participants(decoded: DecodedLogs) -> Collection[Address]:
    senders = {transfer.sender for transfer in decoded.erc20}
    return senders | {transfer.recipient for transfer in decoded.erc20}


def _nft_given(where: str, standard: str) -> PayloadError:
    return PayloadError(
        f"{standard.upper().replace('ERC', 'ERC-')} collection at {where}: expected an ERC-20 "
        "token; use the action analyze_nft_movements"
    )
