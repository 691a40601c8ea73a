"""A worker in a small world around two schedulers: the test says when it does what."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from common.actions.handler import Report
from common.consumer import Source
from common.events import Failure, JobDue, RunCancelled, RunCompleted, RunEnd, RunFailed, RunStarted
from common.results.envelope import BlockReference, ReadStats, ResultFrame, Window
from common.streams import DATA_FIELD, ensure_group, lease_key
from common.worker.lease_scripts import Answer
from common.worker.leases import Leases
from tests.integration.engine_data import STREAM, WORKERS
from tests.integration.toy_worker import ToyResult

if TYPE_CHECKING:
    from tests.integration.engine_model import World

Body = dict[str, Any]
LEASE_SECONDS = 3_600.0


async def read_entries(redis: Redis, source: Source, count: int) -> list[Any]:
    """Return new entries of a group, as its consumers do."""
    try:
        found: Any = await redis.xreadgroup(
            source.group, source.consumer, {source.stream: ">"}, count=count
        )
    except ResponseError as error:
        if "NOGROUP" not in str(error):
            raise
        await ensure_group(redis, source.stream, source.group)
        return []
    streams = found.items() if isinstance(found, dict) else found or []
    return [entry for _, entries in streams for entry in entries]


@dataclass
class Attempt:
    """An attempt that a worker carries out."""

    due: JobDue
    entry_id: str
    started_at: datetime
    has_lease: bool = True
    wish: str | None = None
    """`cancelled` or `taken over`, once its heartbeat has found that out."""


@dataclass
class WorkerModel:
    """A worker on real streams, leases and results, whose analysis ends when the test says so."""

    world: "World"
    name: str
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        source = Source(STREAM, WORKERS, self.name)
        self._source = source
        self.leases = Leases(
            self.world.redis,
            source,
            lease_seconds=LEASE_SECONDS,
            heartbeat_seconds=LEASE_SECONDS,
        )

    async def take(self, count: int) -> None:
        """Take entries and begin what they ask for."""
        for entry_id, fields in await read_entries(self.world.redis, self._source, count):
            due = JobDue.model_validate_json(fields[DATA_FIELD.encode()])
            await self._begin(due, entry_id.decode())

    async def _begin(self, due: JobDue, entry_id: str) -> None:
        attempt = Attempt(due, entry_id, self.world.present.now)

        def abandon(is_cancelled: bool) -> None:
            attempt.wish = "cancelled" if is_cancelled else "taken over"

        started = RunStarted(**identity(due), worker=self.name, at=attempt.started_at)
        if await self.leases.start(started, entry_id, abandon) is Answer.TAKEN:
            rivals = [
                other
                for worker in self.world.workers
                for other in worker.attempts
                if other.has_lease and _key(other) == _key(attempt)
            ]
            assert not rivals, f"{_key(attempt)} is carried out twice at the same time"
            self.attempts.append(attempt)
        else:
            await self.leases.acknowledge(entry_id)

    async def beat(self) -> None:
        """Renew leases, and learn which attempts are to stop."""
        if self.attempts and self.leases._held:
            await self.leases._renew_once()
        for attempt in list(self.attempts):
            if attempt.wish == "cancelled":
                ended = RunCancelled(
                    **identity(attempt.due),
                    worker=self.name,
                    started_at=attempt.started_at,
                    at=self.world.present.now,
                )
                await self._finish(attempt, ended)
            elif attempt.wish == "taken over":
                self.attempts.remove(attempt)
            else:
                attempt.has_lease = lease_key(*_key(attempt)) in self.leases._held

    async def complete(self, attempt: Attempt, *, dies: bool = False) -> None:
        """Store the result, and say so unless the worker `dies` before that."""
        due = attempt.due
        recorded = await self.world.results.find_recorded(due.run_id)
        if recorded is None:
            window = Window(from_block=0, to_block=0)
            report = Report(ToyResult(window=window, worker=self.name), [], {"by": self.name})
            recorded = await self.world.results.record(due, report, self._frame())
        if dies:
            await self.lose(attempt)
            self.attempts.remove(attempt)
            return
        ended = RunCompleted(
            **identity(due),
            result_id=recorded.result_id,
            alerts_count=recorded.alerts_count,
            summary=recorded.summary,
            started_at=attempt.started_at,
            at=self.world.present.now,
        )
        await self._finish(attempt, ended)

    async def fail(self, attempt: Attempt, *, retryable: bool) -> None:
        """Say that the attempt failed."""
        ended = RunFailed(
            **identity(attempt.due),
            error=Failure(type="BadLuck", message="no luck"),
            retryable=retryable,
            started_at=attempt.started_at,
            at=self.world.present.now,
        )
        await self._finish(attempt, ended)

    async def lose(self, attempt: Attempt) -> None:
        """Have its lease run out, as that of a frozen or dead worker; it may wake up later."""
        if attempt.has_lease:
            attempt.has_lease = False
            await self.world.redis.delete(lease_key(attempt.due.run_id, attempt.due.attempt))
        self.leases.forget(attempt.due.run_id, attempt.due.attempt)

    async def _finish(self, attempt: Attempt, ended: RunEnd) -> None:
        await self.leases.finish(ended, attempt.entry_id)
        self.attempts.remove(attempt)

    def _frame(self) -> ResultFrame:
        now = self.world.present.now
        block = BlockReference(number=0, hash="0x0", timestamp=now, tag="finalized")
        return ResultFrame(chain_id=1, block=block, generated_at=now, stats=ReadStats())


def identity(due: JobDue) -> Body:
    """Return what every event of the attempt names."""
    return due.model_dump(include={"run_id", "job_id", "action", "attempt", "traceparent"})


def _key(attempt: Attempt) -> tuple[str, int]:
    return attempt.due.run_id, attempt.due.attempt
