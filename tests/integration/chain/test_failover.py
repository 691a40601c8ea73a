"""Endpoints that fail, refuse or stay silent: another one, or another try, gives the answer."""

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from web3 import AsyncWeb3

from common.chain.client import Chain, Chains, PinnedChain
from common.chain.errors import (
    EndpointUnavailable,
    InvalidAnswer,
    InvalidRequest,
    QuotaExhausted,
    RateLimited,
    RequestTimedOut,
    Unauthorized,
    WrongChain,
)
from common.chain.types import Address, LogFilter
from local_chain import addresses
from local_chain.addresses import CHAIN_ID
from local_chain.scenario import Scenario

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, CreateNode, FaultyNode

WALLET = Address(addresses.WALLET)
NOBODY_LISTENS = "http://127.0.0.1:9/v2/0123456789secret"

Http = Callable[[int], Awaitable[web.StreamResponse | None]]


def always(status: int, text: str = "", **headers: str) -> Http:
    async def answer(_: int) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return answer


def every(n: int, status: int, text: str = "", **headers: str) -> Http:
    async def answer(count: int) -> web.StreamResponse | None:
        if count % n:
            return None
        return web.Response(status=status, text=text, headers=headers)

    return answer


async def read(chain: Chain) -> tuple[int, int]:
    pinned = await chain.pin()
    logs = await pinned.fetch_logs(LogFilter())
    return await pinned.fetch_balance(WALLET), len(logs)


@pytest.fixture
async def expected(truth: PinnedChain, scenario: Scenario) -> tuple[int, int]:
    return scenario.wallet.native_wei, len(await truth.fetch_logs(LogFilter()))


async def test_a_dead_endpoint_fails_over_to_the_next(
    node: "FaultyNode", connect: "Connect", expected: tuple[int, int]
) -> None:
    chain = await connect(NOBODY_LISTENS, node.url)
    assert await read(chain) == expected


async def test_the_first_endpoint_is_preferred_and_used_again_after_it_recovered(
    create_node: "CreateNode", connect: "Connect", scenario: Scenario
) -> None:
    first, second = await create_node(), await create_node()
    pinned = await (await connect(first.url, second.url)).pin()
    assert second.calls["eth_getBlockByNumber"] == 1  # it has been asked for the block's hash

    first.http = always(503)
    assert await pinned.fetch_balance(WALLET) == scenario.wallet.native_wei
    assert second.calls["eth_getBalance"] == 1
    assert (pinned.stats.retries, pinned.stats.failovers) == (1, 1)

    first.http = None
    await asyncio.sleep(0.05)
    await pinned.fetch_balance(WALLET)
    assert first.calls["eth_getBalance"] == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_an_endpoint_that_fails_now_and_then_is_asked_again(
    node: "FaultyNode", connect: "Connect", expected: tuple[int, int], status: int
) -> None:
    node.http = every(3, status)
    assert await read(await connect(node.url)) == expected


