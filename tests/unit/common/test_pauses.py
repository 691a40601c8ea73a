"""A long loop lets others run in between."""

import asyncio

from common.pauses import with_pauses


async def test_all_items_come_in_order_and_others_run_before_each_few_of_them() -> None:
    rounds = 0

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_rounds())
    seen = [(item, rounds) async for item in with_pauses(range(7), 3)]
    counting.cancel()
    assert [item for item, _ in seen] == list(range(7))
    assert [number for _, number in seen] == [1, 1, 1, 2, 2, 2, 3]


async def test_nothing_is_nothing() -> None:
    assert [item async for item in with_pauses(list[int](), 3)] == []
