"""Compares wallet snapshots with published answers about recorded mainnet data.

    python -m benchmarks.wallet.acceptance FOLDER_WITH_REPLAY_NODE FOLDER_OF_SETS

FOLDER_WITH_REPLAY_NODE holds a package `replay_node`: a JSON-RPC node that serves recorded chain
data. Each set of FOLDER_OF_SETS gets a node of its own, and is read through the worker's handler
with a MongoDB that is gone afterwards. Prints what disagrees and how many figures agree, all of
them exactly. Exits with 1 if anything disagrees.
"""

import argparse
import asyncio
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from common.actions.handler import RunContext
from common.actions.wallet_snapshot import WalletSnapshot, WalletSnapshotPayload
from common.chain.client import Chains, PinnedChain
from common.chain.store.chain_store import ChainStore
from common.chain.tokens import fetch_erc20_balances, fetch_token_metadata
from common.chain.types import Address
from common.mongo_client import create_mongo
from local_stack.ports import find_free_port
from local_stack.servers import MongoServer
from wallet_worker.handler import take_snapshot

NATIVE = "0x" + "e" * 40
"""Stands for the native coin where the sets name a token."""
ZERO = "0x" + "0" * 40

Figure = tuple[str, Any, Any]
"""Name, found, wanted."""


@dataclass
class Wallets:
    """Wallets of one node, through the worker's handler."""

    chains: Chains
    database: Any
    snapshots: int = 0
    calls: int = 0
    reasons: set[str] = field(default_factory=set)

    async def pin(self, block: int | None) -> PinnedChain:
        """Return the chain at a block."""
        return await (await self.chains.get()).pin(block)

    async def of(
        self, wallet: str, block: int | None = None, *, transactions: bool = False
    ) -> WalletSnapshot:
        """Return the snapshot of a wallet at a block, the newest one by default."""

        async def ignore(_: str) -> None: ...

        async def find_nothing() -> None: ...

        options = {"atBlock": block, "includeTransactions": transactions, "nativeSearchCalls": 0}
        payload = WalletSnapshotPayload.model_validate({"wallet": wallet, "options": options})
        pinned = await self.pin(block)
        context = RunContext("job:0", "job", pinned, {}, ignore, find_nothing, self.database)
        report = await take_snapshot(payload, context)
        await pinned.confirm()
        self.snapshots += 1
        self.calls += pinned.stats.calls
        self.reasons |= {reason.code for reason in report.result.completeness.reasons}
        return report.result


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a packed CSV file."""
    with gzip.open(path, "rt", newline="") as lines:
        yield from csv.DictReader(lines)


async def state_figures(wallets: Wallets, folder: Path) -> list[Figure]:
    """Balances at a block, as an archive node answered.

    The set holds no logs. So a snapshot cannot find a token that is held there: such balances, and
    the facts about a token, are read by the functions that read them for a snapshot.
    """
    figures: list[Figure] = []
    for row in rows(folder / "eth_state.csv.gz"):
        block, address = int(row["block_number"]), row["address"]
        found = await wallets.of(address, block)
        figures.append(
            (f"ETH of {address} at {block}", found.native.balance_raw, row["balance_wei"])
        )
        if row["nonce"]:
            figures.append(
                (f"nonce of {address} at {block}", str(found.wallet.nonce), row["nonce"])
            )
    for row in rows(folder / "token_balances.csv.gz"):
        block, holder, token = int(row["block_number"]), row["holder"], Address(row["token"])
        if token == NATIVE:
            balance = (await wallets.of(holder, block)).native.balance_raw
        else:
            pinned = await wallets.pin(block)
            answers = await fetch_erc20_balances(pinned, Address(holder), [token])
            balance = str(answers[token])
        figures.append((f"{token} of {holder} at {block}", balance, row["balance_as_printed"]))
    for row in rows(folder / "token_info.csv.gz"):
        token = Address(row["token"])
        pinned = await wallets.pin(int(row["block_number"]))
        facts = (await fetch_token_metadata(pinned, [token]))[token]
        found_facts = (facts.name, facts.symbol, str(facts.decimals))
        figures.append(
            (f"facts of {token}", found_facts, (row["name"], row["symbol"], row["decimals"]))
        )
    return figures


async def holder_figures(wallets: Wallets, folder: Path) -> list[Figure]:
    """The largest holders of a token at several blocks, found in each holder's own logs."""
    expected = json.loads((folder / "expected.json").read_text())
    figures: list[Figure] = []
    for block, wanted in sorted(
        expected["holders_at_block"].items(), key=lambda item: int(item[0])
    ):
        for holder, balance in wanted["top10"]:
            if holder == ZERO:  # no wallet
                continue
            found = await wallets.of(holder, int(block))
            held = {token.contract_address: token for token in found.tokens or []}
            token = held.get(expected["token"])
            name = f"{holder} at {block}: "
            figures += [
                (name + "balance", token and token.balance_raw, balance),
                (name + "unexplained", token and token.unexplained_raw, "0"),
            ]
    return figures


