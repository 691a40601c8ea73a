"""Schedulers and workers in a test: on real servers, impatient, and easy to crash.

Everything runs with short times, so that a recovery that takes seconds in production takes a
fraction of one here. A crash cancels every task of a replica where it stands.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from beanie import init_beanie
from pydantic import SecretStr, TypeAdapter
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from common.chain.client import Chains
from common.consumer import Source, StreamConsumer
from common.documents import DOCUMENTS
from common.events import OUTCOME, JobDue
from common.mongo_client import create_mongo
from common.process import end_tasks
from common.redis_client import create_redis
from common.settings import WorkerSettings
from common.streams import OUTCOMES_STREAM, SCHEDULER_GROUP
from common.worker.attempt import AttemptRunner
from common.worker.leases import Leases
from common.worker.results import ResultStore
from common.worker.service import WorkerService
from scheduler.audit import Audit
from scheduler.backoff import Backoff
from scheduler.dispatcher import Dispatcher
from scheduler.emitter import Emitter
from scheduler.intake import OutcomeIntake
from scheduler.janitor import Janitor
from scheduler.letters import LetterKeeper
from scheduler.loops import Loop
from scheduler.reconciler import Reconciler
from scheduler.recorder import OutcomeRecorder
from scheduler.run_requests import RunRequests
from scheduler.settings import SchedulerSettings
from tests.integration.engine_data import ACTION, STREAM, WORKERS, Clock, Database, Document
from tests.integration.toy_worker import TOY, carry_out


@dataclass(frozen=True)
class Servers:
    """Where a test's servers are."""

    redis_url: str
    mongodb_uri: str
    database_name: str
    rpc_url: str = "http://127.0.0.1:9"
    """Needed by tests with workers only; nobody answers on the discard port."""


def scheduler_settings(servers: Servers, **changes: Any) -> SchedulerSettings:
    """Settings of an impatient scheduler."""
    impatient: dict[str, Any] = {
        "scan_seconds": 0.02,
        "pass_seconds": 0.5,
        "retry_initial_seconds": 0.05,
        "retry_maximum_seconds": 0.2,
        "lost_after_seconds": 0.4,
        "batch_size": 100,
    }
    return SchedulerSettings(
        _env_file=None,
        redis_url=SecretStr(servers.redis_url),
        mongodb_uri=SecretStr(servers.mongodb_uri),
        mongodb_database=servers.database_name,
        **(impatient | changes),
    )


@dataclass(frozen=True)
class Connections:
    """What a scheduler talks to; a test may put faults between."""

    redis: Redis
    mongo: AsyncMongoClient[Document]
    database: Database

    @classmethod
    def open(cls, servers: Servers) -> Self:
        """Make the clients of a process of its own."""
        mongo = create_mongo(SecretStr(servers.mongodb_uri))
        redis = create_redis(SecretStr(servers.redis_url))
        return cls(redis, mongo, mongo[servers.database_name])

    async def close(self) -> None:
        """Close them."""
        await self.mongo.close()
        await self.redis.aclose()


BESIDE = ("emitter", "heartbeat")
"""Names of what runs until it is cancelled."""


