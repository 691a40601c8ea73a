"""RPC calls, round trips and bytes of a wallet snapshot with 10, 100 and 1,000 tokens.

    .venv/bin/python benchmarks/wallet/snapshot_cost.py

Starts anvil and mongod of its own. Synthetic tokens (placed code that answers one word and logs on
command) send one transfer each to one wallet, each in a transaction of its own, ten to a block;
then a snapshot is taken cold, and every 100 blocks again: without new activity, and after five
more transfers. Calls and requests must be the same in all three repetitions of a case; CPU seconds
of this process (the worker's part, without anvil and mongod) are the median of them.
"""

import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from common.actions.handler import RunContext
from common.actions.wallet_snapshot import WalletSnapshotPayload
from common.chain.client import Chains
from common.chain.store.chain_store import ChainStore
from common.chain.transfers import TRANSFER
from common.chain.types import RpcStats
from common.mongo_client import create_mongo
from local_chain.addresses import MULTICALL3
from local_chain.contracts import multicall3_runtime_code
from local_stack.servers import AnvilServer, MongoServer
from wallet_worker.handler import take_snapshot

WALLET = "0x742d35cc6634c0532925a3b8d4c9db96c4b4d8b6"
SENDER = "0x" + "51" * 20
REPETITIONS = 3
TRANSFERS_PER_BLOCK = 10


class Chain:
    """An empty chain on which synthetic tokens log transfers to one wallet."""

    def __init__(self, url: str) -> None:
        self._rpc = httpx.Client(base_url=url, timeout=60)
        self._account = self.call("eth_accounts")[0]
        self.call("evm_setAutomine", False)
        self.call("anvil_setCode", MULTICALL3, multicall3_runtime_code())

    def call(self, method: str, *params: object) -> Any:
        """Make a JSON-RPC call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._rpc.post("/", json=request).json()
        assert "error" not in answer, answer
        return answer["result"]

    def place_tokens(self, count: int) -> list[str]:
        """Place tokens that answer 18 to whatever they are asked."""
        answer = f"7f{18:064x}60005260206000f3"
        code = (
            "0x3660801460"
            + f"{7 + len(answer) // 2:02x}"
            + "57"
            + answer
            + "5b6020606060003760403560203560003560206000a300"
        )
        addresses = [f"0x{0xC0DE0000 + number:040x}" for number in range(count)]
        for address in addresses:
            self.call("anvil_setCode", address, code)
        return addresses

    def transfer(self, tokens: list[str]) -> None:
        """Log one transfer of each token to the wallet, and make it final."""
        topics = "".join(
            each.removeprefix("0x").rjust(64, "0") for each in (TRANSFER, SENDER, WALLET)
        )
        for number, token in enumerate(tokens, start=1):
            data = f"0x{topics}{18:064x}"
            self.call(
                "eth_sendTransaction",
                {"from": self._account, "to": token, "data": data, "gas": "0x186a0"},
            )
            if number % TRANSFERS_PER_BLOCK == 0:
                self.call("evm_mine")
        self.call("anvil_mine", "0x64")


async def snapshot(url: str, database: Any) -> tuple[RpcStats, float]:
    """Take one snapshot with connections of its own, as after a restart; what it cost."""

    async def ignore(_: str) -> None: ...

    async def find_nothing() -> None:
        return None

    chains = Chains({31337: [url]}, 31337, store=ChainStore(database))
    try:
        started = time.process_time()
        pinned = await (await chains.get()).pin()
        context = RunContext("job:0", "job", pinned, {}, ignore, find_nothing, database)
        await take_snapshot(WalletSnapshotPayload(wallet=WALLET), context)
        await pinned.confirm()
        return pinned.stats, time.process_time() - started
    finally:
        await chains.close()


def row(title: str, runs: list[tuple[RpcStats, float]]) -> str:
    """A line of the table; HTTP requests other than for logs are beyond the log scan."""
    stats = runs[0][0]
    counted = {(each.calls, each.requests) for each, _ in runs}
    assert len(counted) == 1, f"{title} differs between repetitions: {counted}"
    beyond = stats.requests - stats.requests_by_method.get("eth_getLogs", 0)
    seconds = statistics.median(seconds for _, seconds in runs)
    return (
        f"| {title} | {stats.calls} | {stats.requests} | {beyond} |"
        f" {stats.bytes / 1000:.0f} | {seconds:.2f} |"
    )


async def measure(directory: Path, mongo_url: str, tokens: int) -> list[str]:
    """Cold, idle and busy snapshots of a wallet with so many tokens."""
    server = AnvilServer(directory / f"anvil-{tokens}.log")
    server.start()
    client = create_mongo(SecretStr(mongo_url))
    try:
        chain = Chain(server.url)
        placed = chain.place_tokens(tokens)
        chain.transfer(placed)
        database = client[f"benchmark-{tokens}"]
        runs: dict[str, list[tuple[RpcStats, float]]] = {"cold": [], "idle": [], "busy": []}
        for _ in range(REPETITIONS):
            await client.drop_database(database.name)
            runs["cold"].append(await snapshot(server.url, database))
            chain.call("anvil_mine", "0x64")
            runs["idle"].append(await snapshot(server.url, database))
        for _ in range(REPETITIONS):
            chain.transfer(placed[:5])
            runs["busy"].append(await snapshot(server.url, database))
    finally:
        await client.close()
        server.kill()
    titles = {"cold": "cold", "idle": "again, nothing new", "busy": "again, 5 new transfers"}
    return [row(f"{tokens} tokens, {titles[kind]}", found) for kind, found in runs.items()]


async def main() -> None:
    """Print the table."""
    directory = Path(tempfile.mkdtemp(prefix="wallet-benchmark-"))
    mongo = MongoServer(directory / "mongod", directory / "mongod.log")
    mongo.start()
    try:
        print("| snapshot | RPC calls | round trips | beyond the log scan | kB received | CPU s |")
        print("|---|---|---|---|---|---|")
        for tokens in (10, 100, 1000):
            for line in await measure(directory, mongo.url, tokens):
                print(line, flush=True)
    finally:
        mongo.kill()
        shutil.rmtree(directory)


if __name__ == "__main__":
    asyncio.run(main())
