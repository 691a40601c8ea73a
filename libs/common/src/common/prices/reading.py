"""USD prices that Chainlink feeds answered at the pinned block."""

import json
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files

from common.chain.abi import decimals, decode_uint
from common.chain.client import PinnedChain
from common.chain.types import Address, Call
from common.prices.price import PriceFeed, Prices, decode_round, read_price

FeedsByChain = Mapping[int, Collection[PriceFeed]]

_LATEST_ROUND_DATA = "0xfeaf968c"


@cache
def packaged_feeds() -> FeedsByChain:
    """Return the feeds that come with this package, by chain id."""
    text = files("common.prices").joinpath("data/price_feeds.json").read_text(encoding="utf-8")
    return {
        int(chain_id): [
            PriceFeed(
                token=None if each["token"] is None else Address(each["token"]),
                address=Address(each["feed"]),
                pair=each["pair"],
                heartbeat_seconds=each["heartbeatSeconds"],
                symbol=each.get("symbol"),
            )
            for each in feeds
        ]
        for chain_id, feeds in json.loads(text)["feeds"].items()
    }


async def fetch_prices(pinned: PinnedChain, feeds: Collection[PriceFeed]) -> Prices:
    """Read the prices that some feeds state, by token.

    Raises:
        ChainError: The chain could not be read. A feed that does not answer is no error: there is
            no price then.
    """
    calls = [
        call
        for feed in feeds
        for call in (Call(feed.address, _LATEST_ROUND_DATA), decimals(feed.address))
    ]
    answers = iter(await pinned.call_many(calls))
    prices: Prices = {}
    for feed, latest, digits in zip(feeds, answers, answers, strict=True):
        price = read_price(feed, decode_round(latest), decode_uint(digits), pinned.block.timestamp)
        if price is not None:
            prices[feed.token] = price
    return prices
