"""What earlier runs have read of a wallet, kept in MongoDB, so that a run reads only what is new.

One document is the head: the blocks up to which everything is kept, each with its hash. The others
are facts below the newest of them: logs, transactions with receipts, block times, token metadata.
All are written in one transaction with the head, so a reader never sees half of a run. A head whose
block is no longer part of the chain is cut back to the newest one that is, with all facts above it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pymongo import ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.requests import block_request
from common.chain.types import Address, Block, Log, LogFilter, Receipt, TokenMetadata, Transaction
from wallet_worker.checkpoints import Checkpoint, thinned
from wallet_worker.models import NativeSearch, Payment, Probe, TokenId

COLLECTION = "wallet_index"
METADATA_TTL_SECONDS = 30 * 86_400
"""Names and decimals of upgradeable tokens may change: they are read again after this time."""


@dataclass(slots=True)
class Facts:
    """What was read: everything that is the same whenever it is read again.

    Attributes:
        logs: In any order.
        transactions: By hash.
        receipts: By hash, without their logs.
        timestamps: Unix seconds by block.
        metadata: By contract.
        implementations: Of proxies, None for other contracts.
        probes: Balances around the last arrival, by contract.
        batches: Transfers in each transaction by contract, where they were many; empty for others.
        uris: Of token ids.
        native: What searches for transactions by account have found.
        native_to: Last block of those searches, -1 for none.
    """

    logs: list[Log] = field(default_factory=list)
    transactions: dict[str, Transaction] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    timestamps: dict[int, int] = field(default_factory=dict)
    metadata: dict[Address, TokenMetadata] = field(default_factory=dict)
    implementations: dict[Address, Address | None] = field(default_factory=dict)
    probes: dict[Address, tuple[int, Probe]] = field(default_factory=dict)
    batches: dict[str, dict[Address, int]] = field(default_factory=dict)
    uris: dict[TokenId, str | None] = field(default_factory=dict)
    native: NativeSearch | None = None
    native_to: int = -1


def index_key(chain_id: int, wallet: Address, filters: Sequence[LogFilter]) -> str:
    """Return the name of what is kept for a wallet; other filters find other logs."""
    digest = hashlib.sha256(repr(filters).encode()).hexdigest()[:8]
    return f"{chain_id}:{wallet}:{digest}"


class _Superseded(Exception):  # noqa: N818 - not an error: another run was faster
    """Another run has written in the meantime."""


class WalletIndex:
    """The kept facts of one wallet on one chain.

    Attributes:
        facts: What is known up to `covered_to`.
        covered_to: Last block whose logs are kept, -1 for none.
    """

    def __init__(self, database: AsyncDatabase[dict[str, Any]], key: str) -> None:
        """Use the facts under `key`, which names chain, wallet and kinds of events."""
        self._database = database
        self._collection = database[COLLECTION]
        self._key = key
        self._revision = 0
        self._checkpoints: list[Checkpoint] = []
        self.facts = Facts()
        self.covered_to = -1

    async def load(self, pinned: PinnedChain) -> None:
        """Find what is kept up to the pinned block, after checking that it is still true.

        Raises:
            ChainError: The chain could not be read.
        """
        head = await self._collection.find_one({"_id": self._key})
        if head is None:
            return
        self._revision = head["revision"]
        self._checkpoints = [Checkpoint(number, digest) for number, digest in head["checkpoints"]]
        below = [each for each in self._checkpoints if each.number <= pinned.block.number]
        standing = await _newest_standing(pinned, below)
        if below and standing != below[-1]:
            await self._cut_back(standing)
        self.covered_to = standing.number if standing else -1
        async for document in self._collection.find(
            {"_id": self._fact_ids, "block": {"$lte": self.covered_to}}
        ):
            self._add(document, pinned.block)

    async def save(self, block: Block, new: Facts) -> None:
        """Keep what a run has read in addition; everything up to `block` is covered then.

        A run that another one has overtaken writes nothing: what it read is kept already, or will
        be read again.
        """
        checkpoints = self._checkpoints
        if not checkpoints or checkpoints[-1].number < block.number:
            checkpoints = thinned([*checkpoints, Checkpoint(block.number, block.hash)])
        documents = [
            each
            for each in _documents(self._key, new, block)
            if each["block"] <= checkpoints[-1].number
        ]
        if documents or checkpoints != self._checkpoints:
            await self._commit(checkpoints, documents, delete_above=None)

    async def _cut_back(self, standing: Checkpoint | None) -> None:
        number = standing.number if standing else -1
        kept = [each for each in self._checkpoints if each.number <= number]
        await self._commit(kept, [], delete_above=number)

    async def _commit(
        self,
        checkpoints: list[Checkpoint],
        documents: list[dict[str, Any]],
        delete_above: int | None,
    ) -> None:
        async def write(session: AsyncClientSession) -> None:
            changed = await self._collection.update_one(
                {"_id": self._key, "revision": self._revision},
                {
                    "$set": {"checkpoints": [[each.number, each.hash] for each in checkpoints]},
                    "$inc": {"revision": 1},
                },
                upsert=self._revision == 0,
                session=session,
            )
            if not changed.modified_count and changed.upserted_id is None:
                raise _Superseded
            if delete_above is not None:
                await self._collection.delete_many(
                    {"_id": self._fact_ids, "block": {"$gt": delete_above}}, session=session
                )
            if documents:
                writes = [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in documents]
                await self._collection.bulk_write(writes, ordered=False, session=session)

        async with self._database.client.start_session() as session:
            try:
                await session.with_transaction(write)
            except (_Superseded, DuplicateKeyError):
                return
        self._revision += 1
        self._checkpoints = checkpoints

    @property
    def _fact_ids(self) -> dict[str, str]:
        return {"$gt": f"{self._key}/", "$lt": f"{self._key}0"}  # "0" follows "/"

    def _add(self, document: Mapping[str, Any], pinned: Block) -> None:
        kind, name = document["_id"].removeprefix(f"{self._key}/").split("/")
        data = json.loads(document["data"])
        facts = self.facts
        if kind == "log":
            facts.logs.append(Log(data[0], tuple(data[1]), *data[2:]))
        elif kind == "transaction":
            facts.transactions[name] = Transaction(**data)
        elif kind == "receipt":
            facts.receipts[name] = Receipt(**{**data, "logs": ()})
        elif kind == "time":
            facts.timestamps[int(name)] = data
        elif kind == "probe":
            facts.probes[Address(name)] = (document["block"], Probe(*data))
        elif kind == "batch":
            facts.batches[name] = {Address(each): count for each, count in data.items()}
        elif kind == "search":
            facts.native = _native_search(data)
            facts.native_to = document["block"]
        elif pinned.timestamp - data["read_at"] >= METADATA_TTL_SECONDS:
            return
        elif kind == "uri":
            contract, token_id = name.split("-")
            facts.uris[Address(contract), int(token_id)] = data["uri"]
        elif kind == "proxy":
            facts.implementations[Address(name)] = data["implementation"]
        else:
            facts.metadata[Address(name)] = TokenMetadata(**data["metadata"])


def _documents(key: str, new: Facts, block: Block) -> list[dict[str, Any]]:
    """One document for each fact; amounts of 256 bits survive as JSON text only."""

    def document(name: str, number: int, data: Any) -> dict[str, Any]:
        return {"_id": f"{key}/{name}", "block": number, "data": json.dumps(data)}

    return [
        *(
            document(
                f"log/{each.block_number:012d}-{each.log_index}",
                each.block_number,
                [
                    each.address,
                    each.topics,
                    each.data,
                    each.block_number,
                    each.block_hash,
                    each.transaction_hash,
                    each.transaction_index,
                    each.log_index,
                ],
            )
            for each in new.logs
        ),
        *(
            document(f"transaction/{digest}", each.block_number, asdict(each))
            for digest, each in new.transactions.items()
        ),
        *(
            document(f"receipt/{digest}", each.block_number, {**_shallow(each), "logs": []})
            for digest, each in new.receipts.items()
        ),
        *(
            document(f"batch/{digest}", new.receipts[digest].block_number, each)
            for digest, each in new.batches.items()
        ),
        *(
            document(
                f"uri/{contract}-{token_id}",
                block.number,
                {"read_at": block.timestamp, "uri": each},
            )
            for (contract, token_id), each in new.uris.items()
        ),
        *(document(f"time/{number}", number, time) for number, time in new.timestamps.items()),
        *(
            document(
                f"token/{contract}",
                block.number,
                {"read_at": block.timestamp, "metadata": asdict(each)},
            )
            for contract, each in new.metadata.items()
        ),
        *(
            document(
                f"proxy/{contract}",
                block.number,
                {"read_at": block.timestamp, "implementation": each},
            )
            for contract, each in new.implementations.items()
        ),
        *(
            document(f"probe/{contract}", number, [each.before, each.after])
            for contract, (number, each) in new.probes.items()
        ),
        *([document("search/native", block.number, asdict(new.native))] if new.native else []),
    ]


def _native_search(data: Mapping[str, Any]) -> NativeSearch:
    settled = data.get("settled")
    return NativeSearch(
        data["source"],
        {digest: (place[0], place[1]) for digest, place in data["places"].items()},
        data["complete_from"],
        data["misses_valueless"],
        tuple(Payment(**each) for each in data.get("payments", ())),
        None if settled is None else (settled[0], settled[1]),
    )


def _shallow(receipt: Receipt) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in Receipt.__slots__ if name != "logs"}


async def _newest_standing(pinned: PinnedChain, checkpoints: list[Checkpoint]) -> Checkpoint | None:
    """The newest checkpoint that is still part of the chain; the newest of all in one call."""
    if not checkpoints:
        return None
    newest = checkpoints[-1]
    if newest.number == pinned.block.number:
        if newest.hash == pinned.block.hash:
            return newest
    elif await _stands(pinned, [newest]) == [True]:
        return newest
    older = checkpoints[:-1]
    standing = await _stands(pinned, older)
    return next(
        (each for each, stands in zip(older[::-1], standing[::-1], strict=True) if stands), None
    )


async def _stands(pinned: PinnedChain, checkpoints: list[Checkpoint]) -> list[bool]:
    answers = await pinned.call_batch([block_request(each.number) for each in checkpoints])
    for answer in answers:
        if isinstance(answer, ChainError):
            raise answer
    return [
        isinstance(answer, Block) and answer.hash == each.hash
        for answer, each in zip(answers, checkpoints, strict=True)
    ]
