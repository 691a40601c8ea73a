"""Reads a token's transfers and what its contract says, all at the pinned block."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.client import PinnedChain
from common.chain.codes import NO_CODE
from common.chain.proxies import fetch_implementations
from common.chain.tokens import (
    fetch_collection_standard,
    fetch_erc20_holders,
    fetch_token_metadata,
    fetch_total_supply,
)
from common.chain.transfers import decode_transfers
from common.chain.types import Address, LogFilter
from common.errors import PayloadError
from common.labels.reading import load_labels
from common.prices.counterfeits import counterfeit_reason, official_symbols
from common.prices.price import PriceFeed
from common.prices.reading import fetch_prices
from token_worker.analysis.compliance import choose_sample
from token_worker.analysis.digest import digest_variant
from token_worker.analysis.holders import excluded_addresses, largest_holders
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.packed import unpack_one
from token_worker.analysis.search import sum_up
from token_worker.analysis.sums import Sums
from token_worker.analysis.table import TransferTable
from token_worker.analysis.trends import PreviousReport
from token_worker.history.digests import DigestStore, is_due
from token_worker.history.reading import History, read_history
from token_worker.models import TokenFlowReading
from token_worker.sampling import fetch_sample, sum_balances
from token_worker.wraps import movements_filter, with_wraps, wraps_native_coin

Progress = Callable[[str], Awaitable[None]]


@dataclass(frozen=True)
class _Transfers:
    """What the window holds."""

    history: History
    from_block: int
    truncated: bool
    collectibles: int
    sums: Sums
    balances: Mapping[Address, int | None]
    balances_are_sums: bool = False
    digests: DigestStore | None = None


async def read_token_flows(
    pinned: PinnedChain,
    database: AsyncDatabase[dict[str, Any]],
    token: Address,
    options: CoinFlowOptions,
    thresholds: CoinFlowThresholds,
    report_progress: Progress,
    previous: PreviousReport | None = None,
    feeds: Collection[PriceFeed] = (),
) -> TokenFlowReading:
    """Read the transfers of a token and the balances of everybody in them.

    Args:
        pinned: The chain at one block.
        database: Where whole histories are kept between runs.
        token: Address of the token contract.
        options: Of the job: how far to look back.
        thresholds: In force for this run.
        report_progress: Tells what happens now.
        previous: The previous report of the same job.
        feeds: Price feeds of the chain.

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
    labels = load_labels().get(pinned.chain_id, {})
    counterfeit = counterfeit_reason(metadata[token], official_symbols(feeds, pinned.chain_id))
    where = f"{token} at block {pinned.block.number} of chain {pinned.chain_id}"
    if code == NO_CODE:
        raise PayloadError(f"no contract at {where}: expected the address of an ERC-20 token")
    if standard is not None:
        raise _nft_given(where, standard)
    implementation = (await fetch_implementations(pinned, [token]))[token]
    running = await pinned.fetch_code(implementation) if implementation else code
    wraps_native = wraps_native_coin(running)
    wanted = movements_filter(token, wraps_native)
    if options.full_history:
        digests = DigestStore(
            database,
            pinned.chain_id,
            token,
            digest_variant(options, thresholds, labels, counterfeit is not None),
        )
        found = await _read_all(pinned, database, wanted, report_progress, digests, supply)
    else:
        found = await _read_newest(pinned, wanted, options.transaction_limit, report_progress)
    history, table = found.history, found.history.table
    if found.collectibles and not len(table):
        raise _nft_given(where, "erc721")
    if supply is None and not len(table):
        raise PayloadError(
            f"no token at {where}: it neither answers totalSupply() nor has it ever emitted "
            "an ERC-20 Transfer"
        )
    times = await pinned.fetch_timestamps([found.from_block])
    sample = choose_sample(token, table)
    prices = await fetch_prices(pinned, [each for each in feeds if each.token == token])
    return TokenFlowReading(
        chain_id=pinned.chain_id,
        block=pinned.block,
        token=metadata[token],
        total_supply=supply,
        from_block=found.from_block,
        truncated=found.truncated,
        table=table,
        unread_logs=history.unread_logs,
        window_start=times[found.from_block],
        balances=found.balances,
        contracts=await _fetch_contracts(pinned, found.balances),
        past=history.past,
        new_from=history.new_from,
        sums=found.sums,
        balances_are_sums=found.balances_are_sums,
        digests=found.digests if _digest_is_due(found) else None,
        wraps_native=wraps_native,
        implementation=implementation,
        labels=labels,
        previous=previous,
        price=prices.get(token),
        counterfeit=counterfeit,
        sample=await fetch_sample(pinned, token, sample, found.balances, found.from_block),
    )


