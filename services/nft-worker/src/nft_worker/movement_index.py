"""Movements kept in MongoDB between runs, so that each transaction is read from the chain once.

One document a transaction, named by its place on the chain: writing it again changes nothing. What
is covered is told by one document a scope, and only after all its transactions are there, with the
hash of the last block: where the chain has another one there, nothing that is kept is believed.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import BulkWriteError, DuplicateKeyError

from common.chain.types import Address
from common.garbage import paused_collection
from common.mongo_client import DUPLICATE_KEY
from nft_worker.kept import FORMAT, KeptTransaction, document_of, transaction_of

TRANSACTIONS = "nft_movement_index"
COVERAGE = "nft_movement_coverage"
DOCUMENTS_PER_WRITE = 1_000
TOKENS_PER_QUERY = 1_000
DOCUMENTS_PER_ANSWER = 1_000
"""Of the newest: each is up to a kilobyte, and what lies below the window is read for nothing."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Blocks whose transactions are all kept, both ends included.

    Attributes:
        last_hash: Of the last block.
    """

    first_block: int
    last_block: int
    last_hash: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A block and its Unix seconds."""

    block: int
    seconds: int


class MovementIndex:
    """The kept transactions of one collection, or of some of its tokens."""

    def __init__(
        self,
        database: AsyncDatabase[dict[str, Any]],
        chain_id: int,
        collection: Address,
        token_ids: Sequence[str] | None,
    ) -> None:
        self._transactions = database[TRANSACTIONS]
        self._coverage = database[COVERAGE]
        chosen = "all"
        if token_ids is not None:
            chosen = hashlib.sha256(",".join(sorted(set(token_ids))).encode()).hexdigest()[:16]
        self._scope = f"{FORMAT}:{chain_id}:{collection}:{chosen}"

    async def find_coverage(self) -> Coverage | None:
        """Return what is kept, or None for nothing."""
        found = await self._coverage.find_one({"_id": self._scope})
        if found is None:
            return None
        return Coverage(found["firstBlock"], found["lastBlock"], found["lastHash"])

    async def find_newest(self, first: int, limit: int) -> list[KeptTransaction]:
        """Return the newest transactions, in the order of the chain.

        These are the whole blocks that hold `limit` transfer logs, and one transaction below if
        there is one not before block `first`.
        """
        cursor = (
            self._transactions.find(self._between(first))
            .sort("_id", DESCENDING)
            .batch_size(DOCUMENTS_PER_ANSWER)
        )
        newest: list[KeptTransaction] = []
        held = 0
        with paused_collection():
            async for document in cursor:
                newest.append(transaction_of(document))
                if held >= limit and document["block"] < newest[-2].block_number:
                    break
                held += document["logs"]
        return newest[::-1]

    async def find_earlier(
        self, token_ids: Iterable[int], before: Moment, since_seconds: float
    ) -> list[KeptTransaction]:
        """Return transactions that moved some tokens before a block and not before a moment.

        Args:
            token_ids: The tokens.
            before: The block, with its time: no earlier one has a later.
            since_seconds: The moment, in Unix seconds.
        """
        wanted = sorted(map(str, token_ids))
        with paused_collection():
            answers = await asyncio.gather(
                *(
                    self._transactions.find(
                        {
                            "scope": self._scope,
                            "tokens": {"$in": wanted[start : start + TOKENS_PER_QUERY]},
                            "seconds": {"$gte": since_seconds, "$lte": before.seconds},
                            "block": {"$lt": before.block},
                        }
                    ).to_list()
                    for start in range(0, len(wanted), TOKENS_PER_QUERY)
                )
            )
            found = {document["_id"]: document for answer in answers for document in answer}
            return [transaction_of(found[name]) for name in sorted(found)]

    async def keep(
        self, transactions: Sequence[KeptTransaction], since: int, covered: Coverage
    ) -> None:
        """Keep transactions, then tell that a range is covered.

        A range that does not join what is covered already takes its place only when it is newer.

        Args:
            transactions: All from block `since` to the last one covered.
            since: First block of which they are.
            covered: The range.
        """
        await self._transactions.create_index(
            [("scope", ASCENDING), ("tokens", ASCENDING), ("seconds", ASCENDING)]
        )
        await self._drop_others(transactions, since, covered.last_block)
        for start in range(0, len(transactions), DOCUMENTS_PER_WRITE):
            some = transactions[start : start + DOCUMENTS_PER_WRITE]
            await self._write([self._document(transaction) for transaction in some])
        await self._cover(covered)

    async def discard(self) -> None:
        """Forget everything: it is no longer what the chain says."""
        await self._coverage.delete_one({"_id": self._scope})
        await self._transactions.delete_many(self._between(0))

    async def _drop_others(
        self, transactions: Sequence[KeptTransaction], since: int, last: int
    ) -> None:
        """Drop what was kept in a range of blocks, of a fork that is no more.

        A run that ended before it told what it covers has left it.
        """
        cursor = self._transactions.find(self._between(since, last), {"_id": 1})
        present = {found["_id"] async for found in cursor}
        others = present - set(map(self._name, transactions))
        if others:
            await self._transactions.delete_many({"_id": {"$in": sorted(others)}})

    async def _write(self, documents: Sequence[dict[str, Any]]) -> None:
        """Insert documents, and replace those that are there: an insert costs a tenth of the other.

        What is there was kept by a run that ended before it told so, perhaps of another fork.
        """
        try:
            await self._transactions.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            refused = error.details["writeErrors"]
            if any(each["code"] != DUPLICATE_KEY for each in refused):
                raise
            present = [documents[each["index"]] for each in refused]
            await self._transactions.bulk_write(
                [ReplaceOne({"_id": each["_id"]}, each, upsert=True) for each in present],
                ordered=False,
            )

    async def _cover(self, covered: Coverage) -> None:
        known = await self.find_coverage()
        if known is None:
            try:
                await self._coverage.insert_one({"_id": self._scope, **_fields(covered)})
            except DuplicateKeyError:
                return  # another attempt was first; the next run goes on from there
            return
        if covered.last_block < known.last_block:
            return
        merged = covered
        if known.first_block < covered.first_block <= known.last_block + 1:
            merged = replace(covered, first_block=known.first_block)
        await self._coverage.update_one(
            {"_id": self._scope, **_fields(known)}, {"$set": _fields(merged)}
        )

    def _document(self, kept: KeptTransaction) -> dict[str, Any]:
        return {"_id": self._name(kept), "scope": self._scope, **document_of(kept)}

    def _name(self, kept: KeptTransaction) -> str:
        return f"{self._scope}:{kept.block_number:012d}:{kept.transaction_index:06d}"

    def _between(self, first: int, last: int | None = None) -> dict[str, Any]:
        after = "a" if last is None else f"{last + 1:012d}"
        return {"_id": {"$gte": f"{self._scope}:{first:012d}", "$lt": f"{self._scope}:{after}"}}


def _fields(covered: Coverage) -> dict[str, Any]:
    return {
        "firstBlock": covered.first_block,
        "lastBlock": covered.last_block,
        "lastHash": covered.last_hash,
    }
