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
from common.prices.counterfeits import official_symbols
from common.prices.reading import fetch_prices
from common.results.envelope import Reason
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
    wants_nfts,
)
from wallet_worker.analysis.ledger import token_wraps
from wallet_worker.analysis.mass_sends import large_batches
from wallet_worker.analysis.punks import decode_punks, split_units
from wallet_worker.contract_answers import fetch_contract_answers
from wallet_worker.index import find_batches, find_search, keep_batches, keep_search
from wallet_worker.models import Account, History, NativeSearch, WalletReading
from wallet_worker.native_search import search_since
from wallet_worker.payments import settle_payments
from wallet_worker.punk_logs import fetch_punk_logs
from wallet_worker.sources import WalletSources

T = TypeVar("T")

_EMPTY_HISTORY = History(movements=(), wraps=(), undecodable=0)


async def fetch_wallet(
    pinned: PinnedChain,
    wallet: Address,
    options: WalletSnapshotOptions,
    sources: WalletSources,
) -> WalletReading:
    """Read all that `options` ask for and earlier runs do not know, and nothing else.

    Raises:
        ChainError: The chain could not be read. Endpoints that cannot search logs by wallet alone
            are no error: the reading then has an `obstacle` instead of a history.
    """
    account = await fetch_account(pinned, wallet)
    history, obstacle = await _fetch_history(pinned, wallet, options)
    found = history or _EMPTY_HISTORY
    native: NativeSearch | None = None
    if options.include_transactions and history is not None and options.native_search_calls:
        earlier, searched_to = await find_search(pinned, wallet)
        native = await search_since(
            pinned, account, earlier, searched_to, options.native_search_calls, sources.explorer
        )
    places = transaction_places(found, native)
    transactions, receipts, batches = await _fetch_transactions(pinned, places, options)
    answers = await fetch_contract_answers(pinned, wallet, found, options)
    if native is not None:
        native = await settle_payments(
            pinned,
            account,
            found,
            token_wraps(found, answers.metadata),
            native,
            transactions,
            receipts,
            options.native_search_calls,
        )
        await keep_search(pinned, wallet, native)
    blocks = (
        blocks_to_date(found, options)
        | {each.block_number for each in transactions.values()}
        | {each.block_number for each in shown_payments(native)}
    )
    return WalletReading(
        chain_id=pinned.chain_id,
        block=pinned.block,
        account=account,
        history=history,
        obstacle=obstacle,
        answers=answers,
        prices=await fetch_prices(
            pinned,
            sources.feeds_of(erc20_contracts(found) if options.include_token_balances else ()),
        ),
        native=native,
        transactions=transactions,
        receipts=receipts,
        batches=batches,
        officials=official_symbols(sources.feeds, pinned.chain_id),
        timestamps=await pinned.fetch_timestamps(blocks),
    )


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
) -> tuple[History | None, Reason | None]:
    filters = wallet_filters(wallet, options)
    if not filters:
        return None, None
    try:
        answers = await run_all(pinned.fetch_logs(wanted) for wanted in filters)
        units, others = split_units(pinned.chain_id, merge_logs(answers))
        of_punks = await fetch_punk_logs(pinned, wallet, units) if wants_nfts(options) else []
    except AddressRequired as error:
        return None, Reason(
            code="discovery_refused",
            detail=f"no endpoint searches logs by wallet without a token address: {error}",
        )
    except PrunedHistory as error:
        return None, Reason(
            code="history_pruned", detail=f"no endpoint has the logs of old blocks: {error}"
        )
    decoded = await asyncio.to_thread(decode_transfers, others)
    return collect_history(wallet, decoded, options, decode_punks(of_punks)), None


async def _fetch_transactions(
    pinned: PinnedChain, places: Mapping[str, Place], options: WalletSnapshotOptions
) -> tuple[dict[str, Transaction], dict[str, Receipt], dict[str, dict[Address, int]]]:
    """The newest transactions, their receipts, and large batches as far as receipts were read."""
    if not options.include_transactions:
        return {}, {}, {}
    transactions = await _known(pinned.fetch_transactions, transactions_to_read(places))
    batches = await find_batches(pinned, places.keys() | transactions.keys())
    unread = [digest for digest in transactions if digest not in batches]
    whole = await _known(pinned.fetch_receipts, unread)
    new_batches = {digest: large_batches(receipt) for digest, receipt in whole.items()}
    await keep_batches(pinned, new_batches, whole)
    read = [digest for digest in transactions if digest in batches]
    receipts = whole | await _known(pinned.fetch_outcomes, read)
    return transactions, receipts, batches | new_batches


async def _known(
    fetch: Callable[[Collection[str]], Awaitable[dict[str, T]]], hashes: Collection[str]
) -> dict[str, T]:
    """Everything that some endpoint knows: old transactions may not be indexed any more."""
    try:
        return await fetch(hashes)
    except TransactionNotFound as error:
        return await fetch([each for each in hashes if each not in error.hashes])
