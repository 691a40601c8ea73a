"""Transfer logs of a real node (anvil): what typed records cost beside bytes and JSON, and web3.

    python benchmarks/chain/logs.py [RUNS]

100,000 Transfer logs, 100 a block. Times are medians; the baseline sends the requests for logs that
the reader sent (not those that check its answers), as many at once, and parses the answers with
orjson.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from web3 import AsyncHTTPProvider, AsyncWeb3

from common.chain.client import Chains
from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import Address, LogFilter
from local_chain.node import Node
from local_stack.servers import AnvilServer

EMITTER = Address("0x" + "e0" * 20)
LOGS_A_BLOCK, BLOCKS = 100, 1_000
WEB3_LOGS = 2_000
TRANSFER_ABI: Any = {
    "type": "event",
    "name": "Transfer",
    "anonymous": False,
    "inputs": [
        {"name": "from", "type": "address", "indexed": True},
        {"name": "to", "type": "address", "indexed": True},
        {"name": "value", "type": "uint256", "indexed": False},
    ],
}


def emitter_code() -> str:
    """EVM code that emits LOGS_A_BLOCK transfers whenever it is called."""
    loop = 3  # where the JUMPDEST below stands
    return (
        f"0x61{LOGS_A_BLOCK:04x}"  # i
        "5b8060005280"  # loop: memory[0] = i, third topic = i
        f"337f{TRANSFER[2:]}"  # second topic = caller, first one = Transfer
        "60206000a3"  # log3 of one word
        f"600190038060{loop:02x}5700"  # i -= 1, again unless 0
    )


def plant(url: str) -> None:
    """Mine the logs."""
    with Node(url) as node:
        node.call("anvil_setCode", EMITTER, emitter_code())
        sender = node.call("eth_accounts")[0]
        for _ in range(BLOCKS):
            call = {"from": sender, "to": EMITTER, "gas": hex(20_000_000)}
            node.call("eth_sendTransaction", call)
            node.call("anvil_mine", "0x1")
        node.call("anvil_mine", hex(100))


Work = Callable[[], Awaitable[None]]


async def in_turn(works: list[Work], runs: int) -> list[list[tuple[float, float]]]:
    """Wall and CPU seconds of each work in each run; in turn, so that noise hits all alike."""
    times: list[list[tuple[float, float]]] = [[] for _ in works]
    for _ in range(runs):
        for work, taken in zip(works, times, strict=True):
            wall, cpu = time.perf_counter(), time.process_time()
            await work()
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return times


async def measure(url: str, runs: int) -> None:
    """Print the table."""
    wanted = LogFilter((EMITTER,), (TRANSFER,))
    chains = Chains({31_337: [url]}, 31_337)
    chain = await chains.get()
    count = len(await (await chain.pin()).fetch_logs(wanted))
    assert count == LOGS_A_BLOCK * BLOCKS, count

    async def to_logs() -> None:
        await (await chain.pin()).fetch_logs(wanted)

    async def to_transfers() -> None:
        pinned = await chain.pin()
        async for page in pinned.stream_logs(wanted):
            decode_transfers(page)

    async with aiohttp.ClientSession() as session:

        async def fetch_bytes(body: bytes) -> bytes:
            headers = {"Content-Type": "application/json"}
            async with session.post(url, data=body, headers=headers) as response:
                return await response.read()

        bodies: list[bytes] = []
        await record_requests(chain, wanted, bodies)

        async def to_json() -> None:
            pending = list(bodies)

            async def work() -> None:
                while pending:
                    orjson.loads(await fetch_bytes(pending.pop()))

            await asyncio.gather(*(work() for _ in range(4)))

        times = await in_turn([to_json, to_logs, to_transfers], runs)
    await chains.close()
    web3 = await web3_seconds(url) * count / WEB3_LOGS
    print(f"{count:,} logs, medians of {runs} runs, web3 scaled from {WEB3_LOGS:,}")
    print(
        "| to | s | CPU s | logs/s | of the first | CPU of the first |\n|---|---|---|---|---|---|"
    )
    names = ["bytes and parsed JSON", "Log (fetch_logs)", "Erc20Transfer (stream_logs, decoded)"]
    for name, taken in zip(names, times, strict=True):
        wall, cpu = (statistics.median(each) for each in zip(*taken, strict=True))
        ratios = [
            statistics.median(
                mine[kind] / first[kind] for mine, first in zip(taken, times[0], strict=True)
            )
            for kind in (0, 1)
        ]
        shown = f"{count / wall:,.0f} | {ratios[0]:.2f} | {ratios[1]:.2f}"
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {shown} |")
    ratio = web3 / statistics.median(wall for wall, _ in times[0])
    print(f"| web3 events (get_logs) | {web3:.1f} | | {count / web3:,.0f} | {ratio:.0f} | |")


async def record_requests(chain: Any, wanted: LogFilter, bodies: list[bytes]) -> None:
    """Note what the reader asks for."""
    pinned = await chain.pin()
    [endpoint] = chain._endpoints._endpoints
    post = endpoint.post

    async def noting(body: bytes, calls: int = 1) -> Any:
        if b"eth_getLogs" in body and not body.startswith(b"["):
            bodies.append(body)
        return await post(body, calls)

    endpoint.post = noting
    try:
        await pinned.fetch_logs(wanted)
    finally:
        endpoint.post = post


async def web3_seconds(url: str) -> float:
    """web3's own way, for a part of the logs."""
    web3 = AsyncWeb3(AsyncHTTPProvider(url))
    contract = web3.eth.contract(address=web3.to_checksum_address(EMITTER), abi=[TRANSFER_ABI])
    last = WEB3_LOGS // LOGS_A_BLOCK
    started = time.perf_counter()
    events = await contract.events.Transfer().get_logs(from_block=0, to_block=2 * last)
    took = time.perf_counter() - started
    await web3.provider.disconnect()
    return took * WEB3_LOGS / len(events)


def main() -> None:
    """Start anvil, plant, measure."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        server = AnvilServer(Path(folder) / "anvil.log")
        server.start()
        try:
            plant(server.url)
            asyncio.run(measure(server.url, runs))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
