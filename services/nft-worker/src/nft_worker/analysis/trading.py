"""From raw transfers to paths and sales: the common ground of all rules."""

from dataclasses import dataclass, replace

import numpy as np

from nft_worker.analysis.arrays import Ints, Mask, is_in
from nft_worker.analysis.movement_table import Movements
from nft_worker.analysis.movements import skip_conduits
from nft_worker.analysis.sale_table import Sales, sale_table
from nft_worker.analysis.sales import decode_sales
from nft_worker.analysis.token_paths import TokenPaths
from nft_worker.history import History
from nft_worker.models import position


@dataclass(frozen=True, slots=True)
class Trading:
    """What happened, in the order of the chain.

    Attributes:
        logged: Every movement, as logged, those before the window included.
        paths: Of the ERC-721 tokens, without conduits and custody.
        all_sales: Without those by which a contract gave a token back to its owner.
        first_transfer: Number of the first movement in the window.
        first_sale: Number of the first sale in it.
    """

    logged: Movements
    paths: TokenPaths
    all_sales: Sales
    first_transfer: int
    first_sale: int

    @property
    def transfers(self) -> Ints:
        """Rows of the movements of the window."""
        return np.arange(self.first_transfer, len(self.logged))

    @property
    def sales(self) -> Ints:
        """Rows of the sales of the window."""
        return np.arange(self.first_sale, len(self.all_sales))

    @property
    def is_in_window(self) -> Mask:
        """Return for each sale whether it lies in the window."""
        return np.arange(len(self.all_sales)) >= self.first_sale


def read_trading(history: History) -> Trading:
    """Return paths and sales.

    A fee paid to get a token out of a vault is no price, so custody returns are no sales.
    """
    joined = _between_parties(history)
    paths = TokenPaths(joined, history.contracts)
    touched = paths.touched_by_contracts()
    returns = {position(transfer) for path in paths.of(touched) for transfer in path.returns}
    changed_hands = ~(joined.is_mint | joined.is_burn)
    sales = decode_sales(
        joined.iterate(changed_hands), history.transactions, joined.times(changed_hands)
    )
    return trading_of(
        history.moves,
        paths,
        sale_table((sale for sale in sales if sale.position not in returns), joined),
        history.window.from_block,
    )


def trading_of(logged: Movements, paths: TokenPaths, sales: Sales, from_block: int) -> Trading:
    """Return the trading of a window whose sales are known.

    Args:
        logged: Every movement.
        paths: Its token paths.
        sales: Its sales.
        from_block: First block of the window.
    """
    return Trading(
        logged=logged,
        paths=paths,
        all_sales=sales,
        first_transfer=int(np.searchsorted(logged.block, from_block)),
        first_sale=int(np.searchsorted(sales.keys, logged.ranking.key((from_block, 0, 0)))),
    )


def _between_parties(history: History) -> Movements:
    """Return the movements with conduits skipped."""
    logged = history.moves
    through = _through_contracts(logged, logged.accounts.mask_of(history.contracts))
    if not through.any():
        return logged
    joined = skip_conduits(logged.pick(through), history.contracts)
    rows = logged.rows_of([position(transfer) for transfer in joined])
    sender = logged.sender.copy()
    sender[rows] = logged.accounts.number(transfer.sender for transfer in joined)
    kept = ~through
    kept[rows] = True
    return replace(logged, sender=sender).take(kept)


def _through_contracts(logged: Movements, is_contract: Mask) -> Mask:
    """Return the movements in transactions where a contract passed a token on."""
    out_of, into = is_contract[logged.sender], is_contract[logged.recipient]
    if not (out_of.any() and into.any()):
        return np.zeros(len(logged), np.bool_)
    transaction = logged.block * (1 + int(logged.place.max())) + logged.place
    parcel = transaction * len(logged.tokens) + logged.token
    passed_on = parcel[out_of][is_in(parcel[out_of], np.sort(parcel[into]))]
    return is_in(parcel, np.sort(passed_on))
