"""Limits of an endpoint hold for all processes together; no Redis and no holder stalls them."""

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from redis.asyncio import Redis

from common.chain import limits, shared_limits
from common.chain.client import Chain
from common.chain.errors import RateLimited
from common.chain.limits import RpcLimit, endpoint_digest
from common.chain.shared_limits import PREFIX, SharedGates
from common.chain.store.chain_store import FACTS, ChainStore
from common.chain.types import Address, LogFilter
from common.redis_client import create_redis
from local_stack.servers import RedisServer

if TYPE_CHECKING:
    from tests.integration.chain.conftest import Connect, CreateNode, FaultyNode

SLOTS = 3


def slots_of(url: str) -> str:
    return f"{PREFIX}:{{{endpoint_digest(url)}}}:slots"


@pytest.fixture(autouse=True)
def _patient_with_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine Redis answers late and is not away."""
    monkeypatch.setattr(shared_limits, "REDIS_SECONDS", 20.0)


@pytest.fixture
def busy(node: "FaultyNode") -> list[int]:
    """Makes each request take a while; how many were under way when each of them came."""
    under_way, seen = [0], []

    async def slowly(_: int) -> web.StreamResponse | None:
        under_way[0] += 1
        seen.append(under_way[0])
        await asyncio.sleep(0.05)
        under_way[0] -= 1
        return None

    node.http = slowly
    return seen


async def read(chain: Chain, times: int) -> None:
    pinned = await chain.pin()
    await asyncio.gather(*(pinned.fetch_balance(account(number)) for number in range(times)))


def account(number: int) -> Address:
    return Address(f"0x{number + 1:040x}")


async def test_processes_together_have_no_more_requests_under_way_than_allowed(
    node: "FaultyNode", connect: "Connect", redis_url: str, busy: list[int]
) -> None:
    limit = RpcLimit(concurrency=SLOTS)
    clients = [create_redis(SecretStr(redis_url)) for _ in range(3)]
    processes = [
        await connect(node.url, limits=[limit], gates=SharedGates(client)) for client in clients
    ]

    await asyncio.gather(*(read(chain, 10) for chain in processes))

    assert max(busy) == SLOTS
    assert await clients[0].zcard(slots_of(node.url)) == 0
    for client in clients:
        await client.aclose()


async def test_processes_together_send_no_more_calls_a_second_than_allowed(
    node: "FaultyNode", connect: "Connect", redis: Redis
) -> None:
    limit = RpcLimit(requests_per_second=40)
    processes = [
        await connect(node.url, limits=[limit], gates=SharedGates(redis)) for _ in range(2)
    ]
    arrivals: list[float] = []

    async def note(_: int) -> web.StreamResponse | None:
        arrivals.append(time.monotonic())
        return None

    node.http = note
    started = time.monotonic()
    await asyncio.gather(*(read(chain, 20) for chain in processes))

    assert len(arrivals) > 40
    assert arrivals[-1] - started >= (len(arrivals) - 1) / 40 - limits.BURST_SECONDS


async def test_each_call_of_a_batch_counts(
    node: "FaultyNode", connect: "Connect", redis: Redis
) -> None:
    chain = await connect(
        node.url, limits=[RpcLimit(requests_per_second=100)], gates=SharedGates(redis)
    )
    pinned = await chain.pin()
    started = time.monotonic()
    await pinned.fetch_timestamps(range(50))
    await pinned.fetch_balance(account(0))

    assert time.monotonic() - started >= 50 / 100 - limits.BURST_SECONDS


HOLDER = f"""
import asyncio, sys
from pydantic import SecretStr
from common.chain import shared_limits
from common.chain.limits import RpcLimit
from common.redis_client import create_redis

async def hold(redis_url: str, key: str, lease: float, renewal: float) -> None:
    shared_limits.LEASE_SECONDS, shared_limits.RENEWAL_SECONDS = lease, renewal
    gates = shared_limits.SharedGates(create_redis(SecretStr(redis_url)))
    keeping = asyncio.create_task(gates.keep())
    for number in range({SLOTS}):
        await gates.enter(key, str(number), RpcLimit(concurrency={SLOTS}), 1)
    print("held", flush=True)
    await keeping

