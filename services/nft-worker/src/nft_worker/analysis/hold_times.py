"""How long wallets kept what they got."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from common.results.nft_movements import HoldTime
from common.statistics import percentile
from nft_worker.analysis.arrays import Mask
from nft_worker.analysis.movements import NOBODY
from nft_worker.analysis.paths import TokenPath
from nft_worker.analysis.token_paths import TokenPaths
from nft_worker.models import Position, Timestamps, position


def hold_time(paths: TokenPaths, flagged: frozenset[Position], from_block: int) -> HoldTime:
    """Return how long tokens stayed with their holders.

    A holding that began or ended with a wash trade is left out. One whose beginning is not known
    has no known length and is left out too.

    Args:
        paths: Of all tokens.
        flagged: Positions of sales that count as wash trades.
        from_block: First block of the window: holdings that ended before are left out.
    """
    moves = paths.moves
    arrival, departure = paths.unbroken_holdings()
    is_wash = np.zeros(len(moves.keys), np.bool_)
    is_wash[moves.rows_of(flagged)] = True
    counted: Mask = ~is_wash[arrival] & ~is_wash[departure] & (moves.block[departure] >= from_block)
    known = (moves.seconds[departure] - moves.seconds[arrival])[counted]
    interrupted = paths.interrupted
    times = moves.times(interrupted[moves.token])
    walked = _walked(paths.of(interrupted), flagged, times, from_block)
    ordered = np.sort(np.concatenate((known, np.array(walked, np.int64))))
    count = len(ordered)
    last = np.cumsum(paths.lengths)[paths.lengths > 0] - 1
    gone = moves.accounts.mask_of(NOBODY)[moves.recipient[paths.rows[last]]]
    return HoldTime(
        count=count,
        median_s=float(ordered[(count - 1) // 2] + ordered[count // 2]) / 2 if count else None,
        p90_s=float(ordered[percentile(range(count), 90)]) if count else None,
        open_positions=int(np.count_nonzero(~gone)),
    )


def _walked(
    paths: Iterable[TokenPath],
    flagged: frozenset[Position],
    timestamps: Timestamps,
    from_block: int,
) -> list[int]:
    return [
        timestamps[departure.block_number] - timestamps[arrival.block_number]
        for path in paths
        for stretch in path.stretches
        for arrival, departure in pairwise(stretch)
        if departure.block_number >= from_block
        and position(arrival) not in flagged
        and position(departure) not in flagged
    ]
