"""A receiver of OTLP/HTTP traces: keeps the newest spans in memory and shows a trace as a tree.

Enough to see on one machine, and to assert in a test, that a job is one trace over all services.
"""

import gzip
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SPANS_KEPT: Final = 50_000
MAX_BODY_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class ReceivedSpan:
    """One span as exported. Ids are lower-case hex, times nanoseconds since the Unix epoch."""

    trace_id: str
    span_id: str
    parent_id: str | None
    links: tuple[str, ...]
    service: str
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: dict[str, Any]


class TraceReceiver:
    """Listens on 127.0.0.1 and keeps the newest spans."""

    def __init__(self, port: int = 0) -> None:
        """Listen on `port`, or on any free one."""
        self._spans: deque[ReceivedSpan] = deque(maxlen=SPANS_KEPT)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._receive(self)

            def log_message(self, *_: object) -> None:
                """Exports every second are not worth a line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)

    @property
    def endpoint(self) -> str:
        """Value for OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["TraceReceiver"]:
        """Receive while the block runs."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def spans(self, trace_id: str) -> list[ReceivedSpan]:
        """Return the spans of a trace received so far, by start."""
        found = [span for span in list(self._spans) if span.trace_id == trace_id]
        return sorted(found, key=lambda span: span.start_ns)

    def _receive(self, request: BaseHTTPRequestHandler) -> None:
        status, answer = 200, ExportTraceServiceResponse().SerializeToString()
        length = int(request.headers.get("content-length", 0))
        if request.path != "/v1/traces" or not 0 < length <= MAX_BODY_BYTES:
            status, answer = 404, b""
        else:
            body = request.rfile.read(length)
            try:
                if request.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                self._spans.extend(decode_spans(body))
            except (DecodeError, OSError):
                status, answer = 400, b""
        request.send_response(status)
        request.send_header("content-type", "application/x-protobuf")
        request.send_header("content-length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)


def decode_spans(body: bytes) -> Iterator[ReceivedSpan]:
    """Yield the spans of an ExportTraceServiceRequest.

    Raises:
        DecodeError: `body` is not one.
    """
    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope in resource_spans.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex() or None,
                    links=tuple(link.trace_id.hex() for link in span.links),
                    service=str(resource.get("service.name", "unknown")),
                    name=span.name,
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes=_attributes(span.attributes),
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value"))
        for pair in pairs
        if pair.value.WhichOneof("value")
    }


def trace_tree(spans: list[ReceivedSpan], most: int = 40) -> list[str]:
    """Return a trace as indented lines: service, span, when it began and how long it took.

    Args:
        spans: The spans of one trace.
        most: Lines at most; how many were left out is told in a last line.
    """
    if not spans:
        return []
    known = {span.span_id for span in spans}
    children: dict[str | None, list[ReceivedSpan]] = {}
    for span in sorted(spans, key=lambda each: each.start_ns):
        parent = span.parent_id if span.parent_id in known else None
        children.setdefault(parent, []).append(span)
    origin_ns = min(span.start_ns for span in spans)
    lines: list[str] = []

    def add(span: ReceivedSpan, depth: int) -> None:
        begin = (span.start_ns - origin_ns) / 1e6
        took = (span.end_ns - span.start_ns) / 1e6
        label = f"{'  ' * depth}{span.name}{'  FAILED' if span.failed else ''}"
        lines.append(f"{span.service:<14} {label:<58} +{begin:>8.1f} ms {took:>8.1f} ms")
        for child in children.get(span.span_id, []):
            add(child, depth + 1)

    for root in children.get(None, []):
        add(root, 0)
    if len(lines) > most:
        lines[most:] = [f"... and {len(lines) - most} more spans"]
    return lines
