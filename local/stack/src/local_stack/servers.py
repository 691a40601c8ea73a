"""The servers that the services need, as child processes on 127.0.0.1: real ones, no stand-ins."""

import time
from abc import ABC, abstractmethod
from pathlib import Path

import httpx
import pymongo
import redis
from pymongo.errors import OperationFailure, PyMongoError
from redis.backoff import NoBackoff
from redis.retry import Retry

from local_chain.anvil import ANVIL_ARGUMENTS
from local_stack.binaries import find_anvil, find_mongod, find_redis_server
from local_stack.errors import StackError
from local_stack.ports import find_free_port
from local_stack.process import ChildProcess

START_TIMEOUT_SECONDS = 60.0


class Server(ABC):
    """One server on a port of its own, the same for every start."""

    def __init__(self, name: str, arguments: list[str | Path], port: int, log_path: Path) -> None:
        self.name = name
        self.port = port
        self.process = ChildProcess(name, arguments, log_path)

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients reach it."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return whether it serves requests now."""

    def launch(self) -> None:
        """Start it without waiting until it is ready."""
        self.process.start()

    def wait_ready(self) -> None:
        """Wait until it serves requests.

        Raises:
            StackError: It ended, or is not ready within a minute.
        """
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self.is_ready():
            if not self.process.is_running:
                raise StackError(self.process.describe_end())
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} is not ready after {START_TIMEOUT_SECONDS:.0f} s "
                    f"(log: {self.process.log_path})"
                )
            time.sleep(0.02)

    def start(self) -> None:
        """Start it and wait until it serves requests; data of an earlier start is found again."""
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """End it cleanly."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self.process.kill()


class MongoServer(Server):
    """A mongod that is a replica set of one member, so that majority writes mean something."""

    def __init__(self, directory: Path, log_path: Path, *, cache_gb: float = 0.25) -> None:
        """Choose a port.

        Args:
            directory: Where its data lies; created when missing.
            log_path: File for its output.
            cache_gb: How much of its data it keeps in memory; mongod alone would take half of all.
        """
        directory.mkdir(parents=True, exist_ok=True)
        port = find_free_port()
        arguments: list[str | Path] = [
            find_mongod(),
            *("--dbpath", directory, "--port", str(port), "--bind_ip", "127.0.0.1"),
            *("--replSet", "rs0", "--oplogSize", "64", "--nounixsocket", "--quiet"),
            *("--wiredTigerCacheSizeGB", str(cache_gb)),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # nobody takes over from a single member: do not wait for that on shutdown
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
        ]
        super().__init__("mongod", arguments, port, log_path)

    @property
    def url(self) -> str:
        """Connection string that names the replica set."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0"

    def is_ready(self) -> bool:
        """Return whether it is the primary; asks it to become one when it was never set up."""
        direct = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
            direct, serverSelectionTimeoutMS=500
        )
        with client:
            try:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return True
                client.admin.command("replSetGetStatus")
            except OperationFailure as error:
                if error.code == 94:  # NotYetInitialized
                    member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
                    client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            except PyMongoError:
                pass
        return False


class RedisServer(Server):
    """A Valkey or Redis server."""

    def __init__(self, directory: Path, log_path: Path, *, append_only: bool = False) -> None:
        """Choose a port.

        Args:
            directory: Where its data lies; created when missing.
            log_path: File for its output.
            append_only: Whether what was written survives a restart (AOF), as in production.
        """
        directory.mkdir(parents=True, exist_ok=True)
        port = find_free_port()
        arguments: list[str | Path] = [
            find_redis_server(),
            *("--port", str(port), "--bind", "127.0.0.1", "--dir", directory),
            *("--save", "", "--appendonly", "yes" if append_only else "no"),
        ]
        super().__init__("redis", arguments, port, log_path)

    @property
    def url(self) -> str:
        """URL of its database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def is_ready(self) -> bool:
        """Return whether it answers PING, which it refuses while it loads its data."""
        with redis.Redis(port=self.port, socket_timeout=2, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


class AnvilServer(Server):
    """An EVM development node with an empty chain, forgotten when it ends."""

    def __init__(self, log_path: Path) -> None:
        """Choose a port.

        Args:
            log_path: File for its output.
        """
        port = find_free_port()
        arguments: list[str | Path] = [
            find_anvil(),
            *("--host", "127.0.0.1", "--port", str(port), *ANVIL_ARGUMENTS),
            "--quiet",  # else every call is a line in the log
        ]
        super().__init__("anvil", arguments, port, log_path)

    @property
    def url(self) -> str:
        """URL of its JSON-RPC."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Return whether it answers JSON-RPC."""
        question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        try:
            answer = httpx.post(self.url, json=question, timeout=5)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK
