"""Who trades each token with whom: a token that one pair of wallets dominates stands out."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from common.results.nft_movements import TokenTrading
from nft_worker.analysis.columns import Mask
from nft_worker.analysis.sale_columns import Sales
from nft_worker.models import Sale

TOKENS_SHOWN = 500


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
    shown = np.zeros(len(ids), np.bool_)
    shown[ranked] = True
    by_token: defaultdict[int, list[Sale]] = defaultdict(list)
    for sale in sales.pick(counted & shown[sales.token]):
        by_token[sale.token_id].append(sale)
    return [_row(ids[number], by_token[ids[number]], washed[number]) for number in ranked]


def _row(token_id: int, sales: Iterable[Sale], wash_sales: int) -> TokenTrading:
    pairs = Counter(tuple(sorted((sale.seller, sale.buyer))) for sale in sales)
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
