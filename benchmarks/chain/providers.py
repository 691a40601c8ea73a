"""The same reads under every provider's limits and every fault: is the result the same?

    python benchmarks/chain/providers.py FOLDER_WITH_REPLAY_NODE DATA_FOLDER TOKEN FIRST_BLOCK

FOLDER_WITH_REPLAY_NODE holds a package `replay_node`: a JSON-RPC node that serves recorded chain
data with the limits and faults of providers (`python -m replay_node --data DATA_FOLDER`). Each case
starts a node of its own and reads all Transfer logs of the token, receipts, block times, balances.
"""

import argparse
import asyncio
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common.chain import health
from common.chain.client import Chains
from common.chain.errors import ChainError
from common.chain.tokens import fetch_erc20_holders
from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import Address, LogFilter

PROFILES = ["open", "geth", "reth", "alchemy", "infura", "quicknode", "publicnode", "bsc-strict"]
FAULTS: list[list[str]] = [
    ["http_429_every=5", "retry_after_s=1"],
    ["http_503_every=5"],
    ["timeout_every=15", "timeout_s=3"],
    ["null_receipt_every=3"],
    ["null_logs_every=3"],
    ["truncated_logs_every=2"],
    ["truncated_logs_every=3"],
    ["truncated_logs_every=7"],
    ["truncated_logs_every=1"],
    ["removed_logs_every=3"],
    ["empty_logs_when_behind=1"],
    ["empty_logs_when_behind=5000"],
    ["head_back_every=2"],
    ["missing_state_below=99999999"],
    ["no_finality_tags=1"],
    ["wrong_chain_id=5"],
    ["latency_ms=20"],
    ["batch_out_of_order=1"],
    ["batch_single_error_object=3"],
    ["batch_single_error_object=1"],
    ["same_suggestion=1"],
]


async def read(url: str, token: Address, first: int) -> tuple[str, Any]:
    """Everything that a run reads, as one digest, and what it cost."""
    chains = Chains({1: [url]}, 1, timeout_seconds=2.0)
    try:
        pinned = await (await chains.get()).pin()
        logs = await pinned.fetch_logs(LogFilter((token,), (TRANSFER,)), first)
        transfers = decode_transfers(logs).erc20
        hashes = list(dict.fromkeys(log.transaction_hash for log in logs))[:100]
        receipts = await pinned.fetch_receipts(hashes)
        times = await pinned.fetch_timestamps({log.block_number for log in logs[:100]})
        holders = sorted({transfer.recipient for transfer in transfers})[:100]
        balances = await fetch_erc20_holders(pinned, token, holders)
        await pinned.confirm()
    finally:
        await chains.close()
    facts = repr((logs, sorted(receipts.items()), sorted(times.items()), sorted(balances.items())))
    return f"{len(logs)} logs, {hashlib.sha256(facts.encode()).hexdigest()[:12]}", pinned.stats


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_case(options: argparse.Namespace, profile: str, faults: list[str]) -> list[str]:
    """One row: the case, its result or error, HTTP requests, log calls, seconds."""
    command = [sys.executable, "-m", "replay_node", "--data", options.data]
    command += ["--port", str(free_port()), "--profile", profile]
    for fault in faults:
        command += ["--fault", fault]
    node = subprocess.Popen(
        command,
        cwd=options.tools,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert node.stdout is not None
        url = json.loads(node.stdout.readline())["url"]
        started = time.monotonic()
        try:
            result, stats = asyncio.run(read(url, options.token, options.first_block))
            cost = [str(stats.requests), str(stats.by_method.get("eth_getLogs", 0))]
        except ChainError as error:
            result, cost = f"{type(error).__name__}: {error}", ["", ""]
        return [profile, " ".join(faults), result, *cost, f"{time.monotonic() - started:.1f}"]
    finally:
        node.terminate()
        node.wait()


def main() -> None:
    """Print the table; a result that differs from the first one, and is no error, is marked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path)
    parser.add_argument("data", type=lambda text: str(Path(text).resolve()))
    parser.add_argument("token", type=Address)
    parser.add_argument("first_block", type=int)
    options = parser.parse_args()
    health.REFUSAL_REST_SECONDS = 5.0
    cases: list[tuple[str, list[str]]] = [(profile, []) for profile in PROFILES]
    cases += [("alchemy" if "same" in fault[0] else "open", fault) for fault in FAULTS]
    print("| profile | fault | result | requests | eth_getLogs | s |\n|---|---|---|---|---|---|")
    expected = None
    for profile, faults in cases:
        row = run_case(options, profile, faults)
        expected = expected or row[2]
        if " logs, " in row[2] and row[2] != expected:
            row[2] += " DIFFERS"
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
