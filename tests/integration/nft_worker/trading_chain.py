"""A chain of a test's own on which a collection is traded, block by block."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from local_chain.addresses import COLLECTION, CREATOR, MARKETPLACE, account
from local_chain.deployment import deploy
from local_chain.execution import BlockMaker, check_receipts
from local_chain.nft_actions import approve_nfts, mint_nfts
from local_chain.node import Node
from local_chain.plan import Transaction

Blocks = Sequence[Sequence[Transaction]]

ETHER = 10**18
ALICE, BOB, CAROL = TRADERS = tuple(map(account, ("alice", "bob", "carol")))
START = datetime(2026, 1, 1, tzinfo=UTC)

EVERYBODY_HAS_ONE: Blocks = (
    [mint_nfts(owner, range(token_id, token_id + 1)) for token_id, owner in enumerate(TRADERS)],
    [approve_nfts(COLLECTION, owner, MARKETPLACE) for owner in TRADERS],
)


class TradingChain:
    """A chain with the collection and the marketplace; blocks are an hour apart."""

    def __init__(self, node: Node) -> None:
        self.node = node
        node.batch([("evm_setAutomine", [False]), ("anvil_autoImpersonateAccount", [True])])
        node.batch([("anvil_setBalance", [each, hex(99 * ETHER)]) for each in (*TRADERS, CREATOR)])
        check_receipts(node, deploy(node, BlockMaker(node), START))

    def add(self, blocks: Blocks, first_hour: int) -> None:
        """Mine blocks, and so many after them that they are final."""
        maker = BlockMaker(self.node)
        executed = [
            each
            for hour, transactions in enumerate(blocks, first_hour)
            for each in maker.mine(START + timedelta(hours=hour), transactions)
        ]
        check_receipts(self.node, executed)
        self.node.call("anvil_mine", "0x64")
