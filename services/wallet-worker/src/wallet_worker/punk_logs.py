"""CryptoPunks of a wallet: their events follow no standard, so they are looked for apart."""

from collections.abc import Sequence

from common.chain import abi
from common.chain.client import PinnedChain
from common.chain.concurrency import run_all
from common.chain.punks import CHAIN_ID, COLLECTION
from common.chain.types import Address, Log, LogFilter
from wallet_worker.analysis.discovery import merge_logs
from wallet_worker.analysis.punks import SALES, bids_accepted_in, punk_filters


async def fetch_punk_logs(pinned: PinnedChain, wallet: Address, units: Sequence[Log]) -> list[Log]:
    """Read all events that moved a punk from or to the wallet, and `units`, in order.

    Every wallet that ever had one has units of it or still owns it, so for all others one question
    is enough.

    Args:
        pinned: The chain.
        wallet: The wallet.
        units: What the collection logged of the wallet as if it were a coin.

    Raises:
        ChainError: The chain could not be read.
    """
    if pinned.chain_id != CHAIN_ID:
        return []
    if not units:
        [owned] = await pinned.call_many([abi.balance_of(COLLECTION, wallet)])
        if not abi.decode_uint(owned):
            return []
    answers = await run_all(pinned.fetch_logs(wanted) for wanted in punk_filters(wallet))
    found = merge_logs(answers)
    sold = LogFilter((COLLECTION,), SALES)
    sales = await run_all(
        pinned.fetch_logs(sold, block, block) for block in bids_accepted_in(wallet, units, found)
    )
    return merge_logs([units, found, *sales])
