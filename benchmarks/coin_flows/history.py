"""What a run of a kept history costs beside its RPC calls.

    python -m benchmarks.coin_flows.history [--transfers N] [--holders N] [--new N] [--runs N]

Keeps a made history and its digest in a MongoDB of its own, then carries out what a recurring run
does once its new transfers are read: load, write, merge, analyse. Prints medians of CPU and wall
time, what a run costs that also leaves a new digest, and compares the report with the one that all
transfers give.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.coin_flows.made_token import TOKEN, make_reading, make_table
from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.mongo_client import create_mongo
from local_stack.servers import MongoServer
from token_worker.analysis.digesting import make_digest
from token_worker.analysis.findings import Findings
from token_worker.analysis.report import report_findings, report_flows
from token_worker.analysis.search import find_everything, search_circles, sum_up
from token_worker.analysis.table import TransferTable
from token_worker.history.digests import DigestStore
from token_worker.history.segments import SEGMENT_TRANSFERS, Checkpoint, Segment
from token_worker.history.store import HistoryStore
from token_worker.models import TokenFlowReading
from token_worker.sampling import sum_balances

OPTIONS, THRESHOLDS = CoinFlowOptions(), CoinFlowThresholds()


class Clock:
    """CPU and wall time of the parts of each run."""

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        """Add what happens inside to a part."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        spent = time.process_time() - cpu, time.perf_counter() - wall
        self._parts.setdefault(part, []).append(spent)

    def lines(self, total_of: tuple[str, ...]) -> Iterator[str]:
        """Yield the medians of all parts, and of the sum of some."""
        for part, spent in self._parts.items():
            yield _shown(part, spent)
        runs = zip(*(self._parts[part] for part in total_of), strict=True)
        totals = [(sum(cpu for cpu, _ in run), sum(wall for _, wall in run)) for run in runs]
        yield _shown(" + ".join(total_of), totals)


def _shown(name: str, spent: list[tuple[float, float]]) -> str:
    cpu, wall = (statistics.median(each) for each in zip(*spent, strict=True))
    worst = max(wall for _, wall in spent)
    runs = f"wall (at most {worst:.2f}), median of {len(spent)}"
    return f"  {name}: {cpu:.2f} s CPU, {wall:.2f} s {runs}"


class KeptToken:
    """A made token in MongoDB, as earlier runs have left it."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._store = HistoryStore(database, 1, TOKEN)
        self._digests = DigestStore(database, 1, TOKEN, "benchmark")

    async def keep(self, table: TransferTable) -> None:
        """Write the segments and the digest of a history."""
        await self._store.create_indexes()
        await self._digests.create_indexes()
        previous = None
        for sequence, start in enumerate(range(0, len(table), SEGMENT_TRANSFERS)):
            part = table.part(start, min(start + SEGMENT_TRANSFERS, len(table)))
            end = Checkpoint(int(part.block_numbers[-1]), "0x")
            await self._store.write(Segment(sequence, 0, previous, (end,), part, 0))
            previous = end
        await self.leave_digest(_analyse(make_reading(table)))

    async def leave_digest(self, found: Findings) -> None:
        """Write the digest of a run."""
        digest = make_digest(found)
        if digest is None:
            raise RuntimeError("the made token gives no digest: expected one that follows ERC-20")
        await self._digests.write(digest, "0x")

    async def run(self, fresh: TransferTable, reading: TokenFlowReading, clock: Clock) -> Findings:
        """Carry out what a recurring run does after it has read the new transfers."""
        with clock.measure("load"):
            outlines = await self._store.find_outlines()
            [newest] = [each async for each in self._digests.find(reading.block.number)][:1]
            digest = await self._digests.load(newest[0])
            if digest is None:
                raise RuntimeError("the digest has vanished: expected the one just written")
            needed = [each for each in outlines if (each.last_time or 0) >= digest.whole_from]
            segments = await self._store.load(needed)
        with clock.measure("write"):
            end = Checkpoint(reading.block.number, "0x")
            last = outlines[-1].sequence + 1
            segments.append(Segment(last, 0, segments[-1].end, (end,), fresh, 0))
            await self._store.write(segments[-1])
        with clock.measure("merge"):
            past = digest.joined_to(TransferTable.join([each.table for each in segments]))
            first = past.first_new_row()
            sums = sum_up(past.kept, first, past)
            balances = sum_balances(sums.ledger)
        with clock.measure("analyse"):
            found = _analyse(
                replace(
                    reading,
                    table=past.kept,
                    past=past,
                    new_from=first,
                    sums=sums,
                    balances=balances,
                )
            )
            report_findings(found, OPTIONS, THRESHOLDS)
        await self._store.delete_from(last)
        return found


def _analyse(reading: TokenFlowReading) -> Findings:
    return find_everything(reading, OPTIONS, THRESHOLDS, search_circles(reading, THRESHOLDS))


async def measure(transfers: int, holders: int, new: int, runs: int) -> None:
    """Measure and print."""
    table = make_table(transfers + new, holders)
    reading = make_reading(table)
    border = int(table.block_numbers[transfers])
    kept = table.until(border - 1)
    fresh = table.part(len(kept), len(table))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        server = MongoServer(Path(folder) / "mongod", Path(folder) / "mongod.log")
        try:
            server.start()
            async with create_mongo(SecretStr(server.url)) as client:
                token = KeptToken(client["benchmark"])
                await token.keep(kept)
                for _ in range(runs):
                    found = await token.run(fresh, reading, clock)
                with clock.measure("a new digest, every tenth run"):
                    await token.leave_digest(found)
        finally:
            server.kill()
    print(f"{len(fresh):,} new transfers on {len(kept):,} kept ones:")
    print("\n".join(clock.lines(("load", "write", "merge", "analyse"))))
    same = report_findings(found, OPTIONS, THRESHOLDS) == report_flows(reading, OPTIONS, THRESHOLDS)
    print("  the report is " + ("" if same else "NOT ") + "the one that all transfers give")


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
