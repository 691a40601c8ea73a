"""Snapshots through the real reader, and contracts that say whatever a test makes them say."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from common.actions.handler import Report
from common.actions.wallet_snapshot import WalletSnapshot, WalletSnapshotPayload
from common.chain.types import RpcStats
from local_stack.servers import AnvilServer
from wallet_worker.handler import take_snapshot

Snapshot = Callable[..., Awaitable[tuple[Report[WalletSnapshot], RpcStats]]]

MAKE_FINAL = 100  # blocks; more than any node waits before it calls a block final


@pytest.fixture
def snapshot(run_handler: Snapshot) -> Snapshot:
    """Return a function that takes a snapshot on a chain; keyword arguments are options."""

    async def run(
        url: str, wallet: str, chain_id: int = 31337, **options: Any
    ) -> tuple[Report[WalletSnapshot], RpcStats]:
        payload = WalletSnapshotPayload.model_validate({"wallet": wallet, "options": options})
        return await run_handler(take_snapshot, payload, url, chain_id=chain_id)

    return run


class Stage:
    """An empty chain on which contracts log what they are told to."""

    def __init__(self, rpc: httpx.Client) -> None:
        self.url = str(rpc.base_url)
        self._rpc = rpc
        self.account: str = self.call("eth_accounts")[0]
        self._placed = 0
        self.call("evm_setAutomine", False)

    def call(self, method: str, *params: object) -> Any:
        """Make a JSON-RPC call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self._rpc.post("/", json=request).json()
        assert "error" not in answer, answer
        return answer["result"]

    def place_contract(self, answer: str) -> str:
        """Place a contract that answers every call with `answer` (hex code), and logs on command.

        Calldata of 4 words is such a command: three topics and the data of one event.
        """
        code = (
            "0x3660801460"
            + f"{7 + len(answer) // 2:02x}"
            + "57"
            + answer
            # jumpdest; data word to memory; log3(memory, topics of calldata); stop
            + "5b602060606000376040356020356000356020"
            + "6000a300"
        )
        self._placed += 1
        address = f"0x{0xC0DE0000 + self._placed:040x}"
        self.call("anvil_setCode", address, code)
        return address

    def log(self, contract: str, topics: tuple[str, str, str], data: int) -> None:
        """Make a contract log one event, in a block of its own."""
        words = "".join(topic.removeprefix("0x").rjust(64, "0") for topic in topics)
        command = {"from": self.account, "to": contract, "data": f"0x{words}{data:064x}"}
        digest = self.call("eth_sendTransaction", command)
        self.call("evm_mine")
        assert self.call("eth_getTransactionReceipt", digest)["status"] == "0x1"

    def finish(self) -> None:
        """Make everything so far final."""
        self.call("anvil_mine", hex(MAKE_FINAL))


@pytest.fixture
def stage(own_anvil: AnvilServer) -> Iterator[Stage]:
    """Return an empty chain of the test's own."""
    with httpx.Client(base_url=own_anvil.url) as rpc:
        yield Stage(rpc)
