"""Transactions and their receipts, in batches."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from common.chain.errors import ChainError
from common.chain.parsing import parse_receipt_logs, parse_transaction
from common.chain.rpc import Request, RpcClient
from common.chain.types import Log, Transaction

T = TypeVar("T")


async def fetch_transactions(rpc: RpcClient, hashes: Collection[str]) -> dict[str, Transaction]:
    """Reads mined transactions; every hash is in the answer.

    Raises:
        ChainError: One of them could not be read.
    """
    return await _fetch_by_hash(rpc, "eth_getTransactionByHash", hashes, parse_transaction)


async def fetch_transaction_logs(
    rpc: RpcClient, hashes: Collection[str]
) -> dict[str, tuple[Log, ...]]:
    """Reads the logs of mined transactions from their receipts; every hash is in the answer.

    Raises:
        ChainError: One of them could not be read.
    """
    return await _fetch_by_hash(rpc, "eth_getTransactionReceipt", hashes, parse_receipt_logs)


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
    for hash_, answer in zip(distinct, answers, strict=True):
        if isinstance(answer, ChainError):
            raise answer
        found[hash_] = answer
    return found
