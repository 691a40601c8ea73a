"""Facts in MongoDB: one document each, block times a thousand to a document."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pymongo import ReplaceOne, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

from common.chain.kept import Kind
from common.chain.store.log_pieces import USE_NOTED_AFTER
from common.chain.store.trunks import View
from common.chain.types import Block
from common.models import now_utc
from common.mongo_client import DUPLICATE_KEY

PAGE_BLOCKS = 1_000
NAMES_AT_ONCE = 1_000

_Write = UpdateOne | ReplaceOne[dict[str, Any]]


class Facts:
    """The kept facts of all chains."""

    def __init__(
        self, collection: AsyncCollection[dict[str, Any]], changeable_seconds: float
    ) -> None:
        """Facts that may change count for `changeable_seconds` after they were read."""
        self._collection = collection
        self._changeable_seconds = changeable_seconds

    async def find(
        self, chain_id: int, view: View, block: Block, kind: Kind, names: Collection[str]
    ) -> dict[str, Any]:
        """Facts by name that a run at `block` may use."""
        prefix = f"{chain_id}/{kind.name}/"
        found: dict[str, Any] = {}
        async for document in self._find_all([prefix + name for name in names]):
            if document["block"] > view.standing_to(document["branch"]):
                continue
            age_seconds = block.timestamp - document["at"]
            if kind.may_change and age_seconds >= self._changeable_seconds:
                continue
            found[document["_id"].removeprefix(prefix)] = json.loads(document["data"])
        return found

    async def keep(
        self,
        chain_id: int,
        view: View,
        block: Block,
        kind: Kind,
        facts: Mapping[str, Any],
        blocks: Mapping[str, int],
    ) -> None:
        """Keeps facts that hold from `blocks` on, or from `block` where that says nothing.

        What was kept at a newer block stays. Amounts of 256 bits survive as JSON text only.
        """
        branch, now = view.trunk.branch, now_utc()
        writes: list[_Write] = []
        for name, data in facts.items():
            number = blocks.get(name, block.number)
            replaceable = [
                {"branch": {"$lt": branch}},
                {"branch": branch, "block": {"$lte": number}},
            ]
            document = {
                "block": number,
                "branch": branch,
                "at": block.timestamp,
                "usedAt": now,
                "data": json.dumps(data),
            }
            wanted = {"_id": f"{chain_id}/{kind.name}/{name}", "$or": replaceable}
            writes.append(ReplaceOne(wanted, document, upsert=True))
        await self._write(writes)

    async def find_timestamps(
        self, chain_id: int, view: View, numbers: Collection[int]
    ) -> dict[int, int]:
        """Block times by number that a run may use."""
        pages = {number // PAGE_BLOCKS for number in numbers}
        wanted = set(numbers)
        found: dict[int, int] = {}
        async for document in self._find_all([_page_name(chain_id, page) for page in pages]):
            standing_to = view.standing_to(document["branch"])
            for offset, seconds in document["times"].items():
                number = document["block"] + int(offset)
                if number in wanted and number <= standing_to:
                    found[number] = seconds
        return found

    async def keep_timestamps(self, chain_id: int, view: View, times: Mapping[int, int]) -> None:
        """Keeps block times."""
        by_page: dict[int, dict[str, int]] = {}
        for number, seconds in times.items():
            page, offset = divmod(number, PAGE_BLOCKS)
            by_page.setdefault(page, {})[str(offset)] = seconds
        names = [_page_name(chain_id, page) for page in by_page]
        branches = {
            found["_id"]: found["branch"] async for found in self._find_all(names, {"branch": 1})
        }
        writes = [
            _page_write(view, page, name, branches.get(name), by_page[page])
            for page, name in zip(by_page, names, strict=True)
            if branches.get(name, 0) <= view.trunk.branch
        ]
        await self._write(writes)

    async def drop_void(self, chain_id: int, branch: int, above: int) -> None:
        """Drops what a reorg made void: facts above a block, of branches before `branch`."""
        await self._collection.delete_many(
            {
                "_id": {"$gte": f"{chain_id}/", "$lt": f"{chain_id}0"},  # "0" follows "/"
                "block": {"$gt": above},
                "branch": {"$lt": branch},
            }
        )

    async def _find_all(self, ids: Sequence[str], fields: Mapping[str, Any] | None = None) -> Any:
        recently = now_utc() - USE_NOTED_AFTER
        for some in _chunks(ids):
            long_unused: list[str] = []
            async for document in self._collection.find({"_id": {"$in": some}}, fields):
                if fields is None and document["usedAt"] < recently:
                    long_unused.append(document["_id"])
                yield document
            if long_unused:
                await self._collection.update_many(
                    {"_id": {"$in": long_unused}}, {"$set": {"usedAt": now_utc()}}
                )

    async def _write(self, writes: Sequence[_Write]) -> None:
        for some in _chunks(writes):
            try:
                await self._collection.bulk_write(some, ordered=False)
            except BulkWriteError as error:
                # a duplicate is a fact that another run has kept meanwhile, of a newer block
                if any(each["code"] != DUPLICATE_KEY for each in error.details["writeErrors"]):
                    raise


def _page_name(chain_id: int, page: int) -> str:
    return f"{chain_id}/time/{page:09d}"


def _page_write(
    view: View, page: int, name: str, present: int | None, times: Mapping[str, int]
) -> _Write:
    """Adds times to a page; one of an earlier branch is taken over if no reorg has touched it."""
    branch, first = view.trunk.branch, page * PAGE_BLOCKS
    fields = {"block": first, "branch": branch, "usedAt": now_utc()}
    is_whole = present is None or view.trunk.standing_to(present) >= first + PAGE_BLOCKS - 1
    if is_whole:
        known = branch if present is None else present
        changes = {**fields, **{f"times.{offset}": time for offset, time in times.items()}}
        return UpdateOne({"_id": name, "branch": known}, {"$set": changes}, upsert=present is None)
    return ReplaceOne({"_id": name, "branch": present}, {**fields, "times": dict(times)})


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), NAMES_AT_ONCE):
        yield values[start : start + NAMES_AT_ONCE]
