"""Redis connections that ride out a restart, a failover and a full memory."""

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

PASSING_ERRORS: list[type[Exception]] = [RedisConnectionError, RedisTimeoutError, ReadOnlyError]
"""What passes by itself: a restart, a slow answer, a primary that has just been demoted."""


def create_retry(attempts: int) -> Retry:
    """Return a retry policy with jittered pauses of 50 ms to 1 s; -1 attempts is for ever."""
    return Retry(ExponentialWithJitterBackoff(cap=1.0, base=0.05), attempts)


def create_redis(url: SecretStr, attempts: int = 3) -> Redis:
    """Return a client for short commands.

    Args:
        url: `redis://` or `rediss://` URL; never logged.
        attempts: How often a command is tried again before its error is raised.

    Raises:
        ValueError: The URL is malformed; the error does not quote it, as other errors would.
    """
    retry = create_retry(attempts)
    try:
        return Redis.from_url(url.get_secret_value(), retry=retry, retry_on_error=PASSING_ERRORS)
    except ValueError:
        raise ValueError(
            "REDIS_URL is malformed: expected redis://user:password@host:port/database, "
            "with special characters of the password percent-encoded"
        ) from None
