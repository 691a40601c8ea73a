"""Structured logs: one line an event, with the ids of the run and the trace it belongs to."""

import json
import logging
import math
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from opentelemetry import trace

_bound: ContextVar[dict[str, Any]] = ContextVar("bound_log_fields")

_HIDDEN = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",  # of uvicorn, for terminals
}


@contextmanager
def log_fields(**fields: Any) -> Iterator[None]:
    """Add `fields` to every line logged inside the block, in this task and those it starts."""
    token = _bound.set({**_bound.get({}), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


_to_json = json.JSONEncoder(default=str).encode  # `json.dumps` would make an encoder for each line


class _Fields(logging.Filter):
    """Puts the bound fields and the trace id onto the record, where formatters find them."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in _bound.get({}).items():
            record.__dict__.setdefault(name, value)
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.__dict__.setdefault("trace_id", format(context.trace_id, "032x"))
        return True


class _Rarely(logging.Filter):
    """Lets a library that complains at every try, such as an exporter of traces, do so rarely."""

    def __init__(self, library: str, pause_seconds: float = 60.0) -> None:
        super().__init__(library)
        self._pause_seconds = pause_seconds
        self._shown_at: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not super().filter(record):
            return True
        complaint = f"{record.name} {record.levelname}"
        if record.created - self._shown_at.get(complaint, -math.inf) < self._pause_seconds:
            return False
        self._shown_at[complaint] = record.created
        return True


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _HIDDEN}


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for containers."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object with time, level, service, logger and fields."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return _to_json(line)


class TextFormatter(logging.Formatter):
    """A line for a person at a terminal."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, service, message and `key=value` fields."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        fields = "".join(f" {name}={value}" for name, value in _extras(record).items())
        text = f"{moment} {record.levelname:<7} {self._service}: {record.getMessage()}{fields}"
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return text


def configure_logging(service: str, level: str, style: Literal["json", "text"]) -> None:
    """Send all logs of this process to standard output in one format.

    Args:
        service: Name shown in each line.
        level: Lowest level shown, such as `INFO`.
        style: `json` for containers, `text` for a terminal.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service) if style == "json" else TextFormatter(service))
    handler.addFilter(_Fields())
    handler.addFilter(_Rarely("opentelemetry"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("uvicorn", "httpx", "pymongo", "web3", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