async def test_an_endpoint_that_always_fails_ends_in_an_error_that_says_so(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    node.http = always(503)
    with pytest.raises(EndpointUnavailable, match=r"eth_getBalance: HTTP 503 \[endpoint 1 of 1"):
        await pinned.fetch_balance(WALLET)
    assert pinned.stats.retries == 6


async def test_retry_after_is_waited_for(node: "FaultyNode", pinned: PinnedChain) -> None:
    refused_at: list[float] = []
    asked_again_at: list[float] = []

    async def once(_: int) -> web.StreamResponse | None:
        if refused_at:
            asked_again_at.append(time.monotonic())
            return None
        refused_at.append(time.monotonic())
        return web.Response(status=429, headers={"Retry-After": "1"})

    node.http = once
    await pinned.fetch_balance(WALLET)
    assert asked_again_at[0] - refused_at[0] >= 1.0


async def test_a_date_to_wait_for_is_understood(node: "FaultyNode", pinned: PinnedChain) -> None:
    node.http = always(429, **{"Retry-After": "Fri, 31 Dec 2999 23:59:59 GMT"})

    with pytest.raises(RateLimited) as raised:
        await pinned.fetch_balance(WALLET)
    assert raised.value.retry_after_seconds is not None
    assert raised.value.retry_after_seconds > 1e9


async def test_while_one_endpoint_asks_to_wait_another_one_answers(
    create_node: "CreateNode", connect: "Connect"
) -> None:
    first, second = await create_node(), await create_node()
    pinned = await (await connect(first.url, second.url)).pin()
    first.http = always(429, **{"Retry-After": "25"})

    async with asyncio.timeout(20):
        await pinned.fetch_balance(WALLET)
        await pinned.fetch_balance(WALLET)
    assert second.calls["eth_getBalance"] == 2


async def test_a_wait_longer_than_a_run_can_bear_is_an_error_at_once(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    node.http = always(429, **{"Retry-After": "3600"})
    async with asyncio.timeout(20):
        with pytest.raises(RateLimited) as raised:
            await pinned.fetch_balance(WALLET)
    assert raised.value.retryable
    assert raised.value.retry_after_seconds == 3600


async def test_a_silent_endpoint_fails_over_to_the_next(
    create_node: "CreateNode", connect: "Connect", scenario: Scenario
) -> None:
    first, second = await create_node(), await create_node()
    pinned = await (await connect(first.url, second.url, timeout_seconds=0.5)).pin()

    async def silence(_: int) -> None:
        await asyncio.sleep(60)

    first.http = silence
    assert await pinned.fetch_balance(WALLET) == scenario.wallet.native_wei
    assert len(await pinned.fetch_logs(LogFilter())) > 1_000


async def test_silence_of_the_only_endpoint_is_a_timeout(
    node: "FaultyNode", connect: "Connect", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.chain.rpc.MAX_ATTEMPTS", 2)

    async def silence(_: int) -> None:
        await asyncio.sleep(60)

    node.http = silence
    with pytest.raises(RequestTimedOut, match=r"eth_chainId: no answer in 0\.2 s"):
        await (await connect(node.url, timeout_seconds=0.2)).pin()


async def test_an_endpoint_of_another_chain_is_never_read_from(
    create_node: "CreateNode", connect: "Connect", expected: tuple[int, int]
) -> None:
    foreign, good = await create_node(), await create_node()
    foreign.alter = lambda call, result: "0x1" if call["method"] == "eth_chainId" else result

    with pytest.raises(WrongChain, match=f"configured for chain {CHAIN_ID} but serves chain 1"):
        await (await connect(foreign.url)).pin()
    assert await read(await connect(foreign.url, good.url)) == expected
    assert set(foreign.calls) == {"eth_chainId"}


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [(401, "", Unauthorized), (403, "invalid api key", Unauthorized), (402, "", QuotaExhausted)],
)
async def test_a_refusal_that_only_a_person_can_lift_is_not_repeated(
    create_node: "CreateNode", connect: "Connect", status: int, text: str, kind: type[Exception]
) -> None:
    refusing, good = await create_node(), await create_node()
    asked = 0

    async def refuse(_: int) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=status, text=text)

    refusing.http = refuse
    chain = await connect(refusing.url)
    for _ in range(3):
        with pytest.raises(kind):
            await chain.pin()
    assert asked == 1
    assert (await (await connect(refusing.url, good.url)).pin()).block.number > 0


async def test_a_request_that_makes_no_sense_is_not_repeated(
    node: "FaultyNode", pinned: PinnedChain
) -> None:
    await pinned.fetch_balance(Address("0x" + "00" * 20))
    node.reset()

    with pytest.raises(InvalidRequest):
        await pinned.fetch_balance(Address("0xnonsense"))
    assert node.calls["eth_getBalance"] == 1


@pytest.mark.parametrize("result", [None, 5, "12", "0xzz", {}, []])
async def test_an_answer_of_the_wrong_shape_is_no_answer(
    node: "FaultyNode", pinned: PinnedChain, result: object
) -> None:
    node.alter = lambda call, _: result
    with pytest.raises(InvalidAnswer, match="eth_getBalance: expected a hex quantity"):
        await pinned.fetch_balance(WALLET)


@pytest.mark.parametrize("body", ["", "<html>OK</html>", "[]", '{"jsonrpc": "2.0", "id": 1}'])
async def test_a_body_that_is_no_answer_is_asked_for_again(
    node: "FaultyNode", connect: "Connect", expected: tuple[int, int], body: str
) -> None:
    node.http = every(3, 200, body)
    assert await read(await connect(node.url)) == expected


async def test_runs_of_one_chain_count_their_own_calls(
    node: "FaultyNode", connect: "Connect"
) -> None:
    chain = await connect(node.url)
    one, other = await asyncio.gather(chain.pin(), chain.pin())
    await asyncio.gather(*(one.fetch_balance(WALLET) for _ in range(3)), other.fetch_nonce(WALLET))

    assert one.stats.by_method["eth_getBalance"] == 3
    assert "eth_getBalance" not in other.stats.by_method
    assert one.stats.bytes > 0
    assert one.stats.calls + other.stats.calls == node.calls.total()


LEAKS: list[Http] = [
    always(401),
    always(503),
    always(429, "0123456789secret has been limited"),
    always(200, "not json"),
    always(400, "see http://provider.example/v3/0123456789secret for help"),
]


@pytest.mark.parametrize("http", [*LEAKS, None])
async def test_keys_in_urls_are_shown_nowhere(
    node: "FaultyNode", caplog: pytest.LogCaptureFixture, http: Http | None
) -> None:
    caplog.set_level(logging.DEBUG)
    url = NOBODY_LISTENS if http is None else node.url.replace("//", "//user:0123456789secret@")
    node.http = http
    chains = Chains({CHAIN_ID: [SecretStr(f"{url}?key=0123456789secret")]}, CHAIN_ID)
    try:
        with pytest.raises(Exception, match="endpoint 1 of 1") as raised:
            await (await chains.get()).pin()
    finally:
        await chains.close()
    told = caplog.text + repr(raised.value) + "".join(traceback.format_exception(raised.value))
    assert "0123456789secret" not in told


async def test_an_endpoint_is_a_web3_provider(node: "FaultyNode", connect: "Connect") -> None:
    chain = await connect(node.url)
    endpoint: Any = chain._endpoints.preferred()
    web3 = AsyncWeb3(endpoint)

    assert await web3.eth.chain_id == CHAIN_ID
    assert await web3.eth.get_balance(web3.to_checksum_address(WALLET)) >= 0
    async with web3.batch_requests() as batch:
        batch.add(web3.eth.get_block(1))
        batch.add(web3.eth.get_block(2))
        blocks: Any = await batch.async_execute()
    assert [block["number"] for block in blocks] == [1, 2]
    node.http = always(429)
    with pytest.raises(RateLimited):
        await web3.eth.get_block("latest")
