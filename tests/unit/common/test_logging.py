"""Log lines carry the ids of what they are about, one line an event, and no flood."""

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider

from common.logging import configure_logging, log_fields


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_json_line_names_time_level_service_message_and_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("scheduler", "INFO", "json")
    logging.getLogger("here").info("%s runs", 3, extra={"action": "x"})
    (line,) = lines(capsys)
    assert line.pop("time")
    assert line == {
        "level": "INFO",
        "service": "scheduler",
        "logger": "here",
        "message": "3 runs",
        "action": "x",
    }


async def test_bound_fields_belong_to_their_task(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("worker", "INFO", "json")

    async def attempt(run_id: str) -> None:
        with log_fields(run_id=run_id, attempt=1):
            await asyncio.sleep(0)
            with log_fields(attempt=2):
                logging.getLogger("here").info("step")

    await asyncio.gather(attempt("a"), attempt("b"))
    logging.getLogger("here").info("outside")
    inner = [(line.get("run_id"), line.get("attempt")) for line in lines(capsys)]
    assert inner == [("a", 2), ("b", 2), (None, None)]


def test_a_line_logged_inside_a_span_names_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("worker", "INFO", "json")
    with TracerProvider().get_tracer("test").start_as_current_span("work") as span:
        logging.getLogger("here").info("inside")
    logging.getLogger("here").info("outside")
    inside, outside = lines(capsys)
    assert inside["trace_id"] == format(span.get_span_context().trace_id, "032x")
    assert "trace_id" not in outside


def test_a_traceback_is_one_field_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("worker", "INFO", "json")
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError:
        logging.getLogger("here").exception("broke")
    (line,) = lines(capsys)
    assert "ZeroDivisionError: a bug" in str(line["traceback"])


def test_values_that_json_does_not_know_are_shown_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("worker", "INFO", "json")
    logging.getLogger("here").info("odd", extra={"value": {1}, "error": ValueError("x")})
    (line,) = lines(capsys)
    assert (line["value"], line["error"]) == ("{1}", "x")


def test_text_for_a_terminal_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("worker", "INFO", "text")
    with log_fields(run_id="a"):
        logging.getLogger("here").warning("slow", extra={"seconds": 3})
    text = capsys.readouterr().out
    assert "WARNING worker: slow" in text
    assert "run_id=a" in text
    assert "seconds=3" in text


def test_levels_below_the_wanted_one_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("worker", "WARNING", "json")
    logging.getLogger("here").info("quiet")
    assert lines(capsys) == []


@pytest.mark.parametrize("library", ["uvicorn.error", "uvicorn.access", "httpx", "pymongo"])
def test_chatter_of_libraries_is_not_shown(
    library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("worker", "INFO", "json")
    logging.getLogger(library).info("Started server process", extra={"color_message": "\x1b[36m"})
    logging.getLogger(library).warning("careful", extra={"color_message": "\x1b[36m"})
    (line,) = lines(capsys)
    assert line["message"] == "careful"
    assert "color_message" not in line


def test_an_exporter_without_a_receiver_complains_once_a_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("worker", "INFO", "json")
    exporter = logging.getLogger("opentelemetry.exporter.otlp")
    for number in range(50):
        exporter.warning("failed try %s", number)
    exporter.error("given up")
    logging.getLogger("opentelemetrics").warning("somebody else")
    assert [line["message"] for line in lines(capsys)] == [
        "failed try 0",
        "given up",
        "somebody else",
    ]
