"""Fixtures of the tests on real servers."""

import gc
import warnings
from collections.abc import Iterator

import pytest

from tests.integration.engine_harness import Servers


@pytest.fixture
def servers(
    redis_url: str, mongodb_uri: str, database_name: str, anvil_url: str
) -> Iterator[Servers]:
    """The session's servers, with a database and an empty Redis for this test."""
    yield Servers(redis_url, mongodb_uri, database_name, anvil_url)
    # A crash in the middle of connecting leaves a socket to the garbage collector, as a killed
    # process leaves it to the kernel: it goes here, not as the failure of some later test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