class _Replica:
    """Tasks that run until they are stopped, or crash together."""

    def __init__(self) -> None:
        self.stop_asked = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    def _begin(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    @property
    def failures(self) -> list[BaseException]:
        """What tasks died of; a live replica has none."""
        done = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [error for task in done if (error := task.exception()) is not None]

    async def stop(self) -> None:
        """Ask everything to end, give it time for that, and end the rest."""
        self.stop_asked.set()
        ending = [task for task in self._tasks if task.get_name() not in BESIDE]
        if ending:
            await asyncio.wait(ending, timeout=10)
        await self.crash()

    async def crash(self) -> None:
        """End everything where it stands, as SIGKILL does."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:  # what they do at their end, such as closing connections, takes a while
            await asyncio.wait(self._tasks, timeout=10)
        await end_tasks(self._tasks)
        self._tasks.clear()


class SchedulerReplica(_Replica):
    """The parts of one scheduler, wired as in its `main`; alone, or with their loops running."""

    def __init__(
        self,
        servers: Servers,
        *,
        name: str = "",
        clock: Callable[[], datetime] | None = None,
        connections: Connections | None = None,
        **changes: Any,
    ) -> None:
        super().__init__()
        self.settings = scheduler_settings(servers, **changes)
        self.clock = clock or Clock()
        self._connections = connections or Connections.open(servers)
        self.redis = self._connections.redis
        self.database = self._connections.database
        self.wake = asyncio.Event()
        self.source = source = Source(
            OUTCOMES_STREAM, SCHEDULER_GROUP, name or f"scheduler-{uuid.uuid4().hex}"
        )
        self.recorder = OutcomeRecorder(
            self.database,
            self.redis,
            Backoff(
                self.settings.retry_initial_seconds,
                self.settings.retry_coefficient,
                self.settings.retry_maximum_seconds,
            ),
            {ACTION: TOY},
        )
        self.emitter = Emitter(self.redis, 20 * self.settings.batch_size, self.clock)
        self.dispatcher = Dispatcher(
            self.database, self.emitter, self.settings, [ACTION], self.clock
        )
        self.reconciler = Reconciler(
            self.database,
            self.redis,
            self.emitter,
            actions=[ACTION],
            lost_after_seconds=self.settings.lost_after_seconds,
            batch_size=self.settings.batch_size,
            clock=self.clock,
        )
        self.intake = OutcomeIntake(
            self.redis, source, self.recorder, self.stop_asked, self.wake, most=100
        )
        self.consumer = StreamConsumer(
            source,
            OUTCOME,
            self.intake.handle,
            redis=self.redis,
            redis_url=self.settings.redis_url,
            max_records=100,
        )
        self.janitor = Janitor(self.redis, source, self.consumer, self.intake.record, [ACTION])
        self.letters = LetterKeeper(self.database, self.redis, source.consumer)
        self.requests = RunRequests(
            self.database, self.redis, self.emitter, self.settings.batch_size, self.clock
        )
        self.audit = Audit(self.database, self.clock, settle_seconds=0.0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._connections.close()

    def start(self) -> None:
        """Let all loops run."""
        self.start_dispatching()
        self.start_recovering()

    def start_recovering(self) -> None:
        """Let outcomes be recorded and everything be repaired."""
        self._begin_loop("reconcile", self.reconciler.reconcile, 0.1)
        self._begin_loop("sweep", self.janitor.sweep, 0.5)
        self._begin_loop("letters", self.letters.keep, 0.2)
        self._begin_loop("requests", self.requests.handle, 0.1)
        self._begin_loop("audit", self.audit.correct_jobs, 0.2)
        self._begin(self.consumer.run(self.stop_asked), "outcomes")

    def start_dispatching(self) -> None:
        """Let due jobs be emitted, and nothing else be done."""
        self._begin_loop("dispatch", self.dispatcher.dispatch, self.settings.scan_seconds)
        self.start_emitter()

    def _begin_loop(self, name: str, step: Callable[[], Awaitable[bool]], pause: float) -> None:
        self._begin(Loop(name, step, pause, self.wake).run(self.stop_asked), name)

    def start_emitter(self) -> None:
        """Let only the emitter run: the test calls the other parts."""
        self._begin(self.emitter.run(), "emitter")

    async def crash(self) -> None:
        """End everything where it stands, batches of outcomes that are being recorded included."""
        await super().crash()
        await end_tasks(self.intake._recording)

    async def create_indexes(self) -> None:
        """Create all indexes, as a scheduler does when it starts."""
        await init_beanie(database=self.database, document_models=list(DOCUMENTS))


class Worker(_Replica):
    """A worker of the toy action, wired as in `common.worker.process`."""

    def __init__(
        self,
        servers: Servers,
        *,
        name: str = "",
        concurrency: int = 16,
        limit: int | None = None,
        lease_seconds: float = 0.9,
        grace_seconds: float = 0.001,
    ) -> None:
        super().__init__()
        self.settings = WorkerSettings(
            _env_file=None,
            redis_url=SecretStr(servers.redis_url),
            mongodb_uri=SecretStr(servers.mongodb_uri),
            mongodb_database=servers.database_name,
            lease_seconds=lease_seconds,
            heartbeat_seconds=lease_seconds / 4,
            shutdown_grace_seconds=grace_seconds,
        )
        self.name = name or f"worker-{uuid.uuid4().hex}"
        self.redis: Redis = create_redis(self.settings.redis_url)
        self.mongo: AsyncMongoClient[Document] = create_mongo(self.settings.mongodb_uri)
        self.chains = Chains({31_337: [servers.rpc_url]}, 31_337)
        source = Source(STREAM, WORKERS, self.name)
        self.leases = Leases(
            self.redis,
            source,
            lease_seconds=self.settings.lease_seconds,
            heartbeat_seconds=self.settings.heartbeat_seconds,
            limit=limit,
        )
        runner = AttemptRunner(
            action=TOY,
            handler=carry_out(self.mongo[servers.database_name], self.name),
            chains=self.chains,
            results=ResultStore(self.mongo, servers.database_name, TOY),
            thresholds={},
        )
        self.service = WorkerService(
            runner,
            self.leases,
            self.redis,
            self.stop_asked,
            worker=self.name,
            concurrency=concurrency,
        )
        self.consumer = StreamConsumer(
            source,
            TypeAdapter(JobDue),
            self.service.take,
            redis=self.redis,
            redis_url=self.settings.redis_url,
            max_records=self.service.batch_size,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.chains.close()
        await self.mongo.close()
        await self.redis.aclose()

    def start(self) -> None:
        """Take entries until stopped."""
        self._begin(self.leases.keep(), "heartbeat")
        self._begin(self._consume(), "consumer")

    async def _consume(self) -> None:
        await self.consumer.run(self.stop_asked)
        await self.service.drain(self.settings.shutdown_grace_seconds)
