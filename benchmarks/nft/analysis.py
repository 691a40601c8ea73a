"""Times the analysis of a large collection from decoded records.

    python -m benchmarks.nft.analysis [--transfers 1000000] [--tokens 10000] [--runs 5]

Prints one JSON line: median and worst CPU seconds of the runs, peak memory of the process in MB.
"""

import argparse
import gc
import json
import os
import resource
import statistics
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # figures are those of one core

from benchmarks.nft.collection import Market, create_market
from common.actions.analyze_nft_movements import NftThresholds
from common.garbage import paused_collection
from common.results.nft_movements import NftMovementAnalysis
from nft_worker.analysis.report import analyze
from nft_worker.analysis.token_paths import TokenPaths
from nft_worker.analysis.trading import trading_of
from nft_worker.analysis.wash_trades import find_wash_trades, judge
from nft_worker.models import Fundings, Holdings


def analysis_of(market: Market) -> NftMovementAnalysis:
    """Return the analysis of a market from its decoded transfers and sales."""
    history = market.history
    paths = TokenPaths(history.moves, history.contracts)
    trading = trading_of(history.moves, paths, market.sales, history.window.from_block)
    cuts = NftThresholds()
    return analyze(
        history,
        trading,
        Holdings({}, 0, frozenset(), {}),
        {},
        cuts,
        judge(trading, find_wash_trades(history, trading, cuts), Fundings({}), cuts),
        chain_id=1,
        include_alerts=True,
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    market = create_market(options.transfers, tokens=options.tokens)
    gc.collect()
    records_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds: list[float] = []
    result: NftMovementAnalysis | None = None
    for _ in range(options.runs):
        result = None  # a worker does not hold the one before
        began = time.process_time()
        with paused_collection():  # as the worker does
            result = analysis_of(market)
        seconds.append(time.process_time() - began)
    assert result is not None
    print(
        json.dumps(
            {
                "transfers": options.transfers,
                "sales": len(market.sales),
                "tokens": options.tokens,
                "planted_wash_sales": market.planted,
                "flagged_sales": result.summary.wash_sale_count,
                "patterns": result.suspicious_patterns_total,
                "cpu_seconds_median": round(statistics.median(seconds), 3),
                "cpu_seconds_worst": round(max(seconds), 3),
                "records_mb": round(records_mb),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
