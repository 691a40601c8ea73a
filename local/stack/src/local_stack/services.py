"""The services of Job Runner as processes."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from local_stack.ports import find_free_port
from local_stack.process import ChildProcess

WORKERS: Final = ("wallet-worker", "token-worker", "nft-worker")
SERVICES: Final = ("gateway", "scheduler", *WORKERS)


class Service:
    """One service process and its readiness."""

    def __init__(
        self,
        name: str,
        gateway_port: int,
        environment: Mapping[str, str],
        log_path: Path,
        directory: Path,
    ) -> None:
        """Choose its ports.

        Args:
            name: Folder under `services/`, and with underscores the package that has its `main`.
            gateway_port: Where the API listens.
            environment: Variables that win over this process's own.
            log_path: File for its output.
            directory: Its working directory, where it looks for a `.env`.
        """
        self.name = name
        health_port = find_free_port()
        self.url = f"http://127.0.0.1:{gateway_port if name == 'gateway' else health_port}"
        self.process = ChildProcess(
            name,
            [sys.executable, "-m", f"{name.replace('-', '_')}.main"],
            log_path,
            environment={
                **os.environ,
                **environment,
                "PORT": str(gateway_port),
                "HEALTH_PORT": str(health_port),
            },
            directory=directory,
        )

    def is_ready(self) -> bool:
        """Return whether it can do its work now."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=3)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK
