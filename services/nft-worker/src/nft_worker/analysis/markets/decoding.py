"""All marketplaces over the logs of one transaction."""

from collections.abc import Callable, Iterable, Mapping

from common.chain.types import Address, Log
from nft_worker.analysis.markets import blur, looksrare, seaport, wyvern, x2y2
from nft_worker.analysis.markets.fills import Fill
from nft_worker.analysis.markets.words import MalformedError

_DECODERS: Mapping[tuple[Address, str], Callable[[Log], Fill | None]] = {
    (blur.VERSION_1, blur.ORDERS_MATCHED): blur.decode_v1,
    (blur.VERSION_2, blur.EXECUTION): blur.decode_v2,
    (blur.VERSION_2, blur.EXECUTION_PACKED): blur.decode_v2_packed,
    (blur.VERSION_2, blur.EXECUTION_TAKER_FEE_PACKED): blur.decode_v2_packed,
    (blur.VERSION_2, blur.EXECUTION_MAKER_FEE_PACKED): blur.decode_v2_packed,
    (looksrare.VERSION_1, looksrare.TAKER_BID_1): looksrare.decode_v1,
    (looksrare.VERSION_1, looksrare.TAKER_ASK_1): looksrare.decode_v1,
    (looksrare.VERSION_2, looksrare.TAKER_BID_2): looksrare.decode_v2,
    (looksrare.VERSION_2, looksrare.TAKER_ASK_2): looksrare.decode_v2,
    (x2y2.EXCHANGE, x2y2.EV_INVENTORY): x2y2.decode_x2y2,
    **{(address, wyvern.ORDERS_MATCHED): wyvern.decode_wyvern for address in wyvern.ADDRESSES},
}


def decode_fills(logs: Iterable[Log]) -> tuple[Fill, ...]:
    """Return the orders carried out in one transaction, in the order of their logs.

    Only the marketplaces' own contracts are believed: anybody can emit an event that looks like
    theirs. A malformed event tells nothing; the money that moved is then all there is.
    """
    fills: list[Fill] = []
    of_seaport: list[Log] = []
    for log in logs:
        if not log.topics:
            continue
        if log.address in seaport.ADDRESSES:
            of_seaport.append(log)
            continue
        decode = _DECODERS.get((log.address, log.topics[0]))
        if decode is None:
            continue
        try:
            fill = decode(log)
        except MalformedError:
            continue
        if fill is not None:
            fills.append(fill)
    try:
        fills += seaport.decode_seaport(of_seaport)
    except MalformedError:
        return tuple(fills)
    return tuple(sorted(fills, key=lambda fill: fill.log_index))
