"""A batcher joins what is asked for at the same time, and gives each caller its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from common.batching import Batcher


class _Recorder:
    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.fails = False

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.calls.append(list(items))
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError("away")
        return [10 * item for item in items]


async def test_what_arrives_during_one_call_makes_up_the_next() -> None:
    handle = _Recorder()
    batcher = Batcher(handle, most=100)

    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0)
    later = [asyncio.create_task(batcher.submit(item)) for item in (2, 3, 4)]

    assert await asyncio.gather(first, *later) == [10, 20, 30, 40]
    assert sorted(item for call in handle.calls for item in call) == [1, 2, 3, 4]
    assert len(handle.calls) <= 2


async def test_a_call_is_never_larger_than_allowed() -> None:
    handle = _Recorder()
    batcher = Batcher(handle, most=3)

    results = await asyncio.gather(*(batcher.submit(item) for item in range(10)))

    assert results == [10 * item for item in range(10)]
    assert max(len(call) for call in handle.calls) == 3


async def test_a_failed_call_fails_those_who_were_part_of_it_and_nobody_after() -> None:
    handle = _Recorder()
    batcher = Batcher(handle, most=100)
    handle.fails = True
    with pytest.raises(ConnectionError):
        await batcher.submit(1)
    handle.fails = False

    assert await batcher.submit(2) == 20


async def test_a_cancelled_caller_leaves_the_others_alone() -> None:
    handle = _Recorder()
    batcher = Batcher(handle, most=100)
    impatient = asyncio.create_task(batcher.submit(1))
    patient = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    impatient.cancel()

    assert await patient == 20
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_calls_that_are_not_full_follow_one_another_after_a_pause() -> None:
    handle = _Recorder()
    batcher = Batcher(handle, most=2, pause_seconds=0.05)

    await batcher.submit(1)
    later = asyncio.gather(*(batcher.submit(item) for item in (2, 3, 4)))
    await asyncio.sleep(0)
    assert handle.calls == [[1]]

    assert await later == [20, 30, 40]
    assert handle.calls == [[1], [2, 3], [4]]
