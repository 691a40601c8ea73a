"""The trunk of each chain in MongoDB, and which part of it a run may trust."""

from dataclasses import dataclass, replace
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError

from common.chain.kept import FetchHeaders
from common.chain.store.branches import Checkpoint, Cut, Trunk
from common.chain.types import Block

ROUNDS = 4
"""Other runs may change the trunk at the same time: so often it is looked at again."""


@dataclass(frozen=True, slots=True)
class View:
    """What one run may use of the store.

    Attributes:
        trunk: As it was when the run began, all of it part of the run's chain.
        readable_to: Last block of data that the run may use.
        is_writable: The run's block and the newest checkpoint are on one chain.
    """

    trunk: Trunk
    readable_to: int
    is_writable: bool

    def standing_to(self, branch: int) -> float:
        """Last block up to which the run may use data of a branch."""
        return min(self.readable_to, self.trunk.standing_to(branch))


class Trunks:
    """Reads and changes trunks; every change names the revision that it replaces."""

    def __init__(self, collection: AsyncCollection[dict[str, Any]]) -> None:
        self._collection = collection

    async def find(self, chain_id: int) -> Trunk:
        """The trunk of a chain; a new one where nothing is kept."""
        found = await self._collection.find_one({"_id": chain_id})
        return Trunk() if found is None else _trunk(found)

    async def replace(self, chain_id: int, old: Trunk, new: Trunk) -> bool:
        """Changes a trunk, and tells whether it still was the old one."""
        document = _document(new)
        if not old.revision:
            try:
                await self._collection.insert_one({"_id": chain_id, **document})
            except DuplicateKeyError:
                return False
            return True
        changed = await self._collection.update_one(
            {"_id": chain_id, "revision": old.revision}, {"$set": document}
        )
        return changed.modified_count == 1

    async def open(self, chain_id: int, block: Block, fetch: FetchHeaders) -> tuple[View, bool]:
        """Checks the newest checkpoint, and cuts off what a reorg has made void.

        Returns:
            What a run at `block` may use, and whether something was cut off by it.

        Raises:
            ChainError: The chain could not be read.
        """
        is_cut = False
        for _ in range(ROUNDS):
            trunk = await self.find(chain_id)
            if trunk.newest is None or await _stands(trunk.newest, block, fetch):
                return View(trunk, block.number, is_writable=True), is_cut
            standing, is_ahead = await _newest_standing(trunk, block, fetch)
            if is_ahead:
                readable_to = standing.number if standing else -1
                return View(trunk, readable_to, is_writable=False), is_cut
            shortened = trunk.cut_above(standing)
            if await self.replace(chain_id, trunk, shortened):
                is_cut = True
        return View(await self.find(chain_id), -1, is_writable=False), is_cut

    async def mark(self, chain_id: int, block: Block, view: View, fetch: FetchHeaders) -> View:
        """Makes the run's block a checkpoint, so that a reorg of it will be found.

        Returns:
            The view, no longer writable where a reorg was repaired meanwhile.

        Raises:
            ChainError: The chain could not be read.
        """
        trunk = view.trunk
        for _ in range(ROUNDS):
            newest = trunk.newest
            if newest is not None and newest.number >= block.number:
                return view
            marked = trunk.with_checkpoint(Checkpoint(block.number, block.hash))
            if await self.replace(chain_id, trunk, marked):
                return replace(view, trunk=marked)
            trunk = await self.find(chain_id)
            is_same = trunk.branch == view.trunk.branch and trunk.newest is not None
            if not (is_same and await _stands(trunk.newest, block, fetch)):
                break
            view = replace(view, trunk=trunk)
        return replace(view, is_writable=False)


async def _stands(checkpoint: Checkpoint | None, block: Block, fetch: FetchHeaders) -> bool:
    """Whether a checkpoint and the run's block are on one chain, in one request at most."""
    if checkpoint is None:
        return True
    if checkpoint.number == block.number:
        return checkpoint.hash == block.hash
    numbers = [checkpoint.number]
    if checkpoint.number > block.number:
        numbers.append(block.number)  # nothing else says that ours is an ancestor
    expected = [checkpoint.hash, block.hash][: len(numbers)]
    return [header and header.hash for header in await fetch(numbers)] == expected


async def _newest_standing(
    trunk: Trunk, block: Block, fetch: FetchHeaders
) -> tuple[Checkpoint | None, bool]:
    """The newest checkpoint that is part of the chain.

    With it, whether the newest of all is only ahead of what the endpoint has, and no reorg is
    certain.
    """
    checkpoints = trunk.checkpoints
    headers = await fetch([each.number for each in checkpoints])
    standing = [
        each
        for each, header in zip(checkpoints, headers, strict=True)
        if header is not None and header.hash == each.hash
    ]
    is_replaced = any(
        header is not None and header.hash != each.hash
        for each, header in zip(checkpoints, headers, strict=True)
    )
    below = [each for each in standing if each.number <= block.number]
    newest = below[-1] if not is_replaced and below else None
    if is_replaced:
        return (standing[-1] if standing else None), False
    return newest, True


def _trunk(document: dict[str, Any]) -> Trunk:
    return Trunk(
        document["revision"],
        document["branch"],
        tuple(Checkpoint(*each) for each in document["checkpoints"]),
        tuple(Cut(*each) for each in document["cuts"]),
    )


def _document(trunk: Trunk) -> dict[str, Any]:
    return {
        "revision": trunk.revision,
        "branch": trunk.branch,
        "checkpoints": [[each.number, each.hash] for each in trunk.checkpoints],
        "cuts": [[each.branch, each.above] for each in trunk.cuts],
    }
