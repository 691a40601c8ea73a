"""Keeps digests of histories in MongoDB, as files of GridFS: they outgrow a document's 16 MB."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from gridfs.asynchronous import AsyncGridFSBucket
from gridfs.errors import CorruptGridFile, NoFile
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from common.chain.types import Address
from token_worker.analysis.digest import Digest
from token_worker.history.digest_packing import LAYOUT, pack_digest, unpack_digest
from token_worker.history.segments import Checkpoint

BUCKET = "coin_flow_digests"
CHUNK_BYTES = 4 << 20
ABANDONED_AFTER = timedelta(hours=1)
KEPT = 2
"""Digests of a history and variant: when a reorg takes the newest one, the one before serves."""
VARIANTS_KEPT = 4
"""Jobs with different thresholds on one token whose digests are kept."""


SMALLEST = 20_000
"""A history of fewer transfers is read and analysed as a whole in a moment."""


def is_due(transfers: int, digested: int) -> bool:
    """Tell whether a digest should be written after a run.

    One is large and serves for long: what came after it costs little.

    Args:
        transfers: Of the whole history.
        digested: Of the digest that the run rested on; 0 without one.
    """
    return transfers >= SMALLEST and transfers - digested >= max(SMALLEST, transfers // 50) // 2


class DigestStore:
    """Digests of one token on one chain.

    A digest is never changed. It can be seen once it has been written as a whole, and a reader that
    loses it to somebody's clearing up finds none.
    """

    def __init__(
        self, database: AsyncDatabase[dict[str, Any]], chain_id: int, token: Address, variant: str
    ) -> None:
        self._files = database[f"{BUCKET}.files"]
        self._chunks = database[f"{BUCKET}.chunks"]
        self._bucket = AsyncGridFSBucket(database, BUCKET, chunk_size_bytes=CHUNK_BYTES)
        self._history = f"{chain_id}:{token}"
        self._of_variant = {
            "metadata.history": self._history,
            "metadata.variant": f"{LAYOUT}:{variant}",
        }

    async def create_indexes(self) -> None:
        """Create what finding digests needs."""
        await self._files.create_index(
            [
                ("metadata.history", ASCENDING),
                ("metadata.variant", ASCENDING),
                ("metadata.blockNumber", DESCENDING),
            ]
        )

    async def find(self, up_to: int) -> AsyncIterator[tuple[ObjectId, Checkpoint]]:
        """Yield id and block of each digest of blocks up to a number, the newest first."""
        wanted = {**self._of_variant, "metadata.blockNumber": {"$lte": up_to}}
        async for file in self._files.find(wanted, sort=[("metadata.blockNumber", DESCENDING)]):
            metadata = file["metadata"]
            yield file["_id"], Checkpoint(metadata["blockNumber"], metadata["blockHash"])

    async def load(self, digest_id: ObjectId) -> Digest | None:
        """Return a digest; None when it is gone or was left incomplete."""
        try:
            stream = await self._bucket.open_download_stream(digest_id)
            data = await stream.read()
        except (NoFile, CorruptGridFile):
            return None
        return await asyncio.to_thread(unpack_digest, data)

    async def write(self, digest: Digest, block_hash: str) -> None:
        """Write a digest and delete the ones that it makes superfluous."""
        data = await asyncio.to_thread(pack_digest, digest)
        metadata = {
            "history": self._history,
            "variant": self._of_variant["metadata.variant"],
            "blockNumber": digest.block_number,
            "blockHash": block_hash,
        }
        await self._bucket.upload_from_stream(self._history, data, metadata=metadata)
        await self._clear_up()

    async def _clear_up(self) -> None:
        files = self._files.find(
            {"metadata.history": self._history}, sort=[("uploadDate", DESCENDING), ("_id", -1)]
        )
        seen: dict[str, int] = {}
        async for file in files:
            variant = file["metadata"]["variant"]
            if variant not in seen and len(seen) == VARIANTS_KEPT:
                seen[variant] = KEPT
            seen[variant] = seen.get(variant, 0) + 1
            if seen[variant] > KEPT:
                await self._delete(file["_id"])
        await self._delete_unfinished()

    async def _delete_unfinished(self) -> None:
        """Delete what a writer left that was killed: chunks of no file, an hour old or older."""
        files = set(await self._files.distinct("_id"))
        latest = datetime.now(UTC) - ABANDONED_AFTER
        for files_id in await self._chunks.distinct("files_id"):
            if files_id not in files and files_id.generation_time < latest:
                await self._chunks.delete_many({"files_id": files_id})

    async def _delete(self, digest_id: ObjectId) -> None:
        try:
            await self._bucket.delete(digest_id)
        except NoFile:
            return  # somebody else was faster
