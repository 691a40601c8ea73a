"""Faults between a scheduler and its servers: it crashes or freezes at any write it makes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from tests.integration.engine_data import Database

MONGO_WRITES = frozenset(
    {"insert_one", "insert_many", "update_one", "update_many", "bulk_write", "delete_one"}
)
TORN_WRITES = frozenset({"insert_many", "bulk_write"})
REDIS_READS = frozenset({"GET", "PING", "XINFO GROUPS", "XINFO STREAM", "XPENDING"})


class Crash(BaseException):
    """Stands for SIGKILL: no handler of errors sees it."""


class FaultKind(Enum):
    """What happens at a write."""

    CRASH_BEFORE = "crash before"
    CRASH_HALF_WAY = "crash half-way"
    CRASH_AFTER = "crash after"
    FREEZE_BEFORE = "freeze before"


@dataclass(frozen=True)
class Fault:
    """What is to happen, and how many writes are let through before."""

    kind: FaultKind
    after: int


class Fuse:
    """Lets the writes of one replica through, until a fault is armed and its write has come."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._passed = 0
        self._thawed = asyncio.Event()
        self.frozen = asyncio.Event()

    def arm(self, fault: Fault | None) -> None:
        """Let `fault` happen from now on; None takes back what has not happened."""
        self._fault, self._passed = fault, 0

    def thaw(self) -> None:
        """Let a frozen replica go on."""
        self.frozen.clear()
        self._thawed.set()

    async def write(
        self, whole: Callable[[], Awaitable[Any]], half: Callable[[], Awaitable[Any]] | None = None
    ) -> Any:
        """Do a write, or have the fault happen; `half` does a part of it."""
        fault = self._fault
        if fault is None or self._passed < fault.after:
            self._passed += 1
            return await whole()
        self._fault = None
        if fault.kind is FaultKind.FREEZE_BEFORE:
            self._thawed.clear()
            self.frozen.set()
            await self._thawed.wait()
            return await whole()
        if fault.kind is FaultKind.CRASH_AFTER:
            await whole()
        if fault.kind is FaultKind.CRASH_HALF_WAY and half is not None:
            await half()
        raise Crash(fault.kind.value)


class FaultyDatabase:
    """A MongoDB database whose collections write through a fuse."""

    def __init__(self, database: Database, fuse: Fuse) -> None:
        self._database = database
        self._fuse = fuse

    def __getitem__(self, name: str) -> "FaultyCollection":
        return FaultyCollection(self._database[name], self._fuse)


class FaultyCollection:
    """A collection that writes through a fuse and is read as it is."""

    def __init__(self, collection: Any, fuse: Fuse) -> None:
        self._collection = collection
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)
        if name not in MONGO_WRITES:
            return method

        async def write(first: Any, *args: Any, **kwargs: Any) -> Any:
            async def half() -> None:
                if part := list(first)[: len(first) // 2]:
                    await method(part, *args, **kwargs)

            return await self._fuse.write(
                lambda: method(first, *args, **kwargs), half if name in TORN_WRITES else None
            )

        return write


class FaultyRedis(Redis):
    """A client on the connections of another, which writes through a fuse."""

    def __init__(self, other: Redis, fuse: Fuse) -> None:
        super().__init__(connection_pool=other.connection_pool)
        self._fuse = fuse

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        send = super().execute_command
        if args[0] in REDIS_READS:
            return await send(*args, **options)  # type: ignore[no-untyped-call]
        return await self._fuse.write(
            lambda: send(*args, **options)  # type: ignore[no-untyped-call]
        )

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Return a pipeline that is one write, as a whole or, without a transaction, in part."""
        pipe = FaultyPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )
        pipe.fuse = self._fuse
        return pipe


class FaultyPipeline(Pipeline):
    """A pipeline that writes through a fuse."""

    fuse: Fuse

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send what was gathered."""
        send = super().execute
        if all(command[0][0] in REDIS_READS for command in self.command_stack):
            return await send(raise_on_error)

        async def half() -> None:
            del self.command_stack[len(self.command_stack) // 2 :]
            await send(raise_on_error)

        answers: list[Any] = await self.fuse.write(
            lambda: send(raise_on_error), None if self.is_transaction else half
        )
        return answers
