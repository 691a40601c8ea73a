"""Batches of outcomes are recorded side by side, but only so many, and none without an end."""

import asyncio
import logging
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from common.consumer import Entry, Source
from scheduler.intake import MOST_RECORDING, OutcomeIntake
from scheduler.outcomes import OutcomeEvent
from scheduler.recorder import OutcomeRecorder

MOST = 2


class SlowRecorder:
    """Records when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def record(self, events: Any) -> None:
        self.begun += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def recorder() -> SlowRecorder:
    return SlowRecorder()


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def redis() -> AsyncMock:
    return AsyncMock()


@pytest.fixture
def intake(recorder: SlowRecorder, stop: asyncio.Event, redis: AsyncMock) -> OutcomeIntake:
    source = Source("outcomes", "group", "me")
    known = cast("OutcomeRecorder", recorder)
    return OutcomeIntake(redis, source, known, stop, asyncio.Event(), most=MOST)


def batch(number: int) -> list[Entry[OutcomeEvent]]:
    event = cast("OutcomeEvent", object())
    return [Entry(id=f"{number}-0", event=event) for number in range(number)]


async def test_while_a_full_batch_is_recorded_the_next_ones_are_taken_up_to_a_limit(
    intake: OutcomeIntake, recorder: SlowRecorder
) -> None:
    for _ in range(MOST_RECORDING):
        await intake.handle(batch(MOST))
    further = asyncio.create_task(intake.handle(batch(MOST)))
    await asyncio.sleep(0.01)
    assert recorder.begun == MOST_RECORDING
    assert not further.done()
    recorder.may_end.set()
    await further
    await intake.drain()
    assert recorder.begun == MOST_RECORDING + 1


async def test_a_batch_that_is_not_full_is_recorded_before_more_is_taken(
    intake: OutcomeIntake, recorder: SlowRecorder
) -> None:
    handling = asyncio.create_task(intake.handle(batch(MOST - 1)))
    await asyncio.sleep(0.01)
    assert recorder.begun == 1
    assert not handling.done()
    recorder.may_end.set()
    await handling


async def test_draining_waits_for_what_is_being_recorded(
    intake: OutcomeIntake, recorder: SlowRecorder, stop: asyncio.Event, redis: AsyncMock
) -> None:
    await intake.handle(batch(MOST))
    await asyncio.sleep(0.01)
    stop.set()
    draining = asyncio.create_task(intake.drain())
    await asyncio.sleep(0.01)
    assert not draining.done()
    recorder.may_end.set()
    await draining
    redis.xack.assert_awaited_once()


async def test_an_error_that_nobody_foresaw_is_told_and_the_entries_stay_pending(
    intake: OutcomeIntake,
    recorder: SlowRecorder,
    redis: AsyncMock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder.error = RuntimeError("unforeseen")
    recorder.may_end.set()
    with pytest.raises(RuntimeError):  # which the consumer logs
        await intake.handle(batch(MOST - 1))
    with caplog.at_level(logging.ERROR):
        await intake.handle(batch(MOST))
        await intake.drain()
        await asyncio.sleep(0)
    assert "outcomes not recorded" in caplog.text
    redis.xack.assert_not_awaited()
    recorder.error = None
    await intake.handle(batch(1))
    redis.xack.assert_awaited_once()
