"""Transactions and their receipts, in batches."""

from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from typing import Any, TypeVar

from common.chain.errors import ChainError, TransactionNotFound
from common.chain.kept import RECEIPT, TRANSACTION, Kept
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.transaction_parsing import parse_receipt, parse_transaction
from common.chain.types import Receipt, Transaction

T = TypeVar("T")


async def fetch_transactions(
    rpc: RpcClient, hashes: Collection[str], kept: Kept
) -> dict[str, Transaction]:
    """Reads mined transactions, as far as they are not kept; every hash is in the answer.

    Raises:
        TransactionNotFound: No endpoint knows some of them.
        ChainError: One of them could not be read.
    """
    earlier = await kept.find_facts(TRANSACTION, hashes)
    found = {hash_: Transaction(**fields) for hash_, fields in earlier.items()}
    unknown = [hash_ for hash_ in hashes if hash_ not in found]
    new = await _fetch_by_hash(rpc, "eth_getTransactionByHash", unknown, parse_transaction)
    await kept.keep_facts(
        TRANSACTION,
        {hash_: asdict(each) for hash_, each in new.items()},
        {hash_: each.block_number for hash_, each in new.items()},
    )
    both = found | new
    return {hash_: both[hash_] for hash_ in hashes}


async def fetch_outcomes(rpc: RpcClient, hashes: Collection[str], kept: Kept) -> dict[str, Receipt]:
    """Reads receipts without their logs, as far as they are not kept; every hash is in the answer.

    Raises:
        TransactionNotFound: No endpoint knows some of them.
        ChainError: One of them could not be read.
    """
    earlier = await kept.find_facts(RECEIPT, hashes)
    found = {hash_: Receipt(**fields, logs=()) for hash_, fields in earlier.items()}
    unknown = [hash_ for hash_ in hashes if hash_ not in found]
    new = await fetch_receipts(rpc, unknown, kept)
    both = found | {hash_: replace(receipt, logs=()) for hash_, receipt in new.items()}
    return {hash_: both[hash_] for hash_ in hashes}


async def fetch_receipts(rpc: RpcClient, hashes: Collection[str], kept: Kept) -> dict[str, Receipt]:
    """Reads the receipts of mined transactions; every hash is in the answer.

    All but their logs is kept.

    Raises:
        TransactionNotFound: No endpoint knows some of them.
        ChainError: One of them could not be read.
    """
    receipts = await _fetch_by_hash(rpc, "eth_getTransactionReceipt", hashes, parse_receipt)
    await kept.keep_facts(
        RECEIPT,
        {hash_: _without_logs(receipt) for hash_, receipt in receipts.items()},
        {hash_: receipt.block_number for hash_, receipt in receipts.items()},
    )
    return receipts


def _without_logs(receipt: Receipt) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in Receipt.__slots__ if name != "logs"}


async def _fetch_by_hash(
    rpc: RpcClient,
    method: str,
    hashes: Collection[str],
    parser_of: Callable[[str], Callable[[Any], T]],
) -> dict[str, T]:
    distinct = list(dict.fromkeys(hashes))
    answers = await rpc.call_batch(
        [Request(method, (hash_,), parser_of(hash_)) for hash_ in distinct]
    )
    found: dict[str, T] = {}
    unknown: list[TransactionNotFound] = []
    for hash_, answer in zip(distinct, answers, strict=True):
        if isinstance(answer, TransactionNotFound):
            unknown.append(answer)
        elif isinstance(answer, ChainError):
            raise answer
        else:
            found[hash_] = answer
    if unknown:
        missing = frozenset[str]().union(*(error.hashes for error in unknown))
        raise TransactionNotFound(f"{unknown[0]}; {len(missing)} in all", missing)
    return found
