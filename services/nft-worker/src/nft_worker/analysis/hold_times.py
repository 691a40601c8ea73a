"""How long wallets kept what they got."""

from collections.abc import Collection, Iterable
from itertools import pairwise

from common.results.nft_movements import HoldTime
from nft_worker.analysis.movements import NOBODY
from nft_worker.analysis.paths import TokenPath
from nft_worker.analysis.statistics import median, nearest_rank
from nft_worker.models import Position, Timestamps, position


def hold_time(
    paths: Iterable[TokenPath], flagged: Collection[Position], timestamps: Timestamps
) -> HoldTime:
    """Return how long tokens stayed with their holders.

    A holding that began or ended with a wash trade is left out. One that began before the window
    has no known length and is left out too.

    Args:
        paths: Of all tokens.
        flagged: Positions of sales that count as wash trades.
        timestamps: Unix seconds of each block.
    """
    seconds: list[int] = []
    still_held = 0
    for path in paths:
        still_held += path.transfers[-1].recipient not in NOBODY
        for stretch in path.stretches:
            for arrival, departure in pairwise(stretch):
                if position(arrival) not in flagged and position(departure) not in flagged:
                    seconds.append(
                        timestamps[departure.block_number] - timestamps[arrival.block_number]
                    )
    seconds.sort()
    return HoldTime(
        count=len(seconds),
        median_s=median(seconds) if seconds else None,
        p90_s=nearest_rank(seconds, 90) if seconds else None,
        open_positions=still_held,
    )
