"""USD values from the answers of Chainlink price feeds, in exact integers.

Source: Chainlink, Data Feeds API reference: `latestRoundData()` returns round id, answer, start,
time of update and the round that answered; an answer is a price only above zero.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from common.chain.abi import MAX_DECIMALS
from common.chain.types import Address, CallResult
from common.chain.units import format_units
from common.results.prices import TokenPrice

_ROUND_WORDS = 5
_WORD = 64
_SIGN_BIT = 2**255


@dataclass(frozen=True, slots=True)
class PriceFeed:
    """One feed; `token` is None for the native coin.

    Attributes:
        symbol: Of the token; None where its symbol is of no concern.
    """

    token: Address | None
    address: Address
    pair: str
    heartbeat_seconds: int
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """USD for one whole coin: `answer` / 10**`decimals`."""

    feed: PriceFeed
    answer: int
    decimals: int
    updated_at: int
    age_seconds: int

    @property
    def is_stale(self) -> bool:
        """Whether the feed has missed its heartbeat."""
        return self.age_seconds > self.feed.heartbeat_seconds


Prices: TypeAlias = dict[Address | None, Price]
"""By token; None is the native coin."""


def decode_round(result: CallResult) -> tuple[int, int] | None:
    """Return answer and time of update; None when it is no answer of `latestRoundData()`."""
    if not result.success or len(result.data) != 2 + _ROUND_WORDS * _WORD:
        return None
    words = [int(result.data[2 + i * _WORD : 2 + (i + 1) * _WORD], 16) for i in range(_ROUND_WORDS)]
    answer = words[1] - 2 * _SIGN_BIT if words[1] >= _SIGN_BIT else words[1]
    return answer, words[3]


def read_price(
    feed: PriceFeed, latest: tuple[int, int] | None, decimals: int | None, now: int
) -> Price | None:
    """Return the price that a feed states; None when it states none.

    Args:
        feed: The feed.
        latest: Its answer and the time of update in unix seconds.
        decimals: Digits after the point of the answer.
        now: Time of the pinned block.
    """
    if latest is None or decimals is None or decimals > MAX_DECIMALS:
        return None
    answer, updated_at = latest
    if answer <= 0 or not 0 < updated_at <= now:
        return None
    return Price(feed, answer, decimals, updated_at, now - updated_at)


def usd_value(amount_raw: int, decimals: int, price: Price) -> str:
    """Return the exact value of an amount in USD."""
    return format_units(amount_raw * price.answer, decimals + price.decimals) or "0"


def shown_price(price: Price) -> TokenPrice:
    """Return a price as the result shows it: stale when the feed has missed its heartbeat."""
    return TokenPrice(
        usd=format_units(price.answer, price.decimals) or "0",
        source=f"Chainlink {price.feed.pair}",
        feed_address=price.feed.address,
        updated_at=datetime.fromtimestamp(price.updated_at, UTC),
        age_seconds=price.age_seconds,
        stale=price.is_stale,
    )