asyncio.run(hold(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
"""
"""Another process: takes all slots and never gives them back."""


async def test_the_slots_of_a_killed_process_are_free_after_its_lease(
    node: "FaultyNode", connect: "Connect", redis: Redis, redis_url: str
) -> None:
    lease, renewal = 1.5, 0.3
    key = slots_of(node.url).removesuffix(":slots")
    command = [sys.executable, "-c", HOLDER, redis_url, key, str(lease), str(renewal)]
    holder = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        await asyncio.sleep(2 * lease)
        assert await redis.zcard(slots_of(node.url)) == SLOTS
        chain = await connect(
            node.url, limits=[RpcLimit(concurrency=SLOTS)], gates=SharedGates(redis)
        )
        waiting = asyncio.create_task(chain.pin())
        await asyncio.sleep(renewal)
        assert not waiting.done()
    finally:
        holder.kill()
        await holder.communicate()  # reads its output to the end, so that nothing stays open

    assert (await waiting).block.number > 0


async def test_an_endpoint_that_asks_to_wait_is_left_alone_by_all_processes(
    create_node: "CreateNode", connect: "Connect", redis: Redis
) -> None:
    first, second = await create_node(), await create_node()
    told = await connect(first.url, second.url, gates=SharedGates(redis))
    other = await connect(first.url, second.url, gates=SharedGates(redis))
    told_run = await told.pin()
    other_run = await other.pin()

    async def too_many(_: int) -> web.StreamResponse:
        return web.json_response({}, status=429, headers={"Retry-After": "20"})

    first.http = too_many
    await told_run.fetch_balance(account(1))
    await asyncio.sleep(shared_limits.LOOK_SECONDS)
    first.http = None
    first.reset()
    await other_run.fetch_balance(account(2))

    assert first.calls["eth_getBalance"] == 0
    assert second.calls["eth_getBalance"] == 2


async def test_an_endpoint_alone_that_is_parked_for_long_is_an_error_that_says_so(
    node: "FaultyNode", connect: "Connect", redis: Redis
) -> None:
    gates = SharedGates(redis)
    await gates.park(slots_of(node.url).removesuffix(":slots"), 300)

    with pytest.raises(RateLimited, match="left alone") as raised:
        await (await connect(node.url, gates=gates)).pin()
    assert raised.value.retryable


async def test_without_redis_each_process_keeps_the_limit_by_itself(
    node: "FaultyNode", connect: "Connect", own_redis: RedisServer, busy: list[int]
) -> None:
    client = create_redis(SecretStr(own_redis.url))
    chain = await connect(node.url, limits=[RpcLimit(concurrency=SLOTS)], gates=SharedGates(client))
    own_redis.kill()

    await read(chain, 12)

    assert max(busy) == SLOTS
    own_redis.start()
    await asyncio.sleep(shared_limits.AWAY_SECONDS)
    busy.clear()
    await read(chain, 6)
    assert max(busy) == SLOTS
    assert await client.zcard(slots_of(node.url)) == 0
    await client.aclose()


async def test_no_key_of_redis_holds_an_url(
    node: "FaultyNode", connect: "Connect", redis: Redis
) -> None:
    limit = RpcLimit(concurrency=SLOTS, requests_per_second=1_000)
    gates = SharedGates(redis)
    pinned = await (await connect(node.url, limits=[limit], gates=gates)).pin()
    await pinned._rpc.endpoints.all[0].gate.park(5)
    keys = str(await redis.keys())

    assert PREFIX in keys
    assert not any(part in keys for part in (node.KEY, "127.0.0.1", "http"))


async def test_what_is_learnt_of_an_endpoint_is_known_to_the_next_process(
    node: "FaultyNode", connect: "Connect", database: Any
) -> None:
    store = ChainStore(database)

    def refuse(call: dict[str, Any]) -> dict[str, Any] | None:
        if call["method"] != "eth_getLogs":
            return None
        first, last = (int(call["params"][0][name], 16) for name in ("fromBlock", "toBlock"))
        if last - first < 50:
            return None
        return {"error": {"code": -32602, "message": "exceed maximum block range 50"}}

    node.refuse = refuse
    node.refuse_batch = lambda batch: (
        {"error": {"code": -32600, "message": "batch too large"}} if len(batch) > 20 else None
    )
    for splits in (True, False):
        pinned = await (await connect(node.url, store=store)).pin()
        await pinned.fetch_logs(LogFilter(topics=(None,)), keep=False)
        await pinned.confirm()
        assert bool(pinned.stats.range_splits) is splits
    texts = [str(each) async for each in database[FACTS].find()]
    assert not any(node.KEY in text or "127.0.0.1" in text for text in texts)
