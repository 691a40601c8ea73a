"""From raw transfers to paths and sales: the common ground of all rules."""

from dataclasses import dataclass

from common.chain.transfers import NftTransfer
from nft_worker.analysis.movements import in_order, skip_conduits
from nft_worker.analysis.paths import TokenPath, token_paths
from nft_worker.analysis.sales import decode_sales
from nft_worker.models import History, Sale, position


@dataclass(frozen=True, slots=True)
class Trading:
    """What happened in the window, in the order of the chain.

    Attributes:
        transfers: Every movement, as logged.
        paths: Of the ERC-721 tokens, without conduits and custody.
        sales: Without those by which a contract gave a token back to its owner.
    """

    transfers: tuple[NftTransfer, ...]
    paths: tuple[TokenPath, ...]
    sales: tuple[Sale, ...]


def read_trading(history: History) -> Trading:
    """Return paths and sales of a window, whatever order its transfers come in.

    A fee paid to get a token out of a vault is no price, so custody returns are no sales.
    """
    transfers = in_order(history.transfers)
    between_parties = skip_conduits(transfers, history.contracts)
    paths = token_paths(between_parties, history.contracts)
    returns = {position(transfer) for path in paths for transfer in path.returns}
    sales = decode_sales(between_parties, history.transactions, history.timestamps)
    return Trading(
        transfers=tuple(transfers),
        paths=tuple(paths),
        sales=tuple(sale for sale in sales if sale.position not in returns),
    )
