"""Reads recorded data under every provider's limits and every fault: is the result the same?

    python benchmarks/chain/providers.py FOLDER_WITH_REPLAY_NODE DATA_FOLDER TOKEN FIRST_BLOCK

FOLDER_WITH_REPLAY_NODE holds a package `replay_node`: a JSON-RPC node that serves recorded chain
data with the limits and faults of providers. Each profile gets a node of its own, with limits that
so little data reaches; under each fault all Transfer logs of the token are read, receipts, block
times and balances. What is read must equal what the node without limits and faults tells of the
same block, or the run must fail and say what is missing. Exits with 1 where neither is so.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from common.chain import health
from common.chain.client import Chains
from common.chain.errors import ChainError
from common.chain.tokens import fetch_erc20_holders
from common.chain.transfers import TRANSFER, decode_transfers
from common.chain.types import Address, LogFilter
from local_stack.ports import find_free_port

TIMEOUT_SECONDS = 1.0
PROFILES: Mapping[str, Mapping[str, int]] = {
    "open": {},
    "geth": {"max_batch": 20},
    "reth": {"max_blocks": 700, "max_logs": 60},
    "alchemy": {"max_logs": 60, "always_served": 20, "max_batch": 20},
    "infura": {"max_blocks": 700, "max_logs": 60},
    "quicknode": {"max_blocks": 700},
    "publicnode": {"max_blocks": 700},
    "bsc-strict": {"max_blocks": 700, "max_batch": 20},
}
"""Limits in place of the providers' own, by profile."""

SAME = ""
Fault = Mapping[str, int]
FAULTS: list[tuple[Fault, str]] = [
    ({}, SAME),
    ({"http_429_every": 5, "retry_after_s": 1}, SAME),
    ({"http_503_every": 5}, SAME),
    ({"timeout_every": 9, "timeout_s": 2}, SAME),
    ({"null_receipt_every": 3}, SAME),
    ({"null_logs_every": 3}, SAME),
    ({"truncated_logs_every": 2}, SAME),
    ({"truncated_logs_every": 3}, SAME),
    ({"truncated_logs_every": 7}, SAME),
    ({"truncated_logs_every": 1}, r"InvalidAnswer: .*logs of block \d+ are missing"),
    ({"removed_logs_every": 3}, SAME),
    ({"empty_logs_when_behind": 1}, r"InvalidAnswer: .*logs of block \d+ are missing"),
    ({"empty_logs_when_behind": 5000}, r"InvalidAnswer: .*logs of block \d+ are missing"),
    ({"head_back_every": 2}, SAME),
    ({"missing_state_below": 99_999_999}, "MissingState: .*missing trie node"),
    ({"no_finality_tags": 1}, SAME),
    ({"wrong_chain_id": 5}, "WrongChain: .*serves chain 5"),
    ({"latency_ms": 20}, SAME),
    ({"batch_out_of_order": 1}, SAME),
    ({"batch_single_error_object": 3}, SAME),
    ({"batch_single_error_object": 1}, SAME),
    ({"same_suggestion": 1}, SAME),
]
"""Faults, and what a run then says, as a pattern; SAME where its result is to be the same."""


async def read(
    url: str, token: Address, first: int, at_block: int | None = None
) -> tuple[int, Any, int]:
    """The block that a run was pinned to, everything that it read, and its requests."""
    chains = Chains({1: [url]}, 1, timeout_seconds=TIMEOUT_SECONDS)
    try:
        pinned = await (await chains.get()).pin(at_block)
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
    return pinned.block.number, (logs, receipts, times, balances), pinned.stats.requests


async def check(
    url: str, truth_url: str, options: argparse.Namespace, fault: Fault, wanted: str
) -> tuple[str, bool]:
    """What a run under a fault came to, and whether that is right."""
    async with aiohttp.ClientSession() as session:
        control = {"reset_faults": True, "reset_stats": True, **fault}
        await session.post(f"{url}/control", json=control)
    try:
        block, found, requests = await read(url, options.token, options.first_block)
    except ChainError as error:
        said = f"{type(error).__name__}: {error}"
        return said, bool(wanted) and re.match(wanted, said) is not None
    _, true, _ = await read(truth_url, options.token, options.first_block, block)
    is_same = found == true
    said = f"{len(found[0])} logs, {'the same' if is_same else 'OTHERS'}, {requests} requests"
    return said, is_same and not wanted


@contextmanager
def node(options: argparse.Namespace, profile: str) -> Iterator[str]:
    """A node of its own, by its URL."""
    command = [sys.executable, "-m", "replay_node", "--data", options.data]
    command += ["--port", str(find_free_port()), "--profile", profile]
    for name, limit in PROFILES[profile].items():
        command += ["--limit", f"{name}={limit}"]
    process = subprocess.Popen(
        command,
        cwd=options.tools,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait()


async def run_profile(profile: str, truth_url: str, options: argparse.Namespace) -> list[bool]:
    """Print a row for each fault; which of them are right."""
    results = []
    with node(options, profile) as url:
        for fault, wanted in FAULTS:
            said, is_right = await check(url, truth_url, options, fault, wanted)
            results.append(is_right)
            shown = " ".join(f"{name}={value}" for name, value in fault.items())
            mark = "" if is_right else "WRONG: "
            print(f"| {profile} | {shown} | {mark}{said} |", flush=True)
    return results


async def run_all(options: argparse.Namespace) -> list[bool]:
    """All profiles beside each other: most of their time is spent on waiting."""
    with node(options, "open") as truth_url:
        runs = [run_profile(profile, truth_url, options) for profile in PROFILES]
        return [is_right for results in await asyncio.gather(*runs) for is_right in results]


def main() -> None:
    """Print the table, and how much of it is right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path)
    parser.add_argument("data", type=lambda text: str(Path(text).resolve()))
    parser.add_argument("token", type=Address)
    parser.add_argument("first_block", type=int)
    options = parser.parse_args()
    health.FIRST_REST_SECONDS = 0.05
    health.REFUSAL_REST_SECONDS = 0.5
    print("| profile | fault | result |\n|---|---|---|")
    results = asyncio.run(run_all(options))
    print(f"{sum(results)} of {len(results)} are right")
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
