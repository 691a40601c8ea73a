"""How long the analysis of a million transfers takes, and how much memory the process holds.

    python -m benchmarks.coin_flows.analysis [--transfers N] [--holders N] [--runs N]

Prints the median of several runs, each on columns that nothing has been computed from yet, and the
distribution of 252,803 balances alone.
"""

import argparse
import resource
import statistics
import time
from dataclasses import fields, replace

from benchmarks.coin_flows.made_token import make_reading, make_table
from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.types import Address
from token_worker.analysis.holders import describe_holders
from token_worker.analysis.report import report_flows
from token_worker.analysis.table import TransferTable
from token_worker.models import TokenFlowReading

DISTRIBUTION_HOLDERS = 252_803


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--holders", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    reading = make_reading(make_table(options.transfers, options.holders))
    before_mb = _peak_mb()
    cpu_seconds = [_analysis_seconds(reading) for _ in range(options.runs)]
    print(
        f"analysis of {options.transfers:,} transfers, {options.holders:,} holders: "
        f"{_shown(cpu_seconds)}; peak memory {_peak_mb():.0f} MB, "
        f"{before_mb:.0f} MB of them with the input made"
    )
    balances: dict[Address, int | None] = {
        Address(f"0x{number:040x}"): number**4 + 1 for number in range(DISTRIBUTION_HOLDERS)
    }
    seconds = [_distribution_seconds(balances) for _ in range(options.runs)]
    print(f"distribution of {DISTRIBUTION_HOLDERS:,} balances: {_shown(seconds)}")


def _analysis_seconds(reading: TokenFlowReading) -> float:
    columns = {field.name: getattr(reading.table, field.name) for field in fields(TransferTable)}
    fresh = replace(reading, table=TransferTable(**columns))
    started = time.process_time()
    report_flows(fresh, CoinFlowOptions(), CoinFlowThresholds())
    return time.process_time() - started


def _distribution_seconds(balances: dict[Address, int | None]) -> float:
    started = time.process_time()
    describe_holders(Address("0x" + "0" * 39 + "1"), balances, 10**30, {}, {})
    return time.process_time() - started


def _shown(seconds: list[float]) -> str:
    return (
        f"{statistics.median(seconds):.2f} s CPU, median of {len(seconds)} "
        f"({min(seconds):.2f} to {max(seconds):.2f})"
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
