"""From raw transfers to paths and sales: the common ground of all rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from common.chain.transfers import NftTransfer
from nft_worker.analysis.columns import Mask, Movements, column, is_in, movements, replaced
from nft_worker.analysis.movements import skip_conduits
from nft_worker.analysis.sale_columns import Sales, sale_columns
from nft_worker.analysis.sales import decode_sales
from nft_worker.analysis.token_paths import TokenPaths
from nft_worker.models import History, Sale, position


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
    def transfers(self) -> tuple[NftTransfer, ...]:
        """The movements of the window."""
        return tuple(self.logged.transfers[self.first_transfer :])

    @property
    def sales(self) -> tuple[Sale, ...]:
        """The sales of the window."""
        return tuple(self.all_sales.records[self.first_sale :])


def read_trading(history: History) -> Trading:
    """Return paths and sales, whatever order the transfers come in.

    A fee paid to get a token out of a vault is no price, so custody returns are no sales.
    """
    logged = movements((*history.earlier, *history.transfers), history.timestamps)
    joined = _between_parties(logged, history)
    paths = TokenPaths(joined, history.contracts)
    sales = decode_sales(joined.transfers, history.transactions, history.timestamps)
    touched = paths.touched_by_contracts()
    if touched.any():
        returns = {position(transfer) for path in paths.of(touched) for transfer in path.returns}
        sales = [sale for sale in sales if sale.position not in returns]
    return trading_of(logged, paths, sales, history.window.from_block)


def trading_of(
    logged: Movements, paths: TokenPaths, sales: Sequence[Sale], from_block: int
) -> Trading:
    """Return the trading of a window whose sales are known.

    Args:
        logged: Every movement.
        paths: Its token paths.
        sales: In the order of the chain.
        from_block: First block of the window.
    """
    columns = sale_columns(sales, paths.moves)
    return Trading(
        logged=logged,
        paths=paths,
        all_sales=columns,
        first_transfer=int(np.searchsorted(logged.block, from_block)),
        first_sale=int(np.searchsorted(columns.keys, logged.ranking.key((from_block, 0, 0)))),
    )


def _between_parties(logged: Movements, history: History) -> Movements:
    """Return the movements with conduits skipped."""
    through = _through_contracts(logged, logged.accounts.mask_of(history.contracts))
    if not through.any():
        return logged
    kept = skip_conduits(logged.pick(through), history.contracts)
    others = logged.pick(~through)
    return replaced(logged, sorted((*others, *kept), key=position), history.timestamps)


def _through_contracts(logged: Movements, is_contract: Mask) -> Mask:
    """Return the movements in transactions where a contract passed a token on."""
    out_of, into = is_contract[logged.sender], is_contract[logged.recipient]
    if not (out_of.any() and into.any()):
        return np.zeros(len(logged.keys), np.bool_)
    place = column(logged.transfers, "transaction_index")
    transaction = logged.block * (1 + int(place.max())) + place
    parcel = transaction * len(logged.tokens) + logged.token
    passed_on = parcel[out_of][is_in(parcel[out_of], np.sort(parcel[into]))]
    return is_in(parcel, np.sort(passed_on))
