"""Blocks keep the order of the plan whatever order the node works on calls in."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from local_chain.coin_actions import send_native
from local_chain.execution import BlockMaker, check_receipts, utc_now
from local_chain.node import Node
from local_chain.plan import Transaction
from local_stack.servers import AnvilServer

SENDERS = [f"0x{number:040x}" for number in range(0x5E4D, 0x5E4D + 7)]
RECEIVER = "0x" + "ab" * 20


class ShufflingNode(Node):
    """Stands for a busy machine: the calls of a batch reach the node in another order."""

    def __init__(self, rpc_url: str, rng: Random) -> None:
        super().__init__(rpc_url)
        self._rng = rng

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        order = self._rng.sample(range(len(calls)), len(calls))
        answers = dict(zip(order, super().batch([calls[at] for at in order]), strict=True))
        return [answers[at] for at in range(len(calls))]


def transactions(count: int) -> list[Transaction]:
    """Transfers of different amounts; senders take turns, with one of them twice as often."""
    return [send_native(SENDERS[at % 8 % 7], RECEIVER, at) for at in range(count)]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_a_block_does_not_depend_on_the_order_of_arrival(
    own_anvil: AnvilServer, seed: int
) -> None:
    rng = Random(seed)  # noqa: S311  # a shuffle, no secret
    with ShufflingNode(own_anvil.url, rng) as node:
        node.call("evm_setAutomine", False)
        node.call("anvil_autoImpersonateAccount", True)
        node.batch([("anvil_setBalance", [sender, hex(10**18)]) for sender in SENDERS])
        blocks = BlockMaker(node)
        for minutes, count in enumerate((200, 0, 1, 40)):
            moment = utc_now() + timedelta(minutes=minutes)
            executed = blocks.mine(moment, transactions(count))
            check_receipts(node, executed)
            head = node.call("eth_getBlockByNumber", "latest", False)
            assert head["transactions"] == [each.tx_hash for each in executed]
            assert len(executed) == count


def test_nobody_pays_for_gas(own_anvil: AnvilServer) -> None:
    with Node(own_anvil.url) as node:
        node.call("evm_setAutomine", False)
        node.call("anvil_autoImpersonateAccount", True)
        node.batch([("anvil_setBalance", [sender, hex(10**18)]) for sender in SENDERS])
        planned = transactions(100)
        for each in BlockMaker(node).mine(utc_now(), planned):
            receipt = node.call("eth_getTransactionReceipt", each.tx_hash)
            assert int(receipt["effectiveGasPrice"], 16) == 0
        left = [int(node.call("eth_getBalance", sender, "latest"), 16) for sender in SENDERS]

    assert left == [
        10**18 - sum(each.value for each in planned if each.sender == sender) for sender in SENDERS
    ]
