"""A process ends as a whole: on request, and when a part of it fails."""

import asyncio

import pytest

from common.process import end_tasks, run_together, wait_for


async def until(stop: asyncio.Event) -> None:
    await stop.wait()


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    await asyncio.sleep(0)
    raise ZeroDivisionError("a bug")


async def test_what_runs_beside_the_work_ends_with_it() -> None:
    stop, ended = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        try:
            await for_ever()
        finally:
            ended.set()

    together = asyncio.create_task(run_together(stop, {"work": until(stop)}, {"serve": serve()}))
    await asyncio.sleep(0.01)
    assert not together.done()
    stop.set()
    await asyncio.wait_for(together, timeout=30)
    assert ended.is_set()


@pytest.mark.parametrize("place", ["work", "beside"])
async def test_a_part_that_fails_ends_the_others_and_is_told(place: str) -> None:
    stop = asyncio.Event()
    work, beside = {"loop": until(stop)}, {"serve": for_ever()}
    (work if place == "work" else beside)["broken"] = fail()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(run_together(stop, work, beside), timeout=30)
    assert stop.is_set()


async def test_a_service_beside_that_has_nothing_to_do_is_no_failure() -> None:
    stop = asyncio.Event()
    nothing = asyncio.sleep(0, None)
    together = asyncio.create_task(run_together(stop, {"work": until(stop)}, {"health": nothing}))
    await asyncio.sleep(0.01)
    assert not together.done()
    stop.set()
    await asyncio.wait_for(together, timeout=30)


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swallowed = asyncio.Event()

    async def stubborn() -> None:
        try:
            await for_ever()
        except asyncio.CancelledError:
            swallowed.set()
        await for_ever()

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks([task]), timeout=30)
    assert swallowed.is_set()
    assert task.cancelled()


async def test_ending_nothing_takes_no_time() -> None:
    await end_tasks([])


async def test_a_wait_tells_whether_the_end_came() -> None:
    stop = asyncio.Event()
    assert not await wait_for(stop, 0.001)
    stop.set()
    assert await wait_for(stop, 3_600)
