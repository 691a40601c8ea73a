"""Carries a plan out on a node, block by block, and checks that every transaction succeeded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local_chain.errors import ScenarioError
from local_chain.node import Node
from local_chain.plan import SLOT_SECONDS, TRAFFIC_HOURS, Plan, Transaction

# For every block anew, because a full block raises the fee of the next.
NO_BASE_FEE: Final = ("anvil_setNextBlockBaseFeePerGas", ["0x0"])


@dataclass(frozen=True)
class Executed:
    """A transaction of the plan with its place on the chain."""

    transaction: Transaction
    tx_hash: str
    block_number: int
    timestamp: datetime


def first_traffic_hour(end_time: datetime) -> datetime:
    """Return the full hour at which the traffic of a chain that ends at `end_time` begins."""
    last_full_hour = end_time.replace(minute=0, second=0, microsecond=0)
    return last_full_hour - timedelta(hours=TRAFFIC_HOURS)


def slot_time(first_hour: datetime, slot: int) -> datetime:
    """Return the timestamp of a slot's block: its middle."""
    return first_hour + timedelta(seconds=slot * SLOT_SECONDS + SLOT_SECONDS // 2)


class BlockMaker:
    """Mines blocks at chosen times, with chosen transactions in the order given.

    A node fills a block by what transactions offer for gas, so each offers a little more than the
    next: the order in which they arrive, which a busy machine may change, does not matter. Nobody
    pays the offer: base fee and tip are zero, and native balances are what the plan says.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._nonces: dict[str, int] = {}
        height, _ = node.batch([("eth_blockNumber", []), NO_BASE_FEE])
        self._height = int(height, 16)

    def mine(self, timestamp: datetime, transactions: Sequence[Transaction]) -> list[Executed]:
        """Mine one block with these transactions.

        Raises:
            RpcError: The node refused a transaction, or the time is not after its newest block.
        """
        self._fetch_nonces({each.sender for each in transactions} - self._nonces.keys())
        offers = range(len(transactions), 0, -1)
        sends = [
            ("eth_sendTransaction", [self._request(each, offer)])
            for each, offer in zip(transactions, offers, strict=True)
        ]
        _, *tx_hashes = self._node.batch([NO_BASE_FEE, *sends])
        self._node.call("evm_mine", {"timestamp": hex(int(timestamp.timestamp()))})
        self._height += 1
        return [
            Executed(transaction, tx_hash, self._height, timestamp)
            for transaction, tx_hash in zip(transactions, tx_hashes, strict=True)
        ]

    def _fetch_nonces(self, accounts: set[str]) -> None:
        calls = [("eth_getTransactionCount", [account, "latest"]) for account in accounts]
        for account, nonce in zip(accounts, self._node.batch(calls), strict=True):
            self._nonces[account] = int(nonce, 16)

    def _request(self, transaction: Transaction, offer_wei: int) -> dict[str, Any]:
        nonce = self._nonces[transaction.sender]
        self._nonces[transaction.sender] = nonce + 1
        return {
            "from": transaction.sender,
            "to": transaction.to,
            "data": "0x" + transaction.data.hex(),
            "value": hex(transaction.value),
            "gas": hex(transaction.gas),
            "maxFeePerGas": hex(offer_wei),
            "maxPriorityFeePerGas": "0x0",
            "nonce": hex(nonce),
        }


def execute(plan: Plan, blocks: BlockMaker, first_hour: datetime) -> list[Executed]:
    """Mine one block per slot of the plan and return its transactions in chain order."""
    executed: list[Executed] = []
    for slot, transactions in plan.slots():
        executed.extend(blocks.mine(slot_time(first_hour, slot), transactions))
    return executed


def check_receipts(node: Node, executed: Sequence[Executed]) -> None:
    """Check that each transaction succeeded in the block and at the position expected.

    Raises:
        ScenarioError: The node mined something else, or a transaction was reverted.
    """
    numbers = sorted({each.block_number for each in executed})
    answers = node.batch([("eth_getBlockReceipts", [hex(number)]) for number in numbers])
    receipts = [receipt for answer in answers for receipt in answer]
    mined = [(receipt["transactionHash"], int(receipt["blockNumber"], 16)) for receipt in receipts]
    if mined != [(each.tx_hash, each.block_number) for each in executed]:
        raise ScenarioError("the node mined the transactions in another order than they were sent")
    for receipt, each in zip(receipts, executed, strict=True):
        if receipt["status"] != "0x1":
            raise ScenarioError(f"reverted in block {each.block_number}: {each.transaction}")


def utc_now() -> datetime:
    """Return the present second."""
    return datetime.now(UTC).replace(microsecond=0)
