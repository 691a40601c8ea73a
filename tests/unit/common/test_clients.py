"""Connection strings are used and never quoted."""

import pytest
from pydantic import SecretStr

from common.mongo_client import create_mongo
from common.redis_client import create_redis


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret/part@host:6379",
        "redis://user:s3cret#part@host:6379/0",
        "redis://:[s3cret@host",
        "http://:s3cret@host",
        "redis://:s3cret@host:port",
    ],
)
def test_a_malformed_redis_url_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError, match="REDIS_URL is malformed") as refusal:
        create_redis(SecretStr(url))
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


async def test_a_write_needs_a_majority_whatever_the_uri_says() -> None:
    async with create_mongo(SecretStr("mongodb://127.0.0.1:9/?w=1&retryWrites=false")) as client:
        assert client.write_concern.document == {"w": "majority"}
        assert client.options.retry_writes
