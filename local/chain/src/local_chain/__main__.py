"""Command line: `python -m local_chain seed` and `python -m local_chain traffic`."""

import argparse
import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from local_chain import traffic
from local_chain.errors import LocalChainError
from local_chain.scenario import Scenario, build, find_scenario


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0, or 1 after writing the reason to standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "seed":
            _seed(options.rpc_url, options.end_time, options.out)
        else:
            _run_traffic(options.rpc_url, options.interval_seconds)
    except (LocalChainError, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local_chain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    seed = commands.add_parser("seed", help="deploy the contracts and plant the traffic")
    seed.add_argument("--out", type=Path, help="file for the planted facts (JSON)")
    seed.add_argument(
        "--end-time", type=_aware_time, help="end of the chain, RFC 3339; default: now"
    )
    live = commands.add_parser("traffic", help="keep a seeded chain alive until SIGTERM")
    live.add_argument(
        "--interval-seconds", type=float, default=4.0, help="time between blocks; default: 4"
    )
    for command in (seed, live):
        command.add_argument("--rpc-url", required=True, help="HTTP URL of an anvil")
    return parser


def _aware_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone: append Z or an offset")
    return moment


def _seed(rpc_url: str, end_time: datetime | None, out: Path | None) -> None:
    scenario = find_scenario(rpc_url)
    if scenario is None:
        started = time.monotonic()
        scenario = build(rpc_url, end_time)
        sys.stdout.write(f"Seeded in {time.monotonic() - started:.1f} s.\n")
    else:
        sys.stdout.write("The chain is seeded already and left as it is.\n")
    sys.stdout.write(_summary(scenario))
    if out is not None:
        out.write_text(scenario.to_json(), encoding="utf-8")
        sys.stdout.write(f"Facts written to {out}.\n")


def _summary(scenario: Scenario) -> str:
    flow, collection = scenario.flow, scenario.collection
    planted = ", ".join(f"{each.kind} of #{each.token_id}" for each in collection.planted)
    return (
        f"Chain {scenario.chain_id}: {scenario.transaction_count} transactions in blocks "
        f"{scenario.first_block} to {scenario.last_traffic_block}, head {scenario.head_block}.\n"
        f"FLOW {flow.address}: {flow.transfer_count} transfers, {flow.holder_count} holders, "
        f"{len(flow.whales)} whales, spike at {flow.spike.bucket_start.isoformat()}.\n"
        f"Collection {collection.address}: {len(collection.sales)} sales, planted {planted}.\n"
        f"Wallet {scenario.wallet.address}: {len(scenario.wallet.coins)} tokens, "
        f"{len(scenario.wallet.nfts)} NFT positions.\n"
    )


def _run_traffic(rpc_url: str, interval_seconds: float) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _number, _frame: stop.set())
    mined = traffic.run(rpc_url, stop, interval_seconds=interval_seconds)
    sys.stdout.write(f"Stopped after {mined} blocks.\n")


if __name__ == "__main__":
    sys.exit(main())
