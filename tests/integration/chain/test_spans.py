"""What a trace shows of a chain read."""

from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from common.chain import spans
from common.chain.client import PinnedChain
from common.chain.errors import ChainError
from common.chain.types import Address, LogFilter
from local_chain import addresses

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, FaultyNode

WALLET = Address(addresses.WALLET)


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(spans, "_tracer", provider.get_tracer("common.chain"))
    return exporter


async def test_each_request_is_a_client_span_named_by_its_method(
    node: "FaultyNode", connect: "Connect", finished: InMemorySpanExporter
) -> None:
    pinned = await (await connect(node.url)).pin()
    await pinned.fetch_logs(LogFilter(), 10, 20)
    await pinned.fetch_timestamps([1, 2])

    names = [span.name for span in finished.get_finished_spans()]
    assert names[:2] == ["eth_chainId", "eth_getBlockByNumber"]
    assert names[-1] == "eth_getBlockByNumber"
    batch = finished.get_finished_spans()[-1]
    [logs] = [
        span
        for span in finished.get_finished_spans()
        if (span.attributes or {}).get("chain.from_block") == 10
    ]
    assert logs.kind is SpanKind.CLIENT
    assert dict(logs.attributes or {}) == {
        "rpc.system": "jsonrpc",
        "rpc.method": "eth_getLogs",
        "server.address": "127.0.0.1",
        "chain.from_block": 10,
        "chain.to_block": 20,
    }
    assert (batch.attributes or {})["chain.batch_size"] == 2
    assert node.KEY not in "".join(span.to_json() for span in finished.get_finished_spans())


async def test_a_failed_request_is_a_failed_span_without_secrets(
    node: "FaultyNode", pinned: PinnedChain, finished: InMemorySpanExporter
) -> None:
    async def refuse(_: int) -> web.StreamResponse:
        return web.Response(status=402, text="quota of 0123456789secret")

    node.http = refuse
    with pytest.raises(ChainError):
        await pinned.fetch_balance(WALLET)

    [span] = finished.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "QuotaExhausted"
    assert "0123456789secret" not in span.to_json()
