"""What a run of a kept history costs beside its RPC calls.

    python -m benchmarks.coin_flows.history [--transfers N] [--holders N] [--new N] [--runs N]

Keeps a made history in a MongoDB of its own, then carries out what a recurring run does with its
new transfers: load, append, write, join, analyse. Prints medians.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from benchmarks.coin_flows.made_token import TOKEN, make_reading, make_table
from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.mongo_client import create_mongo
from local_stack.servers import MongoServer
from token_worker.analysis.flows import sum_address_flows
from token_worker.analysis.report import report_flows
from token_worker.analysis.table import TransferTable
from token_worker.history.segments import SEGMENT_TRANSFERS, Checkpoint, Segment
from token_worker.history.store import HistoryStore
from token_worker.sampling import sum_balances


async def measure(transfers: int, holders: int, new: int, runs: int) -> None:
    """Measure and print."""
    table = make_table(transfers + new, holders)
    reading = make_reading(table)
    fresh = table.part(transfers, transfers + new)
    with tempfile.TemporaryDirectory() as folder:
        server = MongoServer(Path(folder) / "mongod", Path(folder) / "mongod.log")
        try:
            server.start()
            async with create_mongo(SecretStr(server.url)) as client:
                store = HistoryStore(client["benchmark"], 1, TOKEN)
                await store.create_indexes()
                await _keep(store, table.part(0, transfers))
                seconds: dict[str, list[float]] = {
                    "load": [],
                    "write": [],
                    "join": [],
                    "analyse": [],
                }
                for _ in range(runs):
                    await store.delete_from(-(-len(reading.table) // SEGMENT_TRANSFERS) - 1)
                    started = time.perf_counter()
                    segments = await store.find_segments()
                    seconds["load"].append(time.perf_counter() - started)
                    started = time.perf_counter()
                    end = Checkpoint(segments[-1].end.number + 1, "0x")
                    segments.append(Segment(len(segments), 0, segments[-1].end, (end,), fresh, 0))
                    await store.write(segments[-1])
                    seconds["write"].append(time.perf_counter() - started)
                    started = time.perf_counter()
                    joined = TransferTable.join([segment.table for segment in segments])
                    balances = sum_balances(joined, sum_address_flows(joined))
                    seconds["join"].append(time.perf_counter() - started)
                    started = time.perf_counter()
                    report_flows(
                        replace(reading, table=joined, balances=balances),
                        CoinFlowOptions(),
                        CoinFlowThresholds(),
                    )
                    seconds["analyse"].append(time.perf_counter() - started)
        finally:
            server.kill()
    totals = [sum(each) for each in zip(*seconds.values(), strict=True)]
    parts = ", ".join(f"{name} {statistics.median(each):.2f} s" for name, each in seconds.items())
    print(
        f"{new:,} new transfers on {transfers:,} kept ones: {statistics.median(totals):.2f} s, "
        f"median of {runs} ({min(totals):.2f} to {max(totals):.2f}): {parts}"
    )


async def _keep(store: HistoryStore, table: TransferTable) -> None:
    previous = None
    for sequence, start in enumerate(range(0, len(table), SEGMENT_TRANSFERS)):
        part = table.part(start, min(start + SEGMENT_TRANSFERS, len(table)))
        end = Checkpoint(int(part.block_numbers[-1]), "0x")
        await store.write(Segment(sequence, 0, previous, (end,), part, 0))
        previous = end


def main() -> None:
    """Measure with the options given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--holders", type=int, default=100_000)
    parser.add_argument("--new", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(measure(options.transfers, options.holders, options.new, options.runs))


if __name__ == "__main__":
    main()
