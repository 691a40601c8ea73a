"""The whole system as processes, talked to over HTTP as its users do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from local_stack.ports import find_free_port
from local_stack.settings import StackSettings
from local_stack.stack import Stack

StartStack = Callable[..., Stack]


@pytest.fixture
def start_stack(servers_directory: Path, tmp_path: Path) -> Iterator[StartStack]:
    """Start stacks that only this test uses; keyword arguments become services' variables."""
    with ExitStack() as running:

        def start(**environment: str) -> Stack:
            stack = _create_stack(servers_directory / f"stack-{tmp_path.name}", environment)
            return running.enter_context(stack)

        yield start


@pytest.fixture(scope="session")
def stack(servers_directory: Path) -> Iterator[Stack]:
    """The session's stack; tests create jobs of their own and disturb nothing else."""
    with _create_stack(servers_directory / "stack", {}) as running:
        yield running


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the session's stack."""
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


def _create_stack(directory: Path, environment: dict[str, str]) -> Stack:
    # what a developer has in the environment or in .env must not decide what is tested
    settings = StackSettings(port=find_free_port(), mongodb_uri=None, redis_url=None, rpc_urls=None)
    return Stack(settings, directory, print, service_environment=environment)
