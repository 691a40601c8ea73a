"""Fixtures of the tests on real servers."""

import gc
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from local_stack.servers import AnvilServer
from tests.integration.engine_harness import Servers
from tests.integration.stage import Stage

Answer = dict[str, Any]
Change = Callable[[Answer, Answer], Answer]


@pytest.fixture
async def between(anvil_url: str) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Start an endpoint before a node that changes answers: given a call and the node's answer."""
    runners: list[web.AppRunner] = []

    async def start(change: Change, node_url: str = anvil_url) -> str:
        async def answer(request: web.Request) -> web.Response:
            body = await request.json()
            async with aiohttp.ClientSession() as session:
                answered = json.loads(await (await session.post(node_url, json=body)).read())
            if not isinstance(body, list):
                return web.json_response(change(body, answered))
            by_id = {each["id"]: each for each in answered}
            return web.json_response([change(call, by_id[call["id"]]) for call in body])

        app = web.Application(client_max_size=2**26)
        app.router.add_post("/", answer)
        runner = web.AppRunner(app)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        return f"http://127.0.0.1:{port}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def refusing(between: Callable[..., Awaitable[str]], anvil_url: str) -> Callable[..., Any]:
    """Start an endpoint before a node that answers some methods with an error."""

    async def start(
        methods: str | tuple[str, ...], error: dict[str, object], node_url: str = anvil_url
    ) -> str:
        refused = (methods,) if isinstance(methods, str) else methods

        def change(call: Answer, answer: Answer) -> Answer:
            if call["method"] in refused:
                return {"jsonrpc": "2.0", "id": call["id"], "error": error}
            return answer

        return await between(change, node_url)

    return start


@pytest.fixture
def servers(
    redis_url: str, mongodb_uri: str, database_name: str, anvil_url: str
) -> Iterator[Servers]:
    """The session's servers, with a database and an empty Redis for this test."""
    yield Servers(redis_url, mongodb_uri, database_name, anvil_url)
    # A crash in the middle of connecting leaves a socket to the garbage collector, as a killed
    # process leaves it to the kernel: it goes here, not as the failure of some later test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def stage(own_anvil: AnvilServer) -> Iterator[Stage]:
    """Return an empty chain of the test's own."""
    with httpx.Client(base_url=own_anvil.url) as rpc:
        yield Stage(rpc)
