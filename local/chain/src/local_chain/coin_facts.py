"""What the plan says about an ERC-20 token."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from local_chain.deployment import coin_metadata
from local_chain.execution import Executed
from local_chain.facts import ActivityBucket, CoinFacts, CoinTransfer, Share
from local_chain.flow_story import SPIKE_HOUR
from local_chain.ledger import Ledger
from local_chain.plan import ZERO_ADDRESS

WHALE_SUPPLY_PCT = 1.0
LARGE_TRANSFER_SUPPLY_PCT = 0.1


def describe_coin(
    address: str, executed: Sequence[Executed], ledger: Ledger, first_hour: datetime
) -> CoinFacts:
    """Return the facts about a token whose whole history is in `executed`."""
    transfers = list(_transfers(address, executed))
    supply = ledger.total_supply(address)
    mints = [transfer for transfer in transfers if transfer.sender == ZERO_ADDRESS]
    burns = [transfer for transfer in transfers if transfer.receiver == ZERO_ADDRESS]
    activity = _activity(transfers)
    spike_start = first_hour + timedelta(hours=SPIKE_HOUR)
    name, symbol, decimals = coin_metadata(address)
    holders = ledger.holders(address)
    return CoinFacts(
        address=address,
        name=name,
        symbol=symbol,
        decimals=decimals,
        total_supply_raw=supply,
        minted_raw=sum(mint.amount_raw for mint in mints),
        burned_raw=sum(burn.amount_raw for burn in burns),
        transfer_count=len(transfers),
        holder_count=len(holders),
        whales=tuple(
            Share(holder, balance, 100 * balance / supply)
            for holder, balance in sorted(holders.items(), key=lambda item: -item[1])
            if 100 * balance >= WHALE_SUPPLY_PCT * supply
        ),
        large_transfers=tuple(
            transfer
            for transfer in transfers
            if 100 * transfer.amount_raw >= LARGE_TRANSFER_SUPPLY_PCT * supply
        ),
        mints_after_setup=tuple(mint for mint in mints if mint.timestamp >= first_hour),
        burns=tuple(burns),
        activity=tuple(activity),
        spike=next(bucket for bucket in activity if bucket.bucket_start == spike_start),
    )


def _transfers(address: str, executed: Sequence[Executed]) -> Iterator[CoinTransfer]:
    for each in executed:
        for movement in each.transaction.movements:
            if movement.asset == address:
                yield CoinTransfer(
                    each.tx_hash,
                    each.block_number,
                    each.timestamp,
                    movement.sender,
                    movement.receiver,
                    movement.amount,
                )


def _activity(transfers: Sequence[CoinTransfer]) -> list[ActivityBucket]:
    hours: dict[datetime, list[int]] = defaultdict(list)
    for transfer in transfers:
        hour = transfer.timestamp.replace(minute=0, second=0, microsecond=0)
        hours[hour].append(transfer.amount_raw)
    return [
        ActivityBucket(hour, len(amounts), sum(amounts)) for hour, amounts in sorted(hours.items())
    ]
