"""Traces: set up once a process, carried inside events and jobs as W3C `traceparent`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

tracer = trace.get_tracer("job-runner")

EXPORT_TIMEOUT_SECONDS = 3.0
"""All tries of one export. A receiver that is away delays the end of a process by about that."""


@contextmanager
def tracing(service: str, instance: str, endpoint: str | None) -> Iterator[None]:
    """Trace this process while the block runs, and export by OTLP/HTTP if there is an endpoint.

    Without one nothing is recorded, but trace ids still exist, so that logs and runs show them.

    Args:
        service: `service.name` of the spans.
        instance: `service.instance.id`, unique among replicas.
        endpoint: Base URL of the receiver, such as `http://127.0.0.1:4318`.
    """
    resource = Resource.create({"service.name": service, "service.instance.id": instance})
    if endpoint is None:
        provider = TracerProvider(resource=resource, sampler=ALWAYS_OFF)
    else:
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
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the 32 hex digits of the trace that a `traceparent` names, None if it names none."""
    origin = trace.get_current_span(_context_of(traceparent)).get_span_context()
    return format(origin.trace_id, "032x") if origin.is_valid else None


def _context_of(traceparent: str | None) -> Context:
    return propagate.extract({"traceparent": traceparent} if traceparent else {}, context=Context())


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
    return tracer.start_span(name, Context(), kind=kind, attributes=attributes, links=links)


@contextmanager
def child_span(
    name: str, traceparent: str | None, kind: SpanKind, attributes: Mapping[str, str | int]
) -> Iterator[Span]:
    """Open a span under the one that `traceparent` names, or a root span when it is None."""
    with tracer.start_as_current_span(
        name, context=_context_of(traceparent), kind=kind, attributes=attributes
    ) as span:
        yield span


def record_failure(span: Span, error_type: str, message: str) -> None:
    """Mark `span` as failed with the error's type and message."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR, message))
