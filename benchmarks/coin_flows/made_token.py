"""A made token: skewed like real ones, the same in every run."""

import numpy as np

from common.chain.types import Address, Block, TokenMetadata
from token_worker.analysis.exact import to_limbs
from token_worker.analysis.packed import pack_addresses
from token_worker.analysis.table import TransferTable
from token_worker.models import TokenFlowReading

TOKEN = Address("0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7")
DAYS = 90
START = 1_700_000_000


def make_table(transfers: int, holders: int, seed: int = 1) -> TransferTable:
    """Return transfers whose ends are drawn by Zipf's law, over 90 days, amounts of 30 digits.

    The first `holders` transfers are mints, one to each holder.
    """
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, holders + 1) ** 0.7
    weights /= weights.sum()
    moved = transfers - holders
    order = random.permutation(holders) + 1
    senders = np.concatenate(
        [np.zeros(holders, dtype=np.int64), order[random.choice(holders, moved, p=weights)]]
    )
    recipients = np.concatenate(
        [np.arange(1, holders + 1), order[random.choice(holders, moved, p=weights)]]
    )
    times = START + np.sort(random.integers(0, DAYS * 86_400, transfers)) // 12 * 12
    blocks = (times - START) // 12
    sizes = np.exp(random.normal(0, 2, transfers)) * 1e18
    amounts = [int(size) for size in sizes.tolist()]
    amounts[:holders] = [10**30] * holders
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    places = np.arange(transfers) - np.repeat(starts, np.diff(starts, append=transfers))
    addresses = (
        Address("0x" + "0" * 40),
        *sorted(Address("0x" + random.bytes(20).hex()) for _ in range(holders)),
    )
    return TransferTable(
        packed=pack_addresses(addresses),
        senders=senders,
        recipients=recipients,
        timestamps=times,
        block_numbers=blocks,
        transaction_indexes=places,
        log_indexes=places,
        hashes=np.frombuffer(random.bytes(32 * transfers), dtype="V32"),
        limbs=to_limbs(amounts),
    )


def make_reading(table: TransferTable) -> TokenFlowReading:
    """Return what a run of the whole history has read."""
    count = len(table.addresses)
    received, sent = table.sum_by(table.recipients, count), table.sum_by(table.senders, count)
    balances: dict[Address, int | None] = {
        address: max(0, received[code] - sent[code]) for code, address in enumerate(table.addresses)
    }
    return TokenFlowReading(
        chain_id=1,
        block=Block(int(table.block_numbers[-1]), "0x" + "b" * 64, int(table.timestamps[-1]), "n"),
        token=TokenMetadata(TOKEN, "Made Token", "MADE", 18, "ok"),
        total_supply=sum(balance or 0 for balance in balances.values()),
        from_block=0,
        truncated=False,
        table=table,
        unread_logs=0,
        window_start=START,
        balances=balances,
        contracts={},
        balances_are_sums=True,
    )
