"""One OpenTelemetry CLIENT span a request, without anything of the URL but its host."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from common.chain.errors import ChainError

_tracer = trace.get_tracer("common.chain")


@contextmanager
def request_span(method: str, host: str, attributes: Mapping[str, str | int]) -> Iterator[None]:
    """Opens a span named by the method; a ChainError inside becomes its status."""
    with _tracer.start_as_current_span(
        method,
        kind=SpanKind.CLIENT,
        attributes={
            "rpc.system": "jsonrpc",
            "rpc.method": method,
            "server.address": host,
            **attributes,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except ChainError as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR, str(error)))
            raise
