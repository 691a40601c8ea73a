"""A reorg of the real node between two runs over the whole history, with digests of both forks."""

from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from pymongo.asynchronous.database import AsyncDatabase

from common.actions.analyze_coin_flows import CoinFlowPayload
from common.actions.handler import Report
from common.results.coin_flows import CoinFlowAnalysis
from local_chain.contracts import load_contract
from tests.integration.stage import Stage
from token_worker.handler import analyze_coin_flows

Analyze = Callable[[], Awaitable[Report[CoinFlowAnalysis]]]
Database = AsyncDatabase[dict[str, Any]]

FLOW = load_contract("token")
GAS = hex(3_000_000)

pytestmark = pytest.mark.usefixtures("short_histories_have_digests")


class Coin:
    """A real token on a stage; its accounts are numbers, each call makes a block."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.accounts: list[str] = stage.call("eth_accounts")
        creation = FLOW.encode_creation("Flow Token", "FLOW", 18)
        self.address = self._send(0, data=f"0x{creation.hex()}")["contractAddress"]

    def call(self, sender: int, function: str, *arguments: Any) -> None:
        """Call a function of the token."""
        data = FLOW.encode_call(function, *arguments)
        self._send(sender, to=self.address, data=f"0x{data.hex()}")

    def mint(self, receiver: int, amount: int) -> None:
        """Mint to an account."""
        self.call(0, "mint", self.accounts[receiver], amount)

    def pass_on(self, amount: int, *path: int) -> None:
        """Transfer an amount along a path of accounts."""
        for sender, receiver in pairwise(path):
            self.call(sender, "transfer", self.accounts[receiver], amount)

    def _send(self, sender: int, **fields: str) -> Any:
        command = {"from": self.accounts[sender], "gas": GAS, **fields}
        digest = self._stage.call("eth_sendTransaction", command)
        self._stage.call("evm_mine")
        receipt = self._stage.call("eth_getTransactionReceipt", digest)
        assert receipt["status"] == "0x1"
        return receipt


@pytest.fixture
def coin(stage: Stage) -> Coin:
    return Coin(stage)


@pytest.fixture
def analyze_coin(run_handler: Callable[..., Any], stage: Stage, coin: Coin) -> Analyze:
    """Analyse the whole history of the coin."""

    async def run() -> Report[CoinFlowAnalysis]:
        payload = CoinFlowPayload.model_validate(
            {"tokenAddress": coin.address, "options": {"fullHistory": True}}
        )
        report: Report[CoinFlowAnalysis]
        report, _ = await run_handler(analyze_coin_flows, payload, stage.url)
        return report

    return run


async def test_after_a_reorg_a_recurring_run_is_one_from_scratch(
    stage: Stage, coin: Coin, analyze_coin: Analyze, database: Database, loaded: list[int]
) -> None:
    coin.mint(1, 10**20)
    coin.mint(2, 10**18)
    coin.pass_on(10**17, 1, 2, 3, 1)
    stage.finish()
    common = await analyze_coin()
    fork = stage.call("evm_snapshot")
    coin.pass_on(4 * 10**19, 1, 4, 5)
    coin.call(5, "burn", 3 * 10**19)
    stage.finish()
    abandoned = await analyze_coin()
    stage.call("evm_revert", fork)
    coin.pass_on(7 * 10**18, 1, 6, 3)
    coin.pass_on(10**16, 2, 3, 6, 2)
    coin.mint(4, 10**18)
    stage.finish()
    recurring = await analyze_coin()
    for name in await database.list_collection_names():
        await database.drop_collection(name)
    scratch = await analyze_coin()

    assert recurring == scratch
    assert recurring.result.summary.transfer_count == 11
    assert abandoned.result.summary.burn_count == 1
    assert abandoned.result.window.to_block < recurring.result.window.to_block
    assert loaded == [common.result.window.to_block] * 2  # never on the abandoned fork's
