"""Which logs tell about the CryptoPunks of a wallet, and what they say."""

from collections.abc import Iterable
from itertools import groupby

from common.chain.punks import (
    ASSIGN,
    CHAIN_ID,
    COLLECTION,
    PUNK_BOUGHT,
    PUNK_TRANSFER,
    decode_punk_logs,
)
from common.chain.transfers import DecodedLogs, NftTransfer, address_topic
from common.chain.types import Address, Log, LogFilter

SALES = (PUNK_BOUGHT,)
"""Topics of all sales."""


def punk_filters(wallet: Address) -> tuple[LogFilter, ...]:
    """Return the filters that find all moves of a wallet's punks but the bids it made.

    `Assign` has the receiver, `PunkTransfer` sender and receiver, `PunkBought` punk, seller and
    buyer in its topics. The buyer is zero when a bid was accepted.
    """
    emitter, party = (COLLECTION,), address_topic(wallet)
    return (
        LogFilter(emitter, ((ASSIGN, PUNK_TRANSFER), party)),
        LogFilter(emitter, ((PUNK_TRANSFER, PUNK_BOUGHT), None, party)),
        LogFilter(emitter, (PUNK_BOUGHT, None, None, party)),
    )


def bids_accepted_in(wallet: Address, units: Iterable[Log], found: Iterable[Log]) -> list[int]:
    """Return the blocks in which somebody accepted a bid of the wallet for a punk.

    Such a sale names nobody as its buyer, but the unit logged right before it does.

    Args:
        wallet: The wallet.
        units: What the collection logged of the wallet as if it were a coin.
        found: What the filters found.
    """
    told = {log.transaction_hash for log in found}
    party = address_topic(wallet)
    return sorted(
        {
            log.block_number
            for log in units
            if log.topics[2] == party and log.transaction_hash not in told
        }
    )


def split_units(chain_id: int, logs: Iterable[Log]) -> tuple[list[Log], list[Log]]:
    """Part what the punks' contract logs as if it were a coin, one unit a punk, from all else."""
    units: list[Log] = []
    others: list[Log] = []
    for log in logs:
        is_unit = log.address == COLLECTION and chain_id == CHAIN_ID
        (units if is_unit else others).append(log)
    return units, others


def decode_punks(logs: Iterable[Log]) -> DecodedLogs:
    """Decode the moves of punks in logs in the order of the chain."""
    transfers: list[NftTransfer] = []
    undecodable = 0
    for _, own in groupby(logs, key=lambda log: log.transaction_hash):
        moves, odd = decode_punk_logs(own)
        transfers += (move.transfer for move in moves)
        undecodable += odd
    return DecodedLogs(erc20=(), nft=tuple(transfers), wraps=(), undecodable=undecodable)
