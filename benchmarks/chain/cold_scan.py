"""A cold scan of a made-up chain through one slow endpoint: requests, blocks and logs a second.

    python benchmarks/chain/cold_scan.py [RUNS] [BLOCKS] [LOGS_A_BLOCK]

The endpoint, a process of its own, needs 20 ms an answer and serves 10,000 blocks a request at
most. The lower bound of requests is BLOCKS / 10,000. With a LOGS_A_BLOCK of 5 and 2,000,000 blocks
this reads 10,000,000 logs; the memory of the reader is printed.
"""

import asyncio
import multiprocessing
import resource
import socket
import statistics
import sys
import time
from multiprocessing.synchronize import Event
from typing import Any

import orjson
from aiohttp import web

from common.chain.client import Chains
from common.chain.errors import ChainError
from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import Address, LogFilter, RpcStats

TOKEN = Address("0x" + "70" * 20)
LATENCY_SECONDS = 0.02
CAP = 10_000
SOMEBODY = "0x" + "0" * 24 + "a1" * 20


def block_hash(number: int) -> str:
    """A hash of its own for each block."""
    return f"0x{number:064x}"


def raw_logs(first: int, last: int, logs_a_block: float) -> bytes:
    """The answer of eth_getLogs, as JSON; fewer than one log a block means one every so many."""
    every = max(1, round(1 / logs_a_block))
    indexes = range(max(1, round(logs_a_block)))
    rest = (
        f'"address":"{TOKEN}","topics":["{TRANSFER}","{SOMEBODY}","{SOMEBODY}"],'
        f'"data":"0x{7:064x}","transactionIndex":"0x0","removed":false}}'
    )
    return ",".join(
        f'{{"blockNumber":"{block:#x}","blockHash":"0x{block:064x}","logIndex":"{index:#x}",'
        f'"transactionHash":"0x{block:056x}{index:08x}",{rest}'
        for block in range(-(-first // every) * every, last + 1, every)
        for index in indexes
    ).encode()


def answer(call: dict[str, Any], head: int, logs_a_block: float) -> bytes:
    """One JSON-RPC answer."""
    params = call["params"]
    if call["method"] == "eth_chainId":
        result = b'"0x1"'
    elif call["method"] == "eth_getBlockByNumber":
        number = head if params[0] == "finalized" else int(params[0], 16)
        result = orjson.dumps(
            {"number": hex(number), "hash": block_hash(number), "timestamp": hex(number)}
        )
    else:
        first, last = int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)
        if last - first + 1 > CAP:
            text = f"range {last - first + 1} exceeds limit of {CAP}"
            error = orjson.dumps({"code": -32602, "message": text})
            return b'{"jsonrpc":"2.0","id":%d,"error":%b}' % (call["id"], error)
        result = b"[" + raw_logs(first, last, logs_a_block) + b"]"
    return b'{"jsonrpc":"2.0","id":%d,"result":%b}' % (call["id"], result)


def serve(port: int, head: int, logs_a_block: float, ready: Event) -> None:
    """The endpoint, until it is killed."""

    async def handle(request: web.Request) -> web.Response:
        began = time.monotonic()
        body = orjson.loads(await request.read())
        if isinstance(body, list):
            text = b"[" + b",".join(answer(call, head, logs_a_block) for call in body) + b"]"
        else:
            text = answer(body, head, logs_a_block)
        await asyncio.sleep(max(0.0, LATENCY_SECONDS - (time.monotonic() - began)))
        return web.Response(body=text, content_type="application/json")

    async def run() -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()
        await asyncio.Event().wait()

    asyncio.run(run())


async def scan(url: str) -> tuple[float, int, RpcStats]:
    """Seconds, decoded transfers, and what was asked for."""
    chains = Chains({1: [url]}, 1)
    try:
        started = time.perf_counter()
        pinned = await (await chains.get()).pin()
        count = 0
        async for page in pinned.stream_logs(LogFilter((TOKEN,), (TRANSFER,)), 1):
            count += len(decode_transfers(page).erc20)
        return time.perf_counter() - started, count, pinned.stats
    except ChainError as error:
        raise SystemExit(str(error)) from error
    finally:
        await chains.close()


def main() -> None:
    """Serve and scan."""
    arguments = sys.argv[1:]
    runs = int(arguments[0]) if arguments else 3
    blocks = int(arguments[1]) if len(arguments) > 1 else 2_000_000
    logs_a_block = float(arguments[2]) if len(arguments) > 2 else 0.05
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ready = multiprocessing.Event()
    arguments_of_server = (port, blocks, logs_a_block, ready)
    server = multiprocessing.Process(target=serve, args=arguments_of_server, daemon=True)
    server.start()
    ready.wait(10)
    try:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        taken = [asyncio.run(scan(f"http://127.0.0.1:{port}/")) for _ in range(runs)]
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    finally:
        server.kill()
    seconds = statistics.median(each[0] for each in taken)
    _, count, stats = taken[-1]
    bound = -(-blocks // CAP)
    log_calls = stats.by_method["eth_getLogs"]
    print(f"{blocks:,} blocks, {count:,} logs, medians of {runs} runs")
    print(f"seconds {seconds:.2f}, blocks/s {blocks / seconds:,.0f}, logs/s {count / seconds:,.0f}")
    print(f"requests {stats.requests}, lower bound {bound}, ratio {stats.requests / bound:.3f}")
    print(f"eth_getLogs calls {log_calls}, ratio {log_calls / bound:.3f}")
    print(
        f"MB received {stats.bytes / 1e6:.1f}, peak MB {after / 1e3:.0f} ({before / 1e3:.0f} idle)"
    )


if __name__ == "__main__":
    main()
