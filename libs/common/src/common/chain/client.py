"""The way into a chain: `Chains` by id, and a `PinnedChain` for one run, fixed to one block."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import TypeVar

import aiohttp
from pydantic import SecretStr

from common.chain import codes, headers, state, transactions
from common.chain.block_times import BlockTimes
from common.chain.endpoint import REQUEST_TIMEOUT_SECONDS, Endpoint
from common.chain.errors import ChainError, UnknownChain
from common.chain.health import Endpoints
from common.chain.kept import Kept, NothingKept, Store
from common.chain.learnt import recall_endpoints, remember_endpoints
from common.chain.limits import UNLIMITED, Gates, RpcLimit
from common.chain.log_audit import LogMemory
from common.chain.logs import LogReader
from common.chain.parsing import parse_quantity
from common.chain.requests import Request
from common.chain.rpc import RpcClient
from common.chain.types import (
    Address,
    Block,
    Call,
    CallResult,
    Log,
    LogFilter,
    NewestLogs,
    Receipt,
    RpcStats,
    Transaction,
)

T = TypeVar("T")

_NOTHING = NothingKept()


class Chains:
    """All configured chains; one per process, closed at shutdown."""

    def __init__(
        self,
        rpc_urls: Mapping[int, Sequence[SecretStr | str]],
        default_chain_id: int,
        *,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
        store: Store | None = None,
        limits: Mapping[int, Sequence[RpcLimit]] | None = None,
        gates: Gates | None = None,
    ) -> None:
        """Chains by their endpoints' URLs.

        Args:
            rpc_urls: By chain id, in order of preference.
            default_chain_id: Of runs that name no chain.
            timeout_seconds: Of one request.
            store: Where what is final is kept; nothing is without one.
            limits: By chain id, one for each endpoint in order.
            gates: Who holds the limits; each process for itself without.
        """
        self._rpc_urls = rpc_urls
        self._default_chain_id = default_chain_id
        self._timeout_seconds = timeout_seconds
        self._store = store
        self._limits = limits or {}
        self._gates = gates
        self._chains: dict[int, Chain] = {}
        self._session: aiohttp.ClientSession | None = None

    async def get(self, chain_id: int | None = None) -> "Chain":
        """The chain with that id, or the default one.

        Raises:
            UnknownChain: No endpoint is configured for it.
        """
        wanted = self._default_chain_id if chain_id is None else chain_id
        if not self._rpc_urls.get(wanted):
            configured = ", ".join(str(known) for known in sorted(self._rpc_urls)) or "none"
            raise UnknownChain(
                f"no RPC endpoint is configured for chain {wanted} (configured: {configured}):"
                " add it to RPC_URLS"
            )
        if wanted not in self._chains:
            self._chains[wanted] = self._create_chain(wanted)
        return self._chains[wanted]

    async def close(self) -> None:
        """Closes all connections."""
        self._chains.clear()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _create_chain(self, chain_id: int) -> "Chain":
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(keepalive_timeout=60)
            )
        urls = self._rpc_urls[chain_id]
        limits = [*self._limits.get(chain_id, ()), *repeat(UNLIMITED, len(urls))]
        return Chain(
            Endpoints(
                chain_id,
                [
                    Endpoint(
                        url.get_secret_value() if isinstance(url, SecretStr) else url,
                        self._session,
                        position=position,
                        total=len(urls),
                        timeout_seconds=self._timeout_seconds,
                        limit=limits[position - 1],
                        gates=self._gates,
                    )
                    for position, url in enumerate(urls, start=1)
                ],
            ),
            self._store,
        )


class Chain:
    """Endpoints of one chain and what was learnt about them; shared by concurrent runs."""

    def __init__(self, endpoints: Endpoints, store: Store | None = None) -> None:
        self.chain_id = endpoints.chain_id
        self._endpoints = endpoints
        self._store = store
        self._multicall = state.MulticallMemory()
        self._log_memory = LogMemory()
        self._times = BlockTimes()

    async def pin(self, at_block: int | None = None) -> "PinnedChain":
        """Fixes a run to one block.

        That is the `finalized` one, or one that many confirmations below the head where the node
        refuses the tag, or `at_block` if it is not above that.

        Raises:
            BlockNotFinal: `at_block` is above the newest block that counts as final.
            ReorgDetected: Endpoints disagree on the block's hash.
            ChainError: The chain could not be read.
        """
        rpc = RpcClient(self._endpoints, RpcStats())
        newest, endpoint = await headers.fetch_final_block(rpc, self.chain_id)
        block = newest
        if at_block is not None:
            block, endpoint = await headers.fetch_block_at(rpc, at_block, newest)
        block, endpoint = await headers.agree_on_block(rpc, block, endpoint)
        rpc.pin(block, endpoint)
        kept: Kept = _NOTHING
        if self._store is not None:
            fetch = partial(headers.fetch_headers, rpc)
            kept = await self._store.open(self.chain_id, block, fetch)
            await recall_endpoints(self._endpoints.all, kept)
        return PinnedChain(
            self.chain_id,
            block,
            rpc,
            self._multicall,
            self._times_of(newest, kept),
            self._log_memory,
            kept,
        )

    def _times_of(self, newest: Block, kept: Kept) -> BlockTimes:
        """Where a run keeps block times: with the chain if they can never change."""
        if newest.tag != "finalized":
            return BlockTimes()
        self._times.follow(kept.branch)
        return self._times


class PinnedChain:
    """Reads of one run, all at `block`.

    Every method raises ChainError when the chain cannot be read: missing data is never zero and
    never a shorter list.

    Attributes:
        chain_id: EIP-155 chain id.
        block: The block of all reads.
        stats: What this run has asked for so far.
        kept: What earlier runs have read and is still true. The methods below use it by
            themselves; readers may keep small facts of their own kinds in it.
    """

    def __init__(
        self,
        chain_id: int,
        block: Block,
        rpc: RpcClient,
        multicall: state.MulticallMemory,
        times: BlockTimes,
        log_memory: LogMemory,
        kept: Kept = _NOTHING,
    ) -> None:
        self.chain_id = chain_id
        self.block = block
        self.stats = rpc.stats
        self.kept = kept
        self._rpc = rpc
        self._multicall = multicall
        self._times = times
        self._times.add({block.number: block.timestamp})
        self._logs = LogReader(rpc, block, times, log_memory, kept)

    async def fetch_logs(
        self,
        wanted: LogFilter,
        from_block: int = 0,
        to_block: int | None = None,
        *,
        keep: bool = True,
    ) -> list[Log]:
        """All logs of the filter in a range of blocks, ascending by (block, log index), each once.

        Args:
            wanted: The filter.
            from_block: First block.
            to_block: Last block, included; the pinned block by default and at most.
            keep: Look for them among what earlier runs have read, and keep what is new. A reader
                that keeps what it derives from them turns this off, so that they are not kept
                twice.

        Raises:
            AddressRequired: No endpoint serves a filter without an address.
            ValueError: The range is empty or ends above the pinned block.
        """
        last = self.block.number if to_block is None else to_block
        return await self._logs.fetch_logs(wanted, from_block, last, self._kept_if(keep))

    def stream_logs(
        self,
        wanted: LogFilter,
        from_block: int = 0,
        to_block: int | None = None,
        *,
        keep: bool = True,
    ) -> AsyncIterator[list[Log]]:
        """The same as `fetch_logs` in pages, for more logs than fit into memory.

        Pages are ascending; each holds about 25,000 logs, or those of 64 answers if that is less.

        Raises:
            AddressRequired: No endpoint serves a filter without an address.
            ValueError: The range is empty or ends above the pinned block.
        """
        last = self.block.number if to_block is None else to_block
        return self._logs.stream_logs(wanted, from_block, last, self._kept_if(keep))

    async def fetch_newest_logs(
        self, wanted: LogFilter, limit: int, *, keep: bool = True
    ) -> NewestLogs:
        """The newest whole blocks that hold at least `limit` logs, or all logs there are."""
        return await self._logs.fetch_newest_logs(wanted, limit, self._kept_if(keep))

    def _kept_if(self, keep: bool) -> Kept:
        return self.kept if keep else _NOTHING

    async def call_many(self, calls: Sequence[Call]) -> list[CallResult]:
        """Answers of all calls in their order; a call that reverts is a result, not an error."""
        return await state.call_many(self._rpc, self.block, calls, self._multicall)

    async def call_batch(self, requests: Sequence[Request[T]]) -> list[T | ChainError]:
        """Answers of calls that no other method makes, in their order; a refused one has its error.

        For one method at a time. They may concern blocks below the pinned one, never above it.

        Raises:
            ChainError: Some call could not be answered at all.
        """
        return await self._rpc.call_batch(requests)

    async def fetch_balance(self, address: Address) -> int:
        """Native balance in wei."""
        return await self._rpc.call(
            Request("eth_getBalance", (address, self.block), parse_quantity)
        )

    async def fetch_nonce(self, address: Address) -> int:
        """Number of transactions sent (for a contract: contracts created, from 1)."""
        return await self._rpc.call(
            Request("eth_getTransactionCount", (address, self.block), parse_quantity)
        )

    async def fetch_code(self, address: Address) -> str:
        """Code as hex; `0x` for a plain account."""
        return (await self.fetch_codes([address]))[address]

    async def fetch_codes(self, addresses: Collection[Address]) -> dict[Address, str]:
        """Code of each address as hex, `0x` for plain accounts."""
        return await codes.fetch_codes(self._rpc, self.block, addresses, self.kept)

    async def fetch_timestamps(self, block_numbers: Collection[int]) -> dict[int, int]:
        """Unix seconds of each block."""
        return await headers.fetch_timestamps(self._rpc, self._times, block_numbers, self.kept)

    async def is_on_chain(self, number: int, hash_: str) -> bool:
        """Whether the block of this number, not above the pinned one, has a hash.

        Who keeps what was read up to a block asks it first: no reorg below has happened then.
        """
        if number == self.block.number:
            return hash_ == self.block.hash
        [header] = await headers.fetch_headers(self._rpc, [number])
        return header is not None and header.hash == hash_

    async def fetch_transactions(
        self, hashes: Collection[str], *, keep: bool = True
    ) -> dict[str, Transaction]:
        """Mined transactions by hash; every hash is in the answer. `keep` as in `fetch_logs`.

        Raises:
            TransactionNotFound: No endpoint knows some of them; its `hashes` says which.
        """
        return await transactions.fetch_transactions(self._rpc, hashes, self._kept_if(keep))

    async def fetch_outcomes(self, hashes: Collection[str]) -> dict[str, Receipt]:
        """Receipts of mined transactions without their logs; every hash is in the answer.

        Raises:
            TransactionNotFound: No endpoint knows some of them; its `hashes` says which.
        """
        return await transactions.fetch_outcomes(self._rpc, hashes, self.kept)

    async def fetch_receipts(self, hashes: Collection[str]) -> dict[str, Receipt]:
        """Receipts of mined transactions by hash, read with their logs, kept without.

        Raises:
            TransactionNotFound: No endpoint knows some of them; its `hashes` says which.
        """
        return await transactions.fetch_receipts(self._rpc, hashes, self.kept)

    async def fetch_transaction_logs(self, hashes: Collection[str]) -> dict[str, tuple[Log, ...]]:
        """All logs of each transaction, from its receipt; every hash is in the answer.

        Nothing of them is kept.
        """
        receipts = await transactions.fetch_receipts(self._rpc, hashes, _NOTHING)
        return {hash_: receipt.logs for hash_, receipt in receipts.items()}

    async def confirm(self) -> None:
        """Checks that the pinned block is still part of the chain; call it after the last read.

        Raises:
            ReorgDetected: Another block has taken its place: nothing read is worth keeping.
        """
        await headers.confirm_block(self._rpc, self.block)
        await remember_endpoints(self._rpc.endpoints.all, self.kept)
