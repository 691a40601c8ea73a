"""A loop survives what passes, ends on what does not, and shows whether it lives."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pymongo.errors import AutoReconnect
from redis.exceptions import ConnectionError as RedisConnectionError

from common.process import end_tasks
from scheduler import loops
from scheduler.loops import Loop

Step = Callable[[], Awaitable[bool]]


def steps_of(*results: bool | Exception) -> tuple[Step, list[int], asyncio.Event]:
    """Return a step with these results, its calls, and an event set after the last."""
    left = list(results)
    calls: list[int] = []
    done = asyncio.Event()

    async def step() -> bool:
        calls.append(len(calls))
        if not left:
            return False
        result = left.pop(0)
        if not left:
            done.set()
        if isinstance(result, Exception):
            raise result
        return result

    return step, calls, done


async def stopped(task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    stop.set()
    await asyncio.wait_for(task, timeout=30)


async def test_a_step_with_more_to_do_is_repeated_at_once() -> None:
    step, calls, done = steps_of(True, True, True, False)
    stop = asyncio.Event()
    task = asyncio.create_task(Loop("test", step, pause_seconds=3_600).run(stop))
    await asyncio.wait_for(done.wait(), timeout=30)
    await stopped(task, stop)
    assert len(calls) == 4


async def test_a_wake_up_ends_a_pause() -> None:
    stop, wake, called = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def step() -> bool:
        called.set()
        return False

    task = asyncio.create_task(Loop("test", step, 3_600, wake).run(stop))
    for _ in range(3):
        await asyncio.wait_for(called.wait(), timeout=30)
        called.clear()
        wake.set()
    await stopped(task, stop)


@pytest.mark.parametrize("error", [AutoReconnect("x"), RedisConnectionError("x"), TimeoutError()])
async def test_passing_faults_are_survived_and_logged_once(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "RETRY_SECONDS", 0.001)
    step, _, done = steps_of(error, error, error, True)
    stop = asyncio.Event()
    loop = Loop("test", step, pause_seconds=0.001)
    assert await loop.succeeds() == "not begun"
    task = asyncio.create_task(loop.run(stop))
    await asyncio.wait_for(done.wait(), timeout=30)
    await stopped(task, stop)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert await loop.succeeds() is None


async def test_a_failing_loop_is_alive_and_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    step, _, done = steps_of(AutoReconnect("x"))
    stop = asyncio.Event()
    loop = Loop("test", step, pause_seconds=0.001)
    task = asyncio.create_task(loop.run(stop))
    await asyncio.wait_for(done.wait(), timeout=30)
    await asyncio.sleep(0)
    assert "fails since" in (await loop.succeeds() or "")
    assert await loop.goes_round() is None
    await stopped(task, stop)


async def test_a_bug_ends_the_loop() -> None:
    step, _, _ = steps_of(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        await Loop("test", step, pause_seconds=0.001).run(asyncio.Event())


async def test_a_loop_that_hangs_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = asyncio.Event()

    async def hang() -> bool:
        entered.set()
        await asyncio.Event().wait()
        return False

    loop = Loop("test", hang, pause_seconds=0.001)
    task = asyncio.create_task(loop.run(asyncio.Event()))
    await asyncio.wait_for(entered.wait(), timeout=30)
    assert await loop.goes_round() is None
    monkeypatch.setattr(loops, "SILENCE_SECONDS", 0.0)
    assert "hangs since" in (await loop.goes_round() or "")
    await end_tasks([task])


async def test_a_loop_that_waits_for_its_beginning_is_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loops, "SILENCE_SECONDS", 0.0)
    step, _, _ = steps_of(False)
    assert await Loop("test", step, pause_seconds=1).goes_round() is None
