"""The scheduler process: any number of them may run side by side."""

import asyncio
import logging
from typing import Any

from beanie import init_beanie
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure
from redis.asyncio import Redis
from redis.exceptions import RedisError

from common.actions import ACTIONS
from common.consumer import Source, StreamConsumer
from common.documents import DOCUMENTS
from common.events import OUTCOME
from common.health import Check
from common.mongo_client import create_mongo
from common.outages import Outage
from common.process import run_service, run_together, serve_health, wait_for
from common.redis_client import create_redis
from common.retention import keep_for
from common.settings import load_settings, process_name
from common.streams import OUTCOMES_STREAM, SCHEDULER_GROUP, WAKE_CHANNEL
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

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 0.5
SWEEP_SECONDS = 5.0
AUDIT_SECONDS = 5.0
REQUESTS_SECONDS = 0.5
LETTERS_SECONDS = 5.0
OUTCOMES_BATCH = 1_000
GATHER_SECONDS = 0.02
"""Longest that wake-ups, such as those after each batch of outcomes, wait for one another."""


def main() -> None:
    """Run the scheduler until SIGTERM or SIGINT."""
    settings = load_settings(SchedulerSettings)
    run_service("scheduler", settings, lambda stop: _schedule(settings, stop))


async def _schedule(settings: SchedulerSettings, stop: asyncio.Event) -> None:
    redis = create_redis(settings.redis_url)
    mongo = create_mongo(settings.mongodb_uri)
    try:
        await _run_parts(settings, mongo[settings.mongodb_database], redis, stop)
    finally:
        await mongo.close()
        await redis.aclose()


async def _run_parts(
    settings: SchedulerSettings, database: AsyncDatabase[Any], redis: Redis, stop: asyncio.Event
) -> None:
    wake = asyncio.Event()
    source = Source(OUTCOMES_STREAM, SCHEDULER_GROUP, process_name())
    backoff = Backoff(
        settings.retry_initial_seconds, settings.retry_coefficient, settings.retry_maximum_seconds
    )
    emitter = Emitter(redis, capacity=20 * settings.batch_size)
    dispatcher = Dispatcher(database, emitter, settings, ACTIONS)
    reconciler = Reconciler(
        database,
        redis,
        emitter,
        actions=ACTIONS,
        lost_after_seconds=settings.lost_after_seconds,
        batch_size=settings.batch_size,
    )
    recorder = OutcomeRecorder(database, redis, backoff, ACTIONS)
    intake = OutcomeIntake(redis, source, recorder, stop, wake, most=OUTCOMES_BATCH)
    consumer = StreamConsumer(
        source,
        OUTCOME,
        intake.handle,
        redis=redis,
        redis_url=settings.redis_url,
        max_records=OUTCOMES_BATCH,
    )
    janitor = Janitor(redis, source, consumer, intake.record, ACTIONS)
    letters = LetterKeeper(database, redis, source.consumer)
    requests = RunRequests(database, redis, emitter, settings.batch_size)
    audit = Audit(database)
    loops = {
        "dispatch": Loop(
            "dispatch", dispatcher.dispatch, settings.scan_seconds, wake, GATHER_SECONDS
        ),
        "reconcile": Loop("reconcile", reconciler.reconcile, RECONCILE_SECONDS),
        "sweep": Loop("sweep", janitor.sweep, SWEEP_SECONDS),
        "letters": Loop("letters", letters.keep, LETTERS_SECONDS),
        "requests": Loop("requests", requests.handle, REQUESTS_SECONDS),
        "audit": Loop("audit", audit.correct_jobs, AUDIT_SECONDS),
    }

    async def redis_answers() -> str | None:
        return None if await redis.ping() else "no answer"

    async def mongodb_answers() -> str | None:
        await database.command("ping")
        return None

    async def work() -> None:
        if await _prepare(database, settings.runs_retention_days, stop):
            parts = {name: loop.run(stop) for name, loop in loops.items()}
            parts["outcomes"] = consumer.run(stop)
            await run_together(stop, parts, {})
            await intake.drain()
            await emitter.drain(settings.look_ahead_seconds)

    live: dict[str, Check] = {name: loop.goes_round for name, loop in loops.items()}
    live["outcomes"] = consumer.is_watched
    ready: dict[str, Check] = {f"{name} works": loop.succeeds for name, loop in loops.items()}
    ready |= {"redis": redis_answers, "mongodb": mongodb_answers}
    await run_together(
        stop,
        work={"work": work()},
        beside={
            "emitter": emitter.run(),
            "wake": _listen(redis, wake),
            "health": serve_health(settings, live, ready),
        },
    )


async def _prepare(
    database: AsyncDatabase[Any], retention_days: float | None, stop: asyncio.Event
) -> bool:
    """Wait for MongoDB and create what is missing; False when stopped before.

    Raises:
        OperationFailure: MongoDB refuses, for example for want of a permission.
    """
    outage = Outage(logger, "reach MongoDB")
    while not stop.is_set():
        try:
            await init_beanie(database=database, document_models=list(DOCUMENTS))
            await keep_for(database["runs"], "finishedAt", retention_days)
            await keep_for(database["deadLetters"], "at", retention_days)
        except ConnectionFailure as error:
            outage.note(error)
            await wait_for(stop, 1.0)
        else:
            outage.end()
            return True
    return False


async def _listen(redis: Redis, wake: asyncio.Event) -> None:
    """Set `wake` whenever somebody asks schedulers to look at once."""
    while True:
        try:
            async with redis.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(WAKE_CHANNEL)
                while True:
                    if await channel.get_message(timeout=1.0) is not None:
                        wake.set()
        except (RedisError, OSError) as error:
            logger.debug("not listening for wake-ups", extra={"error": type(error).__name__})
            await asyncio.sleep(1.0)


if __name__ == "__main__":
    main()
