"""Chain access over real HTTP, through a node that fails, refuses and lies on command."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, Protocol

import aiohttp
import orjson
import pytest
from aiohttp import web

from common.chain import health, log_ranges, rpc
from common.chain.client import Chain, Chains, PinnedChain
from common.chain.kept import Store
from common.chain.limits import Gates, RpcLimit
from common.chain.store.chain_store import ChainStore
from local_chain.addresses import CHAIN_ID
from local_chain.node import Node
from local_chain.scenario import Scenario
from local_stack.servers import AnvilServer
from tests.integration.chain.emitted import EMITTER, TRANSFERS, Database

Answer = dict[str, Any]


class FaultyNode:
    """An HTTP server that passes JSON-RPC on to a real node, except where a test says otherwise.

    Attributes:
        url: Where it listens, with a key in the path as providers have it.
        calls: JSON-RPC calls received, by method.
        posts: HTTP requests received, by the method that they carry.
        requests: Parameters of every call, in order.
        batch_sizes: Size of every batch received.
        http: Given the number of the HTTP request (from 1); what it returns is the whole answer.
        refuse: Given a call; what it returns stands in for the answer (`error` or `result`).
        alter: Given a call and its true result; what it returns is the result.
        refuse_batch: Given a batch; what it returns stands in for the list of answers.
        alter_batch: Given the answers to a batch; what it returns is sent.
        status: HTTP status of answers that hold an error.
        turn: Entered for each request; a lock makes a batch be answered in one go.
    """

    KEY = "v3/0123456789secret"

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self.url = ""
        self.calls: Counter[str] = Counter()
        self.posts: Counter[str] = Counter()
        self.requests: list[tuple[str, list[Any]]] = []
        self.batch_sizes: list[int] = []
        self.http: Callable[[int], Awaitable[web.StreamResponse | None]] | None = None
        self.refuse: Callable[[Answer], Answer | None] = lambda call: None
        self.alter: Callable[[Answer, Any], Any] = lambda call, result: result
        self.refuse_batch: Callable[[list[Answer]], Answer | None] = lambda batch: None
        self.alter_batch: Callable[[list[Answer]], Any] = lambda answers: answers
        self.status = 200
        self.turn: AbstractAsyncContextManager[None] = nullcontext()
        self._upstream = upstream
        self._session = session
        self._count = 0

    def reset(self) -> None:
        """Forgets what it received."""
        self.calls.clear()
        self.posts.clear()
        self.requests.clear()
        self.batch_sizes.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._count += 1
        if self.http is not None and (whole := await self.http(self._count)) is not None:
            return whole
        body = orjson.loads(await request.read())
        self.posts[(body[0] if isinstance(body, list) else body)["method"]] += 1
        if isinstance(body, list):
            self.batch_sizes.append(len(body))
            refused = self.refuse_batch(body)
            if refused is not None:
                return self._response({"jsonrpc": "2.0", "id": None} | refused)
            async with self.turn:
                answers = [await self._answer(call) for call in body]
            return self._response(self.alter_batch(answers))
        async with self.turn:
            return self._response(await self._answer(body))

    async def _answer(self, call: Answer) -> Answer:
        self.calls[call["method"]] += 1
        self.requests.append((call["method"], call["params"]))
        answer = self.refuse(call)
        if answer is None:
            async with self._session.post(self._upstream, json=call) as response:
                answer = orjson.loads(await response.read())
            if "result" in answer:
                answer["result"] = self.alter(call, answer["result"])
        return {"jsonrpc": "2.0"} | answer | {"id": call["id"]}

    def _response(self, answer: Any) -> web.Response:
        is_error = isinstance(answer, dict) and "error" in answer
        return web.Response(
            body=orjson.dumps(answer),
            status=self.status if is_error else 200,
            content_type="application/json",
        )


class CreateNode(Protocol):
    """Puts a faulty node in front of a real one."""

    async def __call__(self, upstream: str | None = None) -> FaultyNode: ...


class Connect(Protocol):
    """Opens a chain over some URLs, tried in their order; each time as a process of its own."""

    async def __call__(
        self,
        *urls: str,
        timeout_seconds: float = 30.0,
        store: Store | None = None,
        limits: Sequence[RpcLimit] = (),
        gates: Gates | None = None,
    ) -> Chain: ...


@pytest.fixture(autouse=True)
def _short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_REST_SECONDS", 0.01)
    monkeypatch.setattr(rpc, "FIRST_REST_SECONDS", 0.01)


@asynccontextmanager
async def _serve(node: FaultyNode) -> AsyncIterator[FaultyNode]:
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", node.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        node.url = f"http://127.0.0.1:{port}/{node.KEY}"
        yield node
    finally:
        await runner.cleanup()


@pytest.fixture
async def create_node(anvil_url: str) -> AsyncIterator[CreateNode]:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def create(upstream: str | None = None) -> FaultyNode:
            node = FaultyNode(upstream or anvil_url, session)
            return await stack.enter_async_context(_serve(node))

        yield create


@pytest.fixture
async def node(create_node: CreateNode, scenario: Scenario) -> FaultyNode:
    """A faulty node in front of the planted chain; without faults until the test sets some."""
    return await create_node()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def create(
            *urls: str,
            timeout_seconds: float = 30.0,
            store: Store | None = None,
            limits: Sequence[RpcLimit] = (),
            gates: Gates | None = None,
        ) -> Chain:
            chains = Chains(
                {CHAIN_ID: list(urls)},
                CHAIN_ID,
                timeout_seconds=timeout_seconds,
                store=store,
                limits={CHAIN_ID: limits},
                gates=gates,
            )
            stack.push_async_callback(chains.close)
            return await chains.get()

        yield create


@pytest.fixture
def small_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted chain is short: many ranges need small steps."""
    monkeypatch.setattr(log_ranges, "FIRST_STEP", 64)


@pytest.fixture
async def truth(anvil_url: str, scenario: Scenario, connect: Connect) -> PinnedChain:
    """The planted chain read without anything in between."""
    return await (await connect(anvil_url)).pin()


@pytest.fixture
async def pinned(node: FaultyNode, connect: Connect) -> PinnedChain:
    """The planted chain read through `node`, pinned before any fault."""
    return await (await connect(node.url)).pin()


@pytest.fixture(scope="session")
def raw(anvil_url: str, scenario: Scenario) -> Iterator[Node]:
    """The planted chain, asked without any of our code in between."""
    with Node(anvil_url) as node:
        yield node


@pytest.fixture
def stage(own_anvil: AnvilServer) -> Iterator[Node]:
    """An empty chain of the test's own."""
    with Node(own_anvil.url) as node:
        yield node


@pytest.fixture
def store(database: Database) -> ChainStore:
    return ChainStore(database)


@pytest.fixture
async def earlier(node: FaultyNode, connect: Connect, store: ChainStore) -> PinnedChain:
    """A run of another process that has read all transfers of FLOW."""
    pinned = await (await connect(node.url, store=store)).pin()
    await pinned.fetch_logs(TRANSFERS)
    node.reset()
    return pinned


@pytest.fixture
def emit(stage: Node) -> Callable[[int], None]:
    """Emits an event with a number in a block of its own, on the test's own chain."""
    # log0 of the first word of calldata
    stage.call("anvil_setCode", EMITTER, "0x6000356000526020 6000a000".replace(" ", ""))
    sender = stage.call("eth_accounts")[0]

    def emit_one(number: int) -> None:
        call = {"from": sender, "to": EMITTER, "data": f"0x{number:064x}", "gas": "0x186a0"}
        stage.call("eth_sendTransaction", call)

    return emit_one