async def transfer_figures(wallets: Wallets, folder: Path) -> list[Figure]:
    """Every wallet's token transfers in a block, as another program extracted them."""
    wanted: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    with gzip.open(folder / "token_transfers.jsonl.gz", "rt") as lines:
        for row in map(json.loads, lines):
            facts = (str(row["log_index"]), row["token_address"].lower(), str(row["value"]))
            for party in (row["from_address"], row["to_address"]):
                wanted[party.lower()].add((row["transaction_hash"], *facts))
    wanted.pop(ZERO, None)
    figures: list[Figure] = []
    for wallet, transfers in sorted(wanted.items()):
        found = await wallets.of(wallet, transactions=True)
        listed = {
            (
                each.tx_hash,
                str(each.log_index),
                each.contract_address,
                each.token_id or each.amount_raw,
            )
            for each in found.token_transfers or []
        }
        figures.append((f"transfers of {wallet}", sorted(listed), sorted(transfers)))
    return figures


SETS: dict[str, Callable[[Wallets, Path], Awaitable[list[Figure]]]] = {
    "wallet_state_at_block": state_figures,
    "erc20_univ2_stake_eth_lp_full_history": holder_figures,
    "block_17173049_etl": transfer_figures,
}


@contextmanager
def served(tools: Path, folder: Path) -> Iterator[str]:
    """Yield the URL of a node that serves a set."""
    command = [sys.executable, "-m", "replay_node", "--data", str(folder)]
    command += ["--port", str(find_free_port())]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=tools, env=environment, stdout=subprocess.PIPE, text=True
    ) as node:
        try:
            assert node.stdout is not None
            yield json.loads(node.stdout.readline())["url"]
        finally:
            node.terminate()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Wallets]:
    """Yield the wallets of a node, with nothing kept before."""
    with tempfile.TemporaryDirectory() as folder:
        server = MongoServer(Path(folder) / "mongod", Path(folder) / "mongod.log")
        server.start()
        try:
            async with create_mongo(SecretStr(server.url)) as client:
                database = client["acceptance"]
                chains = Chains({1: [url]}, 1, store=ChainStore(database))
                try:
                    yield Wallets(chains, database)
                finally:
                    await chains.close()
        finally:
            server.kill()


async def compare(tools: Path, folder: Path) -> int:
    """Print what disagrees in one set, and return how many figures do."""
    with served(tools, folder) as url:
        async with opened(url) as wallets:
            figures = await SETS[folder.name](wallets, folder)
    wrong = [figure for figure in figures if figure[1] != figure[2]]
    for name, found, wanted in wrong:
        print(f"  {name}: {found} instead of {wanted}")
    print(
        f"{folder.name}: {len(figures) - len(wrong)} of {len(figures)} figures agree,"
        f" {wallets.snapshots} snapshots, {wallets.calls} RPC calls,"
        f" incomplete for {', '.join(sorted(wallets.reasons)) or 'nothing'}",
        flush=True,
    )
    return len(wrong)


def main() -> None:
    """Compare all sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path)
    parser.add_argument("sets", type=Path)
    options = parser.parse_args()
    folders = [(options.sets / name).resolve() for name in SETS]
    wrong = sum(asyncio.run(compare(options.tools, folder)) for folder in folders)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
