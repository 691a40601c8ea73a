"""Everything together: servers, a chain with traffic, the services; started, watched, stopped."""

import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from local_stack.binaries import has_anvil
from local_stack.embedded import EmbeddedServers
from local_stack.errors import StackError
from local_stack.own_servers import check_own_servers
from local_stack.ports import holder_of, is_free
from local_stack.process import ChildProcess
from local_stack.seeded_chain import SeededChain
from local_stack.services import SERVICES, WORKERS, Service
from local_stack.settings import StackSettings
from local_stack.supervisor import Supervisor

READY_TIMEOUT_SECONDS = 60.0
STOP_SECONDS = 8.0


class Stack:
    """The whole of Job Runner on this machine; a context manager, nothing runs after it.

    Attributes:
        settings: Port, and servers of the user's own.
        logs: Directory with one log file a process.
        processes: All child processes, by name.
    """

    def __init__(
        self,
        settings: StackSettings,
        directory: Path,
        tell: Callable[[str], None],
        *,
        service_directory: Path | None = None,
        service_environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            settings: Port, and servers of the user's own.
            directory: For logs, and for data that are removed when it starts and when it ends.
            tell: Receives lines for a person, from any thread.
            service_directory: Where services look for a `.env`; `directory` when None.
            service_environment: Further variables of every service.
        """
        self.settings = settings
        self.logs = directory / "logs"
        self.processes: dict[str, ChildProcess] = {}
        self._data = directory / "data"
        self._tell = tell
        self._service_directory = service_directory or directory
        self._service_environment = {"SHUTDOWN_GRACE_SECONDS": "3", **(service_environment or {})}
        self._supervisor = Supervisor(tell)
        self._embedded: EmbeddedServers | None = None

    def __enter__(self) -> Self:
        """Start everything and wait until all services are ready.

        Raises:
            StackError: The port is taken, a program is missing, or something does not start.
        """
        try:
            self._check_port()
            check_own_servers(self.settings)
            for directory in (self._data, self.logs):
                shutil.rmtree(directory, ignore_errors=True)
                directory.mkdir(parents=True)
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End everything."""
        self.stop()

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def chain(self) -> SeededChain | None:
        """The local chain, None with a chain of the user's."""
        return self._embedded.chain if self._embedded else None

    def check(self) -> None:
        """Return quietly while all is well.

        Raises:
            StackError: A process crashes again and again.
        """
        self._supervisor.check()

    def run_traffic(self) -> None:
        """Keep blocks with honest transactions coming on the local chain, if there is one."""
        if self.chain is not None:
            command = [sys.executable, "-m", "local_chain", "traffic", "--rpc-url", self.chain.url]
            self._run(ChildProcess("traffic", command, self.logs / "traffic.log"))

    def stop(self) -> None:
        """End everything; data of embedded servers are removed, logs stay."""
        self._supervisor.stop()
        servers = self._embedded.all if self._embedded else []
        kept = {server.process.name for server in servers}
        ending = [process for name, process in self.processes.items() if name not in kept]
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda process: process.stop(STOP_SECONDS), ending))
        for server in servers:  # their data go, so they need not end in good order
            server.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    def _check_port(self) -> None:
        port = self.settings.port
        if not is_free(port):
            raise StackError(
                f"port {port} is in use by {holder_of(port) or 'another program'}: end that, or "
                f"choose another one, for example PORT={port + 100} make demo"
            )

    def _start(self) -> None:
        if self.settings.rpc_urls is None and not has_anvil():
            self._tell("installing anvil, this once")
        self._embedded = EmbeddedServers(self.settings, self._data, self.logs)
        self._embedded.start()
        for server in self._embedded.all:
            self.processes[server.name] = server.process
            revive = self._remake_chain if server is self.chain else server.start
            self._supervisor.watch(server.process, revive)
        if self._embedded.all:
            names = ", ".join(server.name for server in self._embedded.all)
            self._tell(f"servers run: {names}")
        services = self._start_services(self._embedded.environment())
        if self.chain is not None:
            self.chain.seed()
            self._tell("local chain is made: contracts and three days of traffic")
        self._wait_for(services)
        self._tell(f"services are ready: {', '.join(SERVICES)}")

    def _start_services(self, addresses: Mapping[str, str]) -> list[Service]:
        services = [
            Service(
                name,
                self.settings.port,
                {**addresses, **self._service_environment},
                self.logs / f"{name}.log",
                self._service_directory,
            )
            for name in SERVICES
        ]
        for service in services:
            self._run(service.process)
        return services

    def _run(self, process: ChildProcess) -> None:
        process.start()
        self.processes[process.name] = process
        self._supervisor.watch(process)

    def _wait_for(self, services: list[Service]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        for service in services:
            while not service.is_ready():
                self.check()
                if time.monotonic() > deadline:
                    raise StackError(
                        f"{service.name} is not ready after {READY_TIMEOUT_SECONDS:.0f} s "
                        f"(log: {service.process.log_path})"
                    )
                time.sleep(0.05)

    def _remake_chain(self) -> None:
        """Start the chain anew; the workers, who would believe a half-made history, stand still."""
        assert self.chain is not None  # noqa: S101  # only called for it
        workers = [self.processes[name] for name in WORKERS if name in self.processes]
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        try:
            self.chain.start()
        finally:
            for worker in workers:
                worker.send_signal(signal.SIGCONT)
