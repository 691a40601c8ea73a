"""Traces: set up once a process, carried inside events and jobs as W3C `traceparent`."""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    INVALID_SPAN_ID,
    INVALID_TRACE_ID,
    Link,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)

tracer = trace.get_tracer("job-runner")

EXPORT_TIMEOUT_SECONDS = 3.0
"""All tries of one export. A receiver that is away delays the end of a process by about that."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NO_CONTEXT = Context()


class _IdsOnly(NoOpTracer):
    """Records nothing, but begins a trace where there is none: logs and runs show its id.

    The SDK's spans do the same with a sampler that is always off, at several times the cost.
    """

    def start_span(
        self, name: str, context: Context | None = None, *args: Any, **kwargs: Any
    ) -> Span:
        parent = trace.get_current_span(context)
        if parent.get_span_context().is_valid:
            return parent
        ids = random.getrandbits(128) or 1, random.getrandbits(64) or 1
        return NonRecordingSpan(SpanContext(*ids, is_remote=False))


class _IdsOnlyProvider(trace.TracerProvider):
    # not a NoOpTracerProvider: for those FastAPI starts no span, and requests had no trace id
    def get_tracer(self, *args: Any, **kwargs: Any) -> Tracer:
        return _IdsOnly()


@contextmanager
def tracing(service: str, instance: str, endpoint: str | None) -> Iterator[None]:
    """Trace this process while the block runs, and export by OTLP/HTTP if there is an endpoint.

    Without one nothing is recorded, but trace ids still exist, so that logs and runs show them.

    Args:
        service: `service.name` of the spans.
        instance: `service.instance.id`, unique among replicas.
        endpoint: Base URL of the receiver, such as `http://127.0.0.1:4318`.
    """
    if endpoint is None:
        trace.set_tracer_provider(_IdsOnlyProvider())
        yield
        return
    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT_SECONDS
    )
    # the default queue of 2,048 drops spans when a burst of runs ends at once
    provider.add_span_processor(
        BatchSpanProcessor(exporter, max_queue_size=16_384, schedule_delay_millis=1_000)
    )
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def current_traceparent() -> str | None:
    """Return the active span's W3C `traceparent`, None outside any span."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(span: Span) -> str | None:
    """Return the W3C `traceparent` that names `span`, None if it has no ids."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the 32 hex digits of the trace that a `traceparent` names, None if it names none."""
    origin = trace.get_current_span(_context_of(traceparent)).get_span_context()
    return format(origin.trace_id, "032x") if origin.is_valid else None


def _context_of(traceparent: str | None) -> Context:
    """Return a context whose active span is the one named; an empty one if it names none.

    What is read is what `traceparent_of` writes, and any later version of it
    (https://www.w3.org/TR/trace-context/#versioning-of-traceparent).
    """
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None:
        return _NO_CONTEXT
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    if trace_id == INVALID_TRACE_ID or span_id == INVALID_SPAN_ID:
        return _NO_CONTEXT
    origin = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return trace.set_span_in_context(NonRecordingSpan(origin), _NO_CONTEXT)


def start_span(
    name: str,
    traceparent: str | None,
    *,
    linked: bool,
    kind: SpanKind,
    attributes: Mapping[str, str | int],
) -> Span:
    """Start a span that its caller ends.

    Args:
        name: A verb and an action, such as `dispatch wallet_snapshot`.
        traceparent: The span it follows from; None starts a trace.
        linked: Start a new trace that only links to `traceparent`, for what happens long after.
        kind: Role of the span in messaging.
        attributes: What it is about.
    """
    parent = _context_of(traceparent)
    if not linked:
        return tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
    origin = trace.get_current_span(parent).get_span_context()
    links = [Link(origin, {"link.kind": "scheduled_by"})] if origin.is_valid else []
    return tracer.start_span(name, _NO_CONTEXT, kind=kind, attributes=attributes, links=links)


def child_span(
    name: str, traceparent: str | None, kind: SpanKind, attributes: Mapping[str, str | int]
) -> AbstractContextManager[Span]:
    """Open a span under the one that `traceparent` names, or a root span when it is None."""
    parent = _context_of(traceparent)
    span = tracer.start_span(name, context=parent, kind=kind, attributes=attributes)
    # `start_as_current_span` does the same through three generators, at twice the cost
    return trace.use_span(span, end_on_exit=True)


def record_failure(span: Span, error_type: str, message: str) -> None:
    """Mark `span` as failed with the error's type and message."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR, message))
