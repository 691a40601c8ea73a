"""The servers that the user did not bring, and the addresses of those that will be used."""

import json
from pathlib import Path

from pydantic import SecretStr

from local_chain.addresses import CHAIN_ID
from local_stack.seeded_chain import SeededChain
from local_stack.servers import MongoServer, RedisServer, Server
from local_stack.settings import StackSettings


class EmbeddedServers:
    """Those of MongoDB, Redis and the local chain that the settings leave to us.

    Attributes:
        chain: The local chain, None with a chain of the user's.
        all: Every embedded server.
    """

    def __init__(self, settings: StackSettings, data: Path, logs: Path) -> None:
        """Find programs and ports; start nothing yet.

        Raises:
            StackError: A program is missing and cannot be installed.
        """
        self._settings = settings
        self.chain = None if settings.rpc_urls else SeededChain(logs / "anvil.log")
        self._mongod = self._redis = None
        if settings.mongodb_uri is None:
            self._mongod = MongoServer(data / "mongod", logs / "mongod.log")
        if settings.redis_url is None:
            self._redis = RedisServer(data / "redis", logs / "redis.log", append_only=True)
        servers = (self._mongod, self._redis, self.chain)
        self.all: list[Server] = [server for server in servers if server is not None]

    def start(self) -> None:
        """Start all side by side and wait until they serve; the chain is empty still.

        Raises:
            StackError: One does not start.
        """
        for server in self.all:
            server.launch()
        for server in self.all:
            server.wait_ready()

    def kill(self) -> None:
        """End all at once."""
        for server in self.all:
            server.kill()

    def environment(self) -> dict[str, str]:
        """Return what tells services where their servers are, embedded or not."""
        settings = self._settings
        if settings.rpc_urls is None:
            assert self.chain is not None  # noqa: S101  # see __init__
            rpc_urls, first_chain_id = {CHAIN_ID: [self.chain.url]}, CHAIN_ID
        else:
            rpc_urls = {
                chain_id: [url.get_secret_value() for url in urls]
                for chain_id, urls in settings.rpc_urls.items()
            }
            first_chain_id = settings.default_chain_id or next(iter(rpc_urls))
        return {
            "MONGODB_URI": self._mongod.url if self._mongod else _shown(settings.mongodb_uri),
            "REDIS_URL": self._redis.url if self._redis else _shown(settings.redis_url),
            "RPC_URLS": json.dumps(rpc_urls),
            "DEFAULT_CHAIN_ID": str(first_chain_id),
        }


def _shown(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
