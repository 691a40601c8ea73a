"""What requests ask of Redis is asked once for many of them, and never lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from common.streams import WAKE_CHANNEL
from gateway.connections import REDIS_ANSWER_HOLDS_SECONDS, Connections
from gateway.problems import ProblemError
from gateway.settings import GatewaySettings
from local_stack.servers import RedisServer


@pytest.fixture
async def connections(mongodb_uri: str, redis_url: str) -> AsyncIterator[Connections]:
    settings = GatewaySettings.model_validate({"mongodb_uri": mongodb_uri, "redis_url": redis_url})
    async with Connections(settings) as connections:
        yield connections


async def test_one_answer_of_redis_serves_many_requests(
    connections: Connections, redis: Redis
) -> None:
    await redis.config_resetstat()

    for _ in range(1_000):
        await connections.check_redis()

    assert (await redis.info("commandstats"))["cmdstat_ping"]["calls"] < 1_000


async def test_a_failure_of_redis_is_not_remembered_and_an_answer_not_for_long(
    mongodb_uri: str, own_redis: RedisServer
) -> None:
    settings = GatewaySettings.model_validate(
        {"mongodb_uri": mongodb_uri, "redis_url": own_redis.url}
    )
    async with Connections(settings) as connections:
        await connections.check_redis()
        await asyncio.to_thread(own_redis.kill)
        await asyncio.sleep(REDIS_ANSWER_HOLDS_SECONDS)

        for _ in range(2):
            with pytest.raises(ProblemError, match="Redis"):
                await connections.check_redis()

        await asyncio.to_thread(own_redis.start)
        await connections.check_redis()


async def test_schedulers_are_woken_once_for_many_jobs_and_again_for_the_next(
    connections: Connections, redis: Redis
) -> None:
    async with redis.pubsub() as subscription:
        await subscription.subscribe(WAKE_CHANNEL)
        await subscription.get_message(timeout=30)  # the confirmation

        for _ in range(1_000):
            connections.wake_schedulers()
        first = await subscription.get_message(timeout=30)
        connections.wake_schedulers()
        second = await subscription.get_message(timeout=30)

        await asyncio.sleep(0.1)
        third = await subscription.get_message(timeout=0)

    assert first is not None
    assert second is not None
    assert third is None
