"""Long loops in small steps: what is due at a moment does not wait for the end of a batch."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

ItemT = TypeVar("ItemT")


async def with_pauses(items: Iterable[ItemT], at_a_time: int) -> AsyncIterator[ItemT]:
    """Yield `items`, and let other tasks run before each `at_a_time` of them."""
    for number, item in enumerate(items):
        if number % at_a_time == 0:
            await asyncio.sleep(0)
        yield item
