"""`POST /jobs` beside a bare endpoint, in turn: requests per second and how long one takes."""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.dispatch.report import emit, percentile
from benchmarks.dispatch.system import WARM_UP_SECONDS, cpu_of, system
from local_stack.ports import find_free_port

BODY = {
    "action": "wallet_snapshot",
    "payload": {"wallet": "0x742d35cc6634c0532925a3b844bc9e7595f2bd18"},
    "type": "retry",
    "intervalMinutes": 15,
}


def create(options: argparse.Namespace) -> None:
    """Requests in flight from one client process, on connections that are kept open."""
    with system(append_only=options.aof) as running:
        ours, bare = find_free_port(), find_free_port()
        running.run("gateway", [sys.executable, "-m", "gateway.main"], PORT=str(ours))
        script = Path(__file__).with_name("bare_endpoint.py")
        running.run("bare", [sys.executable, str(script), str(bare)])
        for port in (ours, bare):
            asyncio.run(_wait_for(port))
        for in_flight in options.in_flight:
            rounds: dict[str, list[dict[str, float]]] = {"gateway": [], "bare": []}
            for _ in range(options.runs):
                for name, port in (("bare", bare), ("gateway", ours)):
                    before = running.usage()
                    found = asyncio.run(_load(port, in_flight, options.requests))
                    used = cpu_of(before, running.usage(), 1000 / options.requests)
                    found.update(cpu_ms=used[name], mongod_cpu_ms=used["mongod"])
                    rounds[name].append(found)
            medians = {
                name: {key: statistics.median(each[key] for each in found) for key in found[0]}
                for name, found in rounds.items()
            }
            ratio = medians["gateway"]["per_s"] / medians["bare"]["per_s"]
            emit("create", in_flight=in_flight, ratio=round(ratio, 2), **medians)


async def _wait_for(port: int) -> None:
    deadline = time.monotonic() + WARM_UP_SECONDS
    while True:
        try:
            async with asyncio.timeout(5):
                await _load(port, 1, 20)
        except (OSError, RuntimeError, TimeoutError, asyncio.IncompleteReadError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def _load(port: int, in_flight: int, requests: int) -> dict[str, float]:
    """Send requests and return how many a second were answered, and in what time."""
    body = json.dumps(BODY).encode()
    head = f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    message = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    left, times = requests, list[float]()

    async def connection() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            sent_at = time.perf_counter()
            writer.write(message)
            await _read_answer(reader)
            times.append((time.perf_counter() - sent_at) * 1000)
        writer.close()

    began_at = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(in_flight)))
    seconds = time.perf_counter() - began_at
    return {
        "per_s": round(len(times) / seconds, 1),
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
    }


async def _read_answer(reader: asyncio.StreamReader) -> Any:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].split("\r\n", 1)[0])
    answer = await reader.readexactly(length)
    if " 201 " not in head.split("\r\n", 1)[0]:
        raise RuntimeError(f"not created: {head.splitlines()[0]} {answer[:300]!r}")
    return answer
