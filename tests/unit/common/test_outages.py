"""A server that is away for minutes is told once, then once a minute, and when it is back."""

import logging
import time

import pytest
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from common.outages import Outage, describe_error

LOGGER = logging.getLogger("test")
AWAY = ServerSelectionTimeoutError("mongodb://user:s3cret@host")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the clock shows, as a list of one."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_failures_in_a_row_are_one_line_a_minute(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    outage = Outage(LOGGER, "emit")
    for _ in range(150):
        outage.note(AWAY)
        clock[0] += 1
    assert messages(caplog) == ["cannot emit, trying again"] * 3
    assert outage.seconds == 150


def test_the_end_is_told_and_the_next_outage_too(
    clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outage = Outage(LOGGER, "emit", stream="s")
    outage.note(AWAY)
    clock[0] += 30
    outage.end()
    outage.end()
    assert outage.seconds is None
    outage.note(AWAY)
    assert messages(caplog) == [
        "cannot emit, trying again",
        "can emit again",
        "cannot emit, trying again",
    ]
    assert vars(caplog.records[1])["after_seconds"] == 30
    assert {vars(record)["stream"] for record in caplog.records} == {"s"}


def test_an_error_is_named_without_its_text() -> None:
    assert describe_error(AWAY) == "ServerSelectionTimeoutError"
    assert describe_error(OperationFailure("user s3cret", code=13)) == "OperationFailure 13"
