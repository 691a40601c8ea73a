"""All chain reads of a wallet snapshot, in the order in which one leads to the next."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain.client import PinnedChain
from common.chain.concurrency import run_all
from common.chain.errors import AddressRequired, ChainError, PrunedHistory, TransactionNotFound
from common.chain.requests import block_request
from common.chain.transfers import decode_transfers
from common.chain.types import Address, Receipt, Transaction
from common.results.envelope import Reason
from wallet_worker.analysis.counterfeits import official_symbols
from wallet_worker.analysis.discovery import (
    Place,
    blocks_to_date,
    collect_history,
    erc20_contracts,
    merge_logs,
    shown_payments,
    transaction_places,
    transactions_to_read,
    wallet_filters,
)
from wallet_worker.analysis.ledger import token_wraps
from wallet_worker.analysis.mass_sends import large_batches
from wallet_worker.contract_answers import fetch_contract_answers
from wallet_worker.index import Facts, WalletIndex
from wallet_worker.models import Account, History, WalletReading
from wallet_worker.native_search import search_since
from wallet_worker.payments import settle_payments
from wallet_worker.price_feeds import fetch_prices
from wallet_worker.sources import WalletSources

T = TypeVar("T")

_EMPTY_HISTORY = History(movements=(), wraps=(), undecodable=0)


async def fetch_wallet(
    pinned: PinnedChain,
    wallet: Address,
    options: WalletSnapshotOptions,
    index: WalletIndex,
    sources: WalletSources,
) -> WalletReading:
    """Read all that `options` ask for and `index` does not know, and nothing else.

    Raises:
        ChainError: The chain could not be read. Endpoints that cannot search logs by wallet alone
            are no error: the reading then has an `obstacle` instead of a history.
    """
    account = await fetch_account(pinned, wallet)
    new = Facts()
    history, obstacle = await _fetch_history(pinned, wallet, options, index, new)
    found = history or _EMPTY_HISTORY
    known = index.facts
    searches = options.include_transactions and history is not None and options.native_search_calls
    if searches:
        new.native = await search_since(
            pinned,
            account,
            known.native,
            known.native_to,
            options.native_search_calls,
            sources.explorer,
        )
    places = transaction_places(found, new.native)
    transactions, receipts = await _fetch_transactions(pinned, places, options, known, new)
    answers = await fetch_contract_answers(pinned, wallet, found, options, known, new)
    if new.native is not None:
        new.native = await settle_payments(
            pinned,
            account,
            found,
            token_wraps(found, answers.metadata),
            new.native,
            transactions,
            receipts,
            options.native_search_calls,
        )
    blocks = (
        blocks_to_date(found, options)
        | {each.block_number for each in transactions.values()}
        | {each.block_number for each in shown_payments(new.native)}
    )
    reading = WalletReading(
        chain_id=pinned.chain_id,
        block=pinned.block,
        account=account,
        history=history,
        obstacle=obstacle,
        answers=answers,
        prices=await fetch_prices(
            pinned, sources.feeds, erc20_contracts(found) if options.include_token_balances else ()
        ),
        native=new.native,
        transactions=transactions,
        receipts=receipts,
        batches={**known.batches, **new.batches},
        officials=official_symbols(sources.feeds, pinned.chain_id),
        timestamps=await _fetch_timestamps(pinned, blocks, known, new),
    )
    if history is not None:
        await index.save(pinned.block, new)
    return reading


async def fetch_block_hash(pinned: PinnedChain, number: int) -> str:
    """Read the hash that the chain has at a height not above the pinned one.

    Raises:
        ChainError: The chain could not be read.
    """
    [answer] = await pinned.call_batch([block_request(number)])
    if isinstance(answer, ChainError):
        raise answer
    return answer.hash


async def fetch_account(pinned: PinnedChain, wallet: Address) -> Account:
    """Read native balance, nonce and code."""
    balance_wei, nonce = await run_all([pinned.fetch_balance(wallet), pinned.fetch_nonce(wallet)])
    code = await pinned.fetch_code(wallet)
    return Account(address=wallet, balance_wei=balance_wei, nonce=nonce, code=code)


async def _fetch_history(
    pinned: PinnedChain,
    wallet: Address,
    options: WalletSnapshotOptions,
    index: WalletIndex,
    new: Facts,
) -> tuple[History | None, Reason | None]:
    filters = wallet_filters(wallet, options)
    if not filters:
        return None, None
    await index.load(pinned)
    first = index.covered_to + 1
    try:
        if first <= pinned.block.number:
            answers = await run_all(pinned.fetch_logs(wanted, first) for wanted in filters)
            new.logs = merge_logs(answers)
    except AddressRequired as error:
        return None, Reason(
            code="discovery_refused",
            detail=f"no endpoint searches logs by wallet without a token address: {error}",
        )
    except PrunedHistory as error:
        return None, Reason(
            code="history_pruned", detail=f"no endpoint has the logs of old blocks: {error}"
        )
    logs = merge_logs([index.facts.logs, new.logs])
    decoded = await asyncio.to_thread(decode_transfers, logs)
    return collect_history(wallet, decoded, options), None


async def _fetch_transactions(
    pinned: PinnedChain,
    places: Mapping[str, Place],
    options: WalletSnapshotOptions,
    known: Facts,
    new: Facts,
) -> tuple[dict[str, Transaction], dict[str, Receipt]]:
    if not options.include_transactions:
        return {}, {}
    hashes = transactions_to_read(places)
    unknown = [each for each in hashes if each not in known.transactions]
    new.transactions = await _known(pinned.fetch_transactions, unknown)
    transactions = {**known.transactions, **new.transactions}
    mined = [each for each in hashes if each in transactions]
    unknown = [each for each in mined if each not in known.receipts]
    new.receipts = await _known(pinned.fetch_receipts, unknown)
    receipts = {**known.receipts, **new.receipts}
    new.batches = {
        digest: batch for digest, each in new.receipts.items() if (batch := large_batches(each))
    }
    return (
        {each: transactions[each] for each in mined},
        {each: receipts[each] for each in mined if each in receipts},
    )


async def _fetch_timestamps(
    pinned: PinnedChain, blocks: set[int], known: Facts, new: Facts
) -> dict[int, int]:
    new.timestamps = await pinned.fetch_timestamps(blocks - known.timestamps.keys())
    timestamps = {**known.timestamps, **new.timestamps}
    return {number: timestamps[number] for number in blocks}


async def _known(
    fetch: Callable[[Collection[str]], Awaitable[dict[str, T]]], hashes: Collection[str]
) -> dict[str, T]:
    """Everything that some endpoint knows: old transactions may not be indexed any more."""
    try:
        return await fetch(hashes)
    except TransactionNotFound as error:
        return await fetch([each for each in hashes if each not in error.hashes])
