"""Times an incremental run after new transfers, on a real MongoDB that holds many kept ones.

    python -m benchmarks.nft.incremental [--kept 200000] [--new 1000] [--runs 5]

Counted: writing the new transactions, reading the window and the earlier hops of its tokens back,
paths, rules, statistics and alerts. Not counted: the chain, whose node is not ours. Prints one JSON
line: median and worst wall-clock seconds of the runs, and the median of this process's CPU time.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from benchmarks.nft.collection import COLLECTION, create_market
from common.actions.analyze_nft_movements import NftMovementOptions, NftThresholds
from common.garbage import paused_collection
from common.mongo_client import create_mongo
from common.process import settle_collector
from common.results.envelope import Window
from local_stack.servers import MongoServer
from nft_worker.analysis.markets.fills import NATIVE, Fill, Item
from nft_worker.analysis.movement_table import movements
from nft_worker.analysis.report import analyze
from nft_worker.analysis.trading import read_trading
from nft_worker.analysis.wash_trades import find_wash_trades, judge
from nft_worker.analysis.wording import DAY
from nft_worker.history import History
from nft_worker.kept import KeptTransaction
from nft_worker.models import Fundings, Holdings, PaidTransaction
from nft_worker.movement_index import Coverage, Moment, MovementIndex
from nft_worker.window_reader import Extent, extent_of_newest


def kept_transactions(count: int) -> list[KeptTransaction]:
    """Return the transactions of a made-up market."""
    market = create_market(count, tokens=10_000)
    moves, sales = market.history.moves, market.sales
    times = moves.times(slice(None))
    prices = {sale.transaction_hash: sale.price for sale in sales.pick(np.arange(len(sales)))}
    return [
        KeptTransaction(
            move.transaction_hash,
            move.block_number,
            move.transaction_index,
            times[move.block_number],
            1,
            0,
            (move,),
            PaidTransaction(
                move.recipient,
                prices[move.transaction_hash] or 0,
                (),
                (move,),
                (
                    Fill(
                        "seaport",
                        move.log_index,
                        (Item(move.contract, move.token_id),),
                        NATIVE,
                        prices[move.transaction_hash],
                    ),
                ),
            )
            if move.transaction_hash in prices
            else None,
        )
        for move in moves.iterate(np.arange(len(moves)))
    ]


async def run_once(index: MovementIndex, new: list[KeptTransaction], base: History) -> int:
    """Do what a run does between reading new logs and storing its result."""
    options, last = NftMovementOptions(), new[-1].block_number
    await index.keep(new, new[0].block_number, Coverage(0, last, "0x"))
    newest = await index.find_newest(0, options.transfer_limit)
    places = [(kept.block_number, kept.hash, kept.logs) for kept in reversed(newest)]
    extent = extent_of_newest(places, options.transfer_limit, Extent(0, last, False, True))
    window = [kept for kept in newest if kept.block_number >= extent.first_block]
    earlier = await index.find_earlier(
        {move.token_id for kept in window for move in kept.transfers},
        Moment(extent.first_block, window[0].seconds),
        window[0].seconds - NftThresholds().cycle_days * DAY,
    )
    read = [*earlier, *window]
    history = History(
        base.collection,
        base.block,
        Window(from_block=extent.first_block, to_block=last),
        movements(
            COLLECTION,
            (move for kept in read for move in kept.transfers),
            {kept.block_number: kept.seconds for kept in read},
        ),
        {kept.hash: kept.payment for kept in read if kept.payment is not None},
        frozenset(),
        False,
        0,
        (window[0].seconds, window[-1].seconds),
    )
    cuts = NftThresholds()
    with paused_collection():
        trading = read_trading(history)
    wash = find_wash_trades(history, trading, cuts)
    with paused_collection():
        analyze(
            history,
            trading,
            Holdings({}, 0, frozenset(), {}),
            {},
            cuts,
            judge(trading, wash, Fundings({}), cuts),
            chain_id=1,
            include_alerts=True,
        )
    return len(read)


async def measure(kept: int, new: int, runs: int, uri: str) -> dict[str, float]:
    """Return the figures."""
    transactions = kept_transactions(kept + new * runs)
    base = create_market(10_000, tokens=10_000).history
    async with create_mongo(SecretStr(uri)) as client:
        index = MovementIndex(client["benchmark"], 1, COLLECTION, None)
        before = transactions[:kept]
        await index.keep(before, 0, Coverage(0, before[-1].block_number, "0x"))
        settle_collector()  # as in a worker, which does not hold what it has kept
        seconds, cpu_seconds, read = [], [], 0
        for start in range(kept, kept + new * runs, new):
            began, cpu_before = time.perf_counter(), time.process_time()
            read = await run_once(index, transactions[start : start + new], base)
            seconds.append(time.perf_counter() - began)
            cpu_seconds.append(time.process_time() - cpu_before)
    return {
        "kept": kept,
        "new": new,
        "transactions_read_back": read,
        "seconds_median": round(statistics.median(seconds), 3),
        "seconds_worst": round(max(seconds), 3),
        "cpu_seconds_median": round(statistics.median(cpu_seconds), 3),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kept", type=int, default=200_000)
    parser.add_argument("--new", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = MongoServer(Path(folder) / "mongod", Path(folder) / "mongod.log")
        server.start()
        try:
            print(
                json.dumps(
                    asyncio.run(measure(options.kept, options.new, options.runs, server.url))
                )
            )
        finally:
            server.kill()


if __name__ == "__main__":
    main()
