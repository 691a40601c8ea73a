"""Checks that the servers a user named are there, before anything is started."""

import httpx
import pymongo
import redis
from pydantic import SecretStr
from pymongo.errors import PyMongoError

from local_stack.errors import StackError
from local_stack.settings import StackSettings

PATIENCE_SECONDS = 5


def check_own_servers(settings: StackSettings) -> None:
    """Return quietly when every server that the settings name answers.

    Raises:
        StackError: One does not; it is told by its variable, for an address may hold a password.
    """
    if settings.mongodb_uri is not None:
        _check_mongodb(settings.mongodb_uri)
    if settings.redis_url is not None:
        _check_redis(settings.redis_url)
    for chain_id, urls in (settings.rpc_urls or {}).items():
        _check_chain(chain_id, urls)


def _check_mongodb(uri: SecretStr) -> None:
    wait_ms = PATIENCE_SECONDS * 1000
    try:
        with pymongo.MongoClient[dict[str, object]](
            uri.get_secret_value(), serverSelectionTimeoutMS=wait_ms
        ) as client:
            client.admin.command("ping")
    except PyMongoError as error:
        raise _unreachable("MONGODB_URI", "MongoDB", error) from None


def _check_redis(url: SecretStr) -> None:
    try:
        with redis.Redis.from_url(
            url.get_secret_value(), socket_connect_timeout=PATIENCE_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise _unreachable("REDIS_URL", "Redis", error) from None


def _check_chain(chain_id: int, urls: list[SecretStr]) -> None:
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    told = set()
    for url in urls:
        try:
            answer = httpx.post(url.get_secret_value(), json=question, timeout=PATIENCE_SECONDS)
            told.add(int(answer.json()["result"], 16))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
            continue
    if chain_id not in told:
        found = f"only chain {', '.join(map(str, sorted(told)))}" if told else "nobody"
        raise StackError(
            f"RPC_URLS names {len(urls)} endpoint(s) of chain {chain_id}, but {found} answers "
            "there: correct it, or unset it to use the local chain"
        )


def _unreachable(variable: str, server: str, error: Exception) -> StackError:
    return StackError(
        f"no {server} answers at {variable} ({type(error).__name__}): start it, correct "
        f"{variable} in the environment or .env, or unset it to use an embedded one"
    )
