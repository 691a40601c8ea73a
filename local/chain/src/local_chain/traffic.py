"""Keeps a seeded chain alive: a block every few seconds with a few honest transactions.

Coins move between small holders, and every NFT it sells was minted by it before and is sold once.
So the planted facts stay true at their block, and the analyses find no new pattern.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from local_chain.addresses import COLLECTION, COLLECTORS, FLOW, SMALL_HOLDERS
from local_chain.coin_actions import transfer_coins
from local_chain.errors import UnsuitableNodeError
from local_chain.execution import BlockMaker, Executed, check_receipts, utc_now
from local_chain.nft_actions import accept_bid, buy_nft, mint_nfts
from local_chain.node import Node
from local_chain.plan import Transaction
from local_chain.scenario import find_scenario

logger = logging.getLogger(__name__)

UNIT = 10**18
MILLIETHER = 10**15
BLOCKS_PER_MINT = 12
BLOCKS_BETWEEN_MINT_AND_SALE = 6
UNKNOWN_TOKEN = range(1)  # the contract picks the id, the plan of a mint wants a range


def run(rpc_url: str, stop: threading.Event, *, interval_seconds: float = 4.0) -> int:
    """Mine blocks until `stop` is set; return how many.

    Raises:
        NodeUnreachableError: The node does not answer, or no longer.
        UnsuitableNodeError: The chain is not seeded.
        ScenarioError: A transaction failed.
    """
    if find_scenario(rpc_url) is None:
        raise UnsuitableNodeError("the chain is not seeded: run `python -m local_chain seed` first")
    with Node(rpc_url) as node:
        node.batch([("evm_setAutomine", [False]), ("anvil_autoImpersonateAccount", [True])])
        traffic = _Traffic(node, Random())  # noqa: S311 (traffic, not a secret)
        mined = 0
        while not stop.wait(interval_seconds):
            transactions = traffic.mine_block()
            mined += 1
            logger.debug("mined a block with %d transactions", transactions)
        node.call("evm_setAutomine", True)
    return mined


class _Traffic:
    def __init__(self, node: Node, rng: Random) -> None:
        self._node = node
        self._rng = rng
        self._blocks = BlockMaker(node)
        self._mined = 0
        self._for_sale: deque[tuple[int, int, str]] = deque()  # since block, token id, owner

    def mine_block(self) -> int:
        """Mine one block and return its number of transactions."""
        transactions = [*self._coin_transfers(), *self._sale(), *self._mint()]
        executed = self._blocks.mine(self._next_timestamp(), transactions)
        check_receipts(self._node, executed)
        self._mined += 1
        for each in executed:
            if each.transaction.to == COLLECTION:
                self._remember_mint(each)
        return len(executed)

    def _coin_transfers(self) -> Iterator[Transaction]:
        for _ in range(self._rng.randrange(3)):
            sender, receiver = self._rng.sample(SMALL_HOLDERS, 2)
            yield transfer_coins(FLOW, sender, receiver, self._rng.randint(1, 50) * UNIT)

    def _mint(self) -> Iterator[Transaction]:
        if self._mined % BLOCKS_PER_MINT == 0:
            yield mint_nfts(self._rng.choice(COLLECTORS), UNKNOWN_TOKEN)

    def _sale(self) -> Iterator[Transaction]:
        if not self._for_sale or self._mined < self._for_sale[0][0] + BLOCKS_BETWEEN_MINT_AND_SALE:
            return
        _, token_id, seller = self._for_sale.popleft()
        buyer = self._rng.choice([each for each in COLLECTORS if each != seller])
        price_wei = round(800 * self._rng.lognormvariate(0, 0.35)) * MILLIETHER
        if self._rng.random() < 0.5:
            yield buy_nft(buyer, seller, token_id, price_wei)
        else:
            yield accept_bid(seller, buyer, token_id, price_wei)

    def _remember_mint(self, mint: Executed) -> None:
        receipt = self._node.call("eth_getTransactionReceipt", mint.tx_hash)
        token_id = int(receipt["logs"][0]["topics"][3], 16)
        self._for_sale.append((self._mined, token_id, mint.transaction.movements[0].receiver))

    def _next_timestamp(self) -> datetime:
        head = self._node.call("eth_getBlockByNumber", "latest", False)
        earliest = datetime.fromtimestamp(int(head["timestamp"], 16) + 1, UTC)
        return max(utc_now(), earliest)
