"""Trace context goes along with events, and a receiver that is away holds nobody up."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from common import telemetry
from common.telemetry import (
    child_span,
    current_traceparent,
    record_failure,
    start_span,
    trace_id_of,
)

REQUEST = "00-11111111111111111111111111111111-2222222222222222-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """All spans that were ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    return exporter


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format(span.context.trace_id, "032x")


def test_what_follows_at_once_is_part_of_the_same_trace(spans: InMemorySpanExporter) -> None:
    start_span("dispatch x", REQUEST, linked=False, kind=SpanKind.PRODUCER, attributes={}).end()
    (span,) = spans.get_finished_spans()
    assert trace_of(span) == trace_id_of(REQUEST)
    assert span.parent is not None
    assert not span.links


def test_what_follows_later_is_a_trace_of_its_own_that_names_the_first(
    spans: InMemorySpanExporter,
) -> None:
    start_span("dispatch x", REQUEST, linked=True, kind=SpanKind.PRODUCER, attributes={}).end()
    (span,) = spans.get_finished_spans()
    assert trace_of(span) != trace_id_of(REQUEST)
    assert span.parent is None
    assert [format(link.context.trace_id, "032x") for link in span.links] == [trace_id_of(REQUEST)]


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", "00-zz-yy-01"])
@pytest.mark.parametrize("linked", [True, False])
def test_without_an_origin_a_trace_begins(
    spans: InMemorySpanExporter, traceparent: str | None, linked: bool
) -> None:
    start_span("x", traceparent, linked=linked, kind=SpanKind.PRODUCER, attributes={}).end()
    with child_span("y", traceparent, SpanKind.CONSUMER, {}):
        pass
    for span in spans.get_finished_spans():
        assert span.parent is None
        assert not span.links


def test_the_context_inside_a_span_names_that_span(spans: InMemorySpanExporter) -> None:
    assert current_traceparent() is None
    with child_span("process x", REQUEST, SpanKind.CONSUMER, {"job.id": "j"}):
        inside = current_traceparent()
    (span,) = spans.get_finished_spans()
    assert inside is not None
    assert inside.split("-")[1:3] == [trace_id_of(REQUEST), format(span.context.span_id, "016x")]


def test_a_failure_is_told_by_its_type_and_message(spans: InMemorySpanExporter) -> None:
    with child_span("process x", None, SpanKind.CONSUMER, {}) as span:
        record_failure(span, "LeaseLost", "the worker died")
    (ended,) = spans.get_finished_spans()
    assert ended.status.status_code is StatusCode.ERROR
    assert ended.status.description == "the worker died"
    assert ended.attributes is not None
    assert ended.attributes["error.type"] == "LeaseLost"


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process without a receiver of traces."""
    monkeypatch.setattr(telemetry, "tracer", telemetry._IdsOnlyProvider().get_tracer("test"))


@pytest.mark.usefixtures("off")
def test_without_a_receiver_a_trace_is_handed_on_and_nothing_recorded() -> None:
    with child_span("process x", REQUEST, SpanKind.CONSUMER, {}) as span:
        assert current_traceparent() == REQUEST
        assert not span.is_recording()


@pytest.mark.usefixtures("off")
@pytest.mark.parametrize("linked", [True, False])
def test_without_a_receiver_traces_still_have_ids_of_their_own(linked: bool) -> None:
    origin = REQUEST if linked else None
    begun = [
        telemetry.traceparent_of(
            start_span("x", origin, linked=linked, kind=SpanKind.PRODUCER, attributes={})
        )
        for _ in range(2)
    ]
    traces = {trace_id_of(each) for each in begun}
    assert len(traces) == 2
    assert not traces & {None, trace_id_of(REQUEST)}
