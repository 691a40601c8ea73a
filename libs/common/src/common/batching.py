"""Gathers what many tasks ask for at the same time into one call."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Batcher(Generic[ItemT, ResultT]):
    """Hands items on together: those that arrive during one call make up the next.

    A single item is handed on at once, so that batching adds no waiting where there is no load.
    """

    def __init__(
        self,
        handle: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]],
        most: int,
        pause_seconds: float = 0.0,
    ) -> None:
        """Hand items to `handle`, at most `most` at once; it returns one result for each.

        The next call follows `pause_seconds` after the end of one that was not full, so that under
        load there are fewer calls.
        """
        self._handle = handle
        self._most = most
        self._pause_seconds = pause_seconds
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, item: ItemT) -> ResultT:
        """Return the result of `item`; raise what the call that it was part of raised.

        A caller that is cancelled does not take its item back.
        """
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await result

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._hand_on(batch)
                if self._pause_seconds and len(batch) < self._most:
                    await asyncio.sleep(self._pause_seconds)
        finally:
            self._worker = None

    async def _hand_on(self, batch: list[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        try:
            results = await self._handle([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # it belongs to those who asked
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