async def _read_newest(
    pinned: PinnedChain, wanted: LogFilter, limit: int, report_progress: Progress
) -> _Transfers:
    await report_progress("reading transfers")
    [token] = wanted.addresses
    newest = await pinned.fetch_newest_logs(wanted, limit)
    decoded = await asyncio.to_thread(decode_transfers, newest.logs)
    transfers = with_wraps(decoded)
    times = await pinned.fetch_timestamps({each.block_number for each in transfers})
    table = await asyncio.to_thread(TransferTable.from_transfers, transfers, times)
    await report_progress(f"reading balances of {len(table.addresses)} addresses")
    return _Transfers(
        history=History(table, decoded.undecodable + len(decoded.nft)),
        from_block=newest.from_block,
        truncated=newest.truncated,
        collectibles=len(decoded.nft),
        sums=await asyncio.to_thread(Sums.of, table),
        balances=await fetch_erc20_holders(
            pinned, token, set(table.addresses) | excluded_addresses(token).keys()
        ),
    )


async def _read_all(
    pinned: PinnedChain,
    database: AsyncDatabase[dict[str, Any]],
    wanted: LogFilter,
    report_progress: Progress,
    digests: DigestStore | None,
    supply: int | None,
) -> _Transfers:
    """The whole history and the balances that follow from it, if the token agrees for a sample.

    A digest serves only where balances are sums of transfers. Else all transfers are read again,
    and the token is asked for every balance.
    """
    [token] = wanted.addresses
    history = await read_history(pinned, wanted, database, report_progress, digests, supply)
    sums = await asyncio.to_thread(sum_up, history.table, history.new_from, history.past)
    await report_progress(f"reading balances of {len(sums.ledger)} addresses")
    balances, are_sums = await _fetch_verified_balances(pinned, token, history.table, sums.ledger)
    if history.past and not are_sums:
        return await _read_all(pinned, database, wanted, report_progress, None, supply)
    unread = history.unread_logs
    return _Transfers(history, 0, False, unread, sums, balances, are_sums, digests)


def _digest_is_due(found: _Transfers) -> bool:
    past = found.history.past
    digested = past.sums.totals.transfers if past else 0
    return found.history.is_newest and is_due(found.sums.totals.transfers, digested)


async def _fetch_verified_balances(
    pinned: PinnedChain, token: Address, table: TransferTable, ledger: Ledger
) -> tuple[dict[Address, int | None], bool]:
    """Balances of a whole history: sums of its transfers if the token agrees, else its answers.

    The largest hundred holders, the hundred addresses of the newest transfers and the burn
    addresses are asked for. A token that contradicts the sums for one of them is asked for all,
    and so is one of which somebody sent more than it ever received.

    Returns:
        The balances, and whether they are sums.
    """
    balances = await asyncio.to_thread(sum_balances, ledger)
    excluded = excluded_addresses(token)
    asked = {address for address, _ in largest_holders(balances, 100)}
    for ends in (table.senders[-50:], table.recipients[-50:]):
        asked.update(unpack_one(table.packed[code]) for code in ends.tolist())
    if not ledger.has_debts:
        answers = await fetch_erc20_holders(pinned, token, asked | excluded.keys())
        if all(answers[address] == balances[address] for address in asked - excluded.keys()):
            return {**balances, **answers}, True
    return await fetch_erc20_holders(pinned, token, balances.keys() | excluded.keys()), False


async def _fetch_contracts(
    pinned: PinnedChain, balances: Mapping[Address, int | None]
) -> dict[Address, bool]:
    """Whether the largest holders are contracts: pools and vaults look like whales."""
    largest = [address for address, _ in largest_holders(balances)]
    return await fetch_contracts(pinned, largest)


async def fetch_contracts(
    pinned: PinnedChain, addresses: Collection[Address]
) -> dict[Address, bool]:
    """Return whether each address has code."""
    codes = await pinned.fetch_codes(addresses)
    return {address: code != NO_CODE for address, code in codes.items()}


def _nft_given(where: str, standard: str) -> PayloadError:
    return PayloadError(
        f"{standard.upper().replace('ERC', 'ERC-')} collection at {where}: expected an ERC-20 "
        "token; use the action analyze_nft_movements"
    )
