"""Fixtures of the tests on real servers."""

import pytest

from tests.integration.engine_harness import Servers


@pytest.fixture
def servers(redis_url: str, mongodb_uri: str, database_name: str, anvil_url: str) -> Servers:
    """The session's servers, with a database and an empty Redis for this test."""
    return Servers(redis_url, mongodb_uri, database_name, anvil_url)
