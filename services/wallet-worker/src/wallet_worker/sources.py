"""What a snapshot may use beside the chain's endpoints: price feeds, and block explorers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from common.chain.types import Address
from common.prices.price import PriceFeed
from common.prices.reading import FeedsByChain, packaged_feeds
from wallet_worker.explorer import Explorer
from wallet_worker.settings import ExplorerApi


@dataclass(frozen=True, slots=True)
class WalletSources:
    """Of one chain.

    Attributes:
        feeds: Price feeds.
        explorer: None where none is configured.
    """

    feeds: Collection[PriceFeed] = ()
    explorer: Explorer | None = None

    def feeds_of(self, tokens: Collection[Address]) -> list[PriceFeed]:
        """Return the feeds of the native coin and of those tokens that have one."""
        return [each for each in self.feeds if each.token is None or each.token in tokens]


class SourcesByChain:
    """Of all chains; made once, because an explorer counts the calls of the whole process."""

    def __init__(
        self,
        feeds: FeedsByChain | None = None,
        explorer_apis: Mapping[int, ExplorerApi] | None = None,
    ) -> None:
        """Use the feeds that come with the worker unless others are given."""
        self._feeds = packaged_feeds() if feeds is None else feeds
        self._explorers = {
            chain_id: Explorer(api, chain_id) for chain_id, api in (explorer_apis or {}).items()
        }

    def of(self, chain_id: int) -> WalletSources:
        """Return what there is for a chain."""
        return WalletSources(self._feeds.get(chain_id, ()), self._explorers.get(chain_id))
