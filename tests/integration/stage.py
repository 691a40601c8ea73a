"""An empty chain on which contracts say and log whatever a test makes them say."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from tests.integration.evm_code import Event, emitter

MAKE_FINAL = 100  # blocks; more than any node waits before it calls a block final


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
        self._placed += 1
        address = f"0x{0xC0DE0000 + self._placed:040x}"
        self.answer(address, answer)
        return address

    @staticmethod
    def _code(answer: str) -> str:
        return (
            "0x3660801460"
            + f"{7 + len(answer) // 2:02x}"
            + "57"
            + answer
            # jumpdest; data word to memory; log3(memory, topics of calldata); stop
            + "5b602060606000376040356020356000356020"
            + "6000a300"
        )

    def log(self, contract: str, topics: tuple[str, str, str], data: int, after: str = "") -> None:
        """Make a contract log one event, in a block of its own."""
        words = "".join(topic.removeprefix("0x").rjust(64, "0") for topic in topics)
        command = {"from": self.account, "to": contract, "data": f"0x{words}{data:064x}{after}"}
        digest = self.call("eth_sendTransaction", command)
        self.call("evm_mine")
        assert self.call("eth_getTransactionReceipt", digest)["status"] == "0x1"

    def place_ledger(self) -> str:
        """Place a token that answers every call with a balance that `move` sets."""
        self._placed += 1
        address = f"0x{0xC0DE0000 + self._placed:040x}"
        # calldatasize == 160 ? jump : return storage[0]
        code = "0x3660a014601257" + "60005460005260206000f3"
        # jumpdest; storage[0] = word 4; log3 with topics of words 0 to 2, and word 3 as its data
        code += "5b60803560005560206060600037" + "6040356020356000356020" + "6000a300"
        self.call("anvil_setCode", address, code)
        return address

    def move(self, contract: str, topics: tuple[str, str, str], logged: int, balance: int) -> None:
        """Make a ledger log one amount and state some balance from then on."""
        self.log(contract, topics, logged, after=f"{balance:064x}")

    def call_many(self, method: str, calls: Sequence[Sequence[object]]) -> list[Any]:
        """Make many JSON-RPC calls of one method in one batch."""
        requests = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": list(params)}
            for index, params in enumerate(calls)
        ]
        answers = self._rpc.post("/", json=requests, timeout=60).json()
        assert all("error" not in each for each in answers), answers
        return [each["result"] for each in answers]

    def place_many(self, answer: str, count: int) -> list[str]:
        """Place many contracts that answer every call with the same."""
        first = 0xC0DE0000 + self._placed + 1
        self._placed += count
        addresses = [f"0x{first + number:040x}" for number in range(count)]
        code = self._code(answer)
        self.call_many("anvil_setCode", [(address, code) for address in addresses])
        return addresses

    def log_many(self, contracts: Sequence[str], topics: tuple[str, str, str], data: int) -> None:
        """Make each contract log one event, each in a transaction of its own, ten to a block."""
        words = "".join(topic.removeprefix("0x").rjust(64, "0") for topic in topics)
        for start in range(0, len(contracts), 10):
            commands = [
                {
                    "from": self.account,
                    "to": contract,
                    "data": f"0x{words}{data:064x}",
                    "gas": "0x186a0",
                }
                for contract in contracts[start : start + 10]
            ]
            self.call_many("eth_sendTransaction", [(command,) for command in commands])
            self.call("evm_mine")

    def answer(self, contract: str, answer: str) -> None:
        """Make a contract that was placed answer with other code from now on."""
        self.call("anvil_setCode", contract, self._code(answer))

    def pay(self, sender: str, recipient: str, value_wei: int, **fields: str) -> str:
        """Send native coin from any account, in a block of its own; return the hash."""
        self.call("anvil_impersonateAccount", sender)
        payment = {"from": sender, "to": recipient, "value": hex(value_wei), **fields}
        digest: str = self.call("eth_sendTransaction", payment)
        self.call("evm_mine")
        return digest

    def place_emitter(self, answer: str, events: Sequence[Event]) -> str:
        """Place a contract that answers with some code, and logs all events when `emit` is called.

        The code begins at `evm_code.ANSWER_AT`.
        """
        self._placed += 1
        address = f"0x{0xC0DE0000 + self._placed:040x}"
        self.call("anvil_setCode", address, emitter(answer, events))
        return address

    def emit(self, contract: str, **fields: str) -> str:
        """Make an emitter log its events, in a block of its own; return the hash."""
        command = {"from": self.account, "to": contract, "gas": "0x1800000", **fields}
        digest: str = self.call("eth_sendTransaction", command)
        self.call("evm_mine")
        assert self.call("eth_getTransactionReceipt", digest)["status"] == "0x1"
        return digest

    @contextmanager
    def mainnet(self) -> Iterator[None]:
        """Let the node say that it serves mainnet; its accounts do not sign for that."""
        self.call("anvil_setChainId", 1)
        yield
        self.call("anvil_setChainId", 31337)

    def finish(self) -> None:
        """Make everything so far final."""
        self.call("anvil_mine", hex(MAKE_FINAL))
