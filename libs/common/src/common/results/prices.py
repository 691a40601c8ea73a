"""A price as results show it."""

from common.models import CamelModel, UtcDatetime


class TokenPrice(CamelModel):
    """What one whole coin costs, as a price feed said at the block.

    Attributes:
        usd: Exact decimal number.
        source: Kind of feed and its pair.
        age_seconds: From the feed's last update to the block.
        stale: The feed is older than its heartbeat: it should have been updated since.
    """

    usd: str
    source: str
    feed_address: str
    updated_at: UtcDatetime
    age_seconds: int
    stale: bool
