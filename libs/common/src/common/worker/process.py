"""The composition root of every worker process."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pymongo.errors import PyMongoError

from common.actions import AnyAction
from common.actions.handler import Handler
from common.chain.client import Chains
from common.chain.shared_limits import SharedGates
from common.chain.store.chain_store import ChainStore
from common.consumer import Source, StreamConsumer
from common.events import JobDue
from common.health import Check
from common.mongo_client import create_mongo
from common.outages import Outage
from common.process import run_service, run_together, serve_health, wait_for
from common.redis_client import create_redis
from common.settings import WorkerSettings, load_settings, process_name
from common.streams import due_stream, workers_group
from common.worker.attempt import AttemptRunner
from common.worker.leases import Leases
from common.worker.results import ResultStore
from common.worker.service import WorkerService

logger = logging.getLogger(__name__)


def run_worker(action: AnyAction, handler: Handler[Any, Any]) -> None:
    """Run a worker of `action` until SIGTERM or SIGINT.

    Settings come from the environment (`WorkerSettings`). A worker that is told to stop reads no
    more, ends what it is doing within `SHUTDOWN_GRACE_SECONDS` and gives back the rest.
    """
    settings = load_settings(WorkerSettings)
    run_service(action.service, settings, lambda stop: _work(action, handler, settings, stop))


async def _work(
    action: AnyAction,
    handler: Handler[Any, Any],
    settings: WorkerSettings,
    stop: asyncio.Event,
) -> None:
    name = process_name()
    source = Source(due_stream(action.name), workers_group(action.name), name)
    redis = create_redis(settings.redis_url)
    mongo = create_mongo(settings.mongodb_uri)
    store = ChainStore(
        mongo[settings.mongodb_database],
        retention_days=settings.chain_store_retention_days,
        metadata_days=settings.chain_metadata_days,
    )
    gates = SharedGates(redis)
    chains = Chains(
        settings.rpc_urls,
        settings.default_chain_id,
        store=store,
        limits=settings.limits_of_endpoints(),
        gates=gates,
    )
    leases = Leases(
        redis,
        source,
        lease_seconds=settings.lease_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
        limit=settings.global_concurrency.get(action.name),
    )
    results = ResultStore(mongo, settings.mongodb_database, action, settings.results_retention_days)
    runner = AttemptRunner(
        action=action,
        handler=handler,
        chains=chains,
        results=results,
        thresholds=settings.thresholds.get(action.name, {}),
    )
    service = WorkerService(
        runner, leases, redis, stop, worker=name, concurrency=settings.concurrency
    )
    consumer = StreamConsumer(
        source,
        TypeAdapter(JobDue),
        service.take,
        redis=redis,
        redis_url=settings.redis_url,
        max_records=service.batch_size,
    )

    async def redis_answers() -> str | None:
        return None if await redis.ping() else "no answer"

    async def mongodb_answers() -> str | None:
        await mongo.admin.command("ping")
        return None

    live: dict[str, Check] = {"consumer": consumer.is_watched}
    ready: dict[str, Check] = {"redis": redis_answers, "mongodb": mongodb_answers}

    async def consume() -> None:
        await _create_indexes([results, store], stop)
        await consumer.run(stop)
        await service.drain(settings.shutdown_grace_seconds)

    try:
        await run_together(
            stop,
            work={"consumer": consume()},
            beside={
                "heartbeat": leases.keep(),
                "endpoint limits": gates.keep(),
                "health": serve_health(settings, live, ready),
            },
        )
    finally:
        await chains.close()
        await mongo.close()
        await redis.aclose()


async def _create_indexes(stores: Sequence[ResultStore | ChainStore], stop: asyncio.Event) -> None:
    """Wait for MongoDB: before it is there, no run can be carried out anyway."""
    outage = Outage(logger, "create indexes")
    while not stop.is_set():
        try:
            for store in stores:
                await store.create_indexes()
        except PyMongoError as error:
            outage.note(error)
            await wait_for(stop, 1.0)
        else:
            outage.end()
            return
