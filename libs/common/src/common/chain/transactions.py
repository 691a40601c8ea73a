"""Transactions and their receipts, in batches."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from common.chain.errors import ChainError, TransactionNotFound
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.transaction_parsing import parse_receipt, parse_transaction
from common.chain.types import Receipt, Transaction

T = TypeVar("T")


async def fetch_transactions(rpc: RpcClient, hashes: Collection[str]) -> dict[str, Transaction]:
    """Reads mined transactions; every hash is in the answer.

    Raises:
        TransactionNotFound: No endpoint knows some of them.
        ChainError: One of them could not be read.
    """
    return await _fetch_by_hash(rpc, "eth_getTransactionByHash", hashes, parse_transaction)


async def fetch_receipts(rpc: RpcClient, hashes: Collection[str]) -> dict[str, Receipt]:
    """Reads the receipts of mined transactions; every hash is in the answer.

    Raises:
        TransactionNotFound: No endpoint knows some of them.
        ChainError: One of them could not be read.
    """
    return await _fetch_by_hash(rpc, "eth_getTransactionReceipt", hashes, parse_receipt)


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
