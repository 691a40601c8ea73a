"""Who trades each token with whom: a token that one pair of wallets dominates stands out."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from common.chain.types import Address
from common.results.nft_movements import TokenTrading
from nft_worker.analysis.arrays import Mask
from nft_worker.analysis.sale_table import Sales

TOKENS_SHOWN = 500

Pair = tuple[Address, Address]
"""Two wallets, sorted."""


def token_trading(sales: Sales, in_window: Mask, flagged: Mask) -> list[TokenTrading]:
    """Return the ERC-721 tokens with most flagged sales, then most sales.

    Args:
        sales: All sales.
        in_window: Which of them count.
        flagged: Those that look like wash trades.
    """
    ids = sales.moves.tokens.values()
    counted = in_window & sales.is_unique
    totals = np.bincount(sales.token[counted], minlength=len(ids)).tolist()
    washed = np.bincount(sales.token[counted & flagged], minlength=len(ids)).tolist()
    ranked = sorted(
        (number for number, total in enumerate(totals) if total),
        key=lambda number: (-washed[number], -totals[number], ids[number]),
    )[:TOKENS_SHOWN]
    pairs = _pairs_of(sales, counted, ranked)
    return [_row(ids[number], pairs[number], washed[number]) for number in ranked]


def _pairs_of(sales: Sales, counted: Mask, tokens: Sequence[int]) -> dict[int, Counter[Pair]]:
    """Return how often each pair of wallets traded each of some tokens, in either direction."""
    shown = np.zeros(len(sales.moves.tokens), np.bool_)
    shown[tokens] = True
    rows = np.flatnonzero(counted & shown[sales.token])
    seller, buyer = sales.seller[rows], sales.buyer[rows]
    found: defaultdict[int, Counter[tuple[int, int]]] = defaultdict(Counter)
    trades = zip(
        sales.token[rows].tolist(),
        np.minimum(seller, buyer).tolist(),
        np.maximum(seller, buyer).tolist(),
        strict=True,
    )
    for token, *pair in trades:
        found[token][pair[0], pair[1]] += 1
    names = sales.moves.accounts.values()
    return {
        token: Counter({_pair(names[a], names[b]): count for (a, b), count in pairs.items()})
        for token, pairs in found.items()
    }


def _pair(one: Address, other: Address) -> Pair:
    return (one, other) if one < other else (other, one)


def _row(token_id: int, pairs: Counter[Pair], wash_sales: int) -> TokenTrading:
    top_pair, top_sales = min(pairs.items(), key=lambda item: (-item[1], item[0]))
    return TokenTrading(
        token_id=str(token_id),
        sale_count=pairs.total(),
        wash_sale_count=wash_sales,
        wallet_count=len({wallet for pair in pairs for wallet in pair}),
        pair_count=len(pairs),
        top_pair=list(top_pair),
        top_pair_sales=top_sales,
        top_pair_pct=100 * top_sales / pairs.total(),
    )
