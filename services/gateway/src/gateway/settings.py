"""What the gateway reads from its environment."""

from typing import Final

from pydantic import Field, PositiveFloat

from common.settings import ServiceSettings

BODY_LIMIT_BYTES: Final = 256 * 1024
"""A job request takes a few hundred bytes; this is room for the longest sensible lists."""


class GatewaySettings(ServiceSettings):
    """Where the API listens, and how long it waits for its servers."""

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 is every one")
    port: int = Field(default=3000, ge=0, le=65_535, description="0 takes a free port")
    mongodb_timeout_seconds: PositiveFloat = Field(
        default=4.0, description="longest wait for MongoDB in one request"
    )
    redis_timeout_seconds: PositiveFloat = Field(
        default=1.5, description="longest wait for Redis in one request"
    )
