"""Compares the worker's reports with published answers of recorded token histories.

    python -m benchmarks.coin_flows.acceptance SET_FOLDER --url http://127.0.0.1:30100

SET_FOLDER holds an `expected.json`; a node that serves the set listens at the URL. Reads through
the same handler as the worker does, with a MongoDB of its own, and prints what disagrees and how
many figures agree: integers exactly, ratios to 1e-9. Exits with 1 if anything disagrees.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from common.actions.analyze_coin_flows import CoinFlowPayload
from common.actions.handler import RunContext
from common.chain.client import Chains
from common.mongo_client import create_mongo
from common.results.coin_flows import CoinFlowAnalysis
from local_stack.servers import MongoServer
from token_worker.handler import analyze_coin_flows

RATIO_TOLERANCE = 1e-9
UNI = "0x1f9840a85d5af5bf1d1762f925bdaddc4201f984"
RETH = "0xae78736cd615f374d3085123a210448e74fc6393"

Figure = tuple[str, Any, Any]


class Reports:
    """Reports of the handler, read from one node."""

    def __init__(self, chains: Chains, database: Any) -> None:
        self._chains = chains
        self._database = database
        self.rpc_calls = 0

    async def of(self, token: str, block: int | None = None, **options: Any) -> CoinFlowAnalysis:
        """Return the report of a token at a block, the newest one by default."""

        async def ignore(_: str) -> None: ...

        async def nothing() -> None: ...

        payload = CoinFlowPayload.model_validate({"tokenAddress": token, "options": options})
        pinned = await (await self._chains.get()).pin(block)
        context = RunContext("job:0", "job", pinned, {}, ignore, nothing, self._database)
        report = await analyze_coin_flows(payload, context)
        await pinned.confirm()
        self.rpc_calls += pinned.stats.calls
        return report.result


async def distribution_figures(reports: Reports, expected: dict[str, Any]) -> list[Figure]:
    """Holders of an allocation, read as the whole history of a token."""
    result = await reports.of(UNI, fullHistory=True)
    return list(_holder_figures("", result, expected["distribution"]))


async def history_figures(reports: Reports, expected: dict[str, Any]) -> list[Figure]:
    """Holders and supply at several blocks of a whole history, newest last and once more."""
    token, figures = expected["token"], []
    blocks = sorted(map(int, expected["holders_at_block"]))
    for block in [*blocks, blocks[0]]:
        wanted = expected["holders_at_block"][str(block)]
        for mode in ({"fullHistory": True}, {"transactionLimit": 1_000_000}):
            result = await reports.of(token, block, **mode)
            name = f"block {block} {next(iter(mode))} "
            supply = wanted["total_supply_raw"]
            figures += [
                (name + "supply", result.token.total_supply_raw, supply),
                (name + "minted - burned", result.summary.net_supply_change_raw, supply),
                *_holder_figures(name, result, wanted),
            ]
    result = await reports.of(token, fullHistory=True)
    summary = result.summary
    return [
        *figures,
        ("logs", summary.transfer_count, expected["logs"]),
        ("txs", summary.transaction_count, expected["txs"]),
        ("mint_logs", summary.mint_count, expected["mint_logs"]),
        ("burn_logs", summary.burn_count, expected["burn_logs"]),
        ("zero_value_logs", summary.zero_value_count, expected["zero_value_logs"]),
        ("self_transfers", summary.self_transfer_count, expected["self_transfers"]),
        ("gross_volume_raw", summary.volume_raw, expected["gross_volume_raw"]),
    ]


async def range_figures(reports: Reports, expected: dict[str, Any]) -> list[Figure]:
    """Flows of a range of blocks of one token."""
    result = await reports.of(RETH, transactionLimit=1_000_000)
    summary = result.summary
    return [
        ("rows", summary.transfer_count, expected["rows"]),
        ("txs", summary.transaction_count, expected["txs"]),
        ("sum_raw", summary.volume_raw, expected["sum_raw"]),
        ("mint_rows", summary.mint_count, expected["mint_rows"]),
        ("burn_rows", summary.burn_count, expected["burn_rows"]),
        ("mint_raw", summary.minted_raw, expected["mint_raw"]),
        ("burn_raw", summary.burned_raw, expected["burn_raw"]),
        (
            "net_supply_change_raw",
            summary.net_supply_change_raw,
            expected["net_supply_change_raw"],
        ),
        *_net_flow_figures("", result, expected),
    ]


async def token_figures(reports: Reports, expected: dict[str, Any]) -> list[Figure]:
    """Flows of each of several tokens."""
    figures: list[Figure] = []
    for token, wanted in expected["tokens_top12"].items():
        result = await reports.of(token, transactionLimit=1_000_000)
        summary, name = result.summary, f"{token} "
        figures += [
            (name + "transfers", summary.transfer_count, wanted["transfers"]),
            (name + "sum_raw", summary.volume_raw, wanted["sum_raw"]),
            (name + "senders", summary.unique_senders, wanted["senders"]),
            (name + "receivers", summary.unique_receivers, wanted["receivers"]),
            (name + "largest", result.size_distribution.max_raw, wanted["largest"][0]),
            *_net_flow_figures(name, result, wanted),
        ]
    return figures


def _holder_figures(
    name: str, result: CoinFlowAnalysis, wanted: dict[str, Any]
) -> Iterator[Figure]:
    held = result.holders
    shown = len(held.top)
    total = int(held.balance_sum_raw)
    yield from (
        (name + "holders", held.holder_count, wanted["holders"]),
        (name + "sum_raw", held.balance_sum_raw, wanted["sum_raw"]),
        (name + "gini", held.gini, float(wanted["gini_population"])),
        (name + "hhi", held.hhi, float(wanted["hhi_0_1"])),
        (name + "nakamoto", held.nakamoto, wanted["nakamoto_gt_50pct"]),
        (name + "ge 1 %", held.holders_above_one_pct, wanted["holders_ge_1pct_of_sum"]),
        (name + "ge 0.1 %", held.holders_above_tenth_pct, wanted["holders_ge_0_1pct_of_sum"]),
        (name + "median", held.median_balance_raw, wanted["median_raw"]),
        (
            name + "top 10",
            [[each.address, each.balance_raw] for each in held.top[:10]],
            wanted["top10"][:shown],
        ),
    )
    for count in (1, 10, 50, 100):
        share = getattr(held, f"top_{count}_pct")
        supply = int(result.token.total_supply_raw or 0)
        found = None if share is None else share / 100 * supply / total
        yield f"{name}top {count}", found, float(wanted[f"top{count}_share"])


def _net_flow_figures(
    name: str, result: CoinFlowAnalysis, wanted: dict[str, Any]
) -> Iterator[Figure]:
    flows = sorted((int(flow.net_raw), flow.address) for flow in result.net_flows)
    lowest = [[address, str(net)] for net, address in flows[:5]]
    flows.sort(key=lambda flow: (-flow[0], flow[1]))
    highest = [[address, str(net)] for net, address in flows[:5]]
    for place, pair in enumerate(wanted["top5_net_inflow"]):
        yield f"{name}net inflow {place + 1}", highest[place], pair
    for place, pair in enumerate(wanted["top5_net_outflow"]):
        yield f"{name}net outflow {place + 1}", lowest[place], pair


def agrees(found: Any, wanted: Any) -> bool:
    """Tell whether a figure is right: ratios to 1e-9, all else exactly."""
    if isinstance(wanted, float):
        return isinstance(found, float) and abs(found - wanted) <= RATIO_TOLERANCE
    return bool(found == wanted)


@asynccontextmanager
async def open_reports(url: str) -> AsyncIterator[Reports]:
    """Yield reports read from a node, with a MongoDB that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        server = MongoServer(Path(folder) / "mongod", Path(folder) / "mongod.log")
        chains = Chains({1: [url]}, 1)
        try:
            server.start()
            async with create_mongo(SecretStr(server.url)) as client:
                yield Reports(chains, client["acceptance"])
        finally:
            await chains.close()
            server.kill()


async def compare(folder: Path, url: str) -> int:
    """Print what disagrees, and return how many figures do."""
    expected = json.loads((folder / "expected.json").read_text())
    figures_of = next(
        figures
        for key, figures in (
            ("distribution", distribution_figures),
            ("holders_at_block", history_figures),
            ("tokens_top12", token_figures),
            ("top5_net_inflow", range_figures),
        )
        if key in expected
    )
    async with open_reports(url) as reports:
        figures = await figures_of(reports, expected)
    wrong = [figure for figure in figures if not agrees(*figure[1:])]
    for name, found, wanted in wrong:
        print(f"  {name}: {found} instead of {wanted}")
    print(
        f"{folder.name}: {len(figures) - len(wrong)} of {len(figures)} figures agree, "
        f"{reports.rpc_calls} RPC calls"
    )
    return len(wrong)


def main() -> None:
    """Compare one set."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", required=True)
    options = parser.parse_args()
    sys.exit(1 if asyncio.run(compare(options.folder, options.url)) else 0)


if __name__ == "__main__":
    main()
