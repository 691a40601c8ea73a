"""Records between reading and analysing: what the chain said about one collection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from common.chain.transfers import Erc20Transfer, NftTransfer
from common.chain.types import Address, TokenMetadata
from common.results.nft_movements import CollectionStandard, PriceSource
from nft_worker.analysis.markets.fills import Fill

Timestamps = Mapping[int, int]
"""Unix seconds by block number."""

Position = tuple[int, int, int]
"""Block number, log index, and position in a log that moves several ids: unique and ordered."""


def position(transfer: NftTransfer) -> Position:
    """Where on the chain a transfer happened."""
    return (transfer.block_number, transfer.log_index, transfer.batch_index)


@dataclass(frozen=True, slots=True)
class Collection:
    """The collection at the pinned block.

    Attributes:
        total_supply: What `totalSupply()` answers; None where it does not.
        enumerable: It claims ERC-721 Enumerable.
        is_proxy: Its code delegates to another contract in a well-known way.
    """

    address: Address
    standard: CollectionStandard
    name: str | None
    symbol: str | None
    total_supply: int | None
    enumerable: bool
    is_proxy: bool

    @property
    def has_unique_tokens(self) -> bool:
        """Whether each token has one owner, and not units of it many."""
        return self.standard != "erc1155"


class PaidTransaction(NamedTuple):
    """A transaction that moved tokens, and what else moved in it. A tuple, as `Log` is.

    Attributes:
        sender: Who sent it.
        value_wei: Native value sent along.
        erc20: All fungible transfers in it.
        nfts: All NFT transfers in it, of every collection.
        fills: Orders that marketplaces carried out in it.
        lender: Who gave a flash loan in it.
    """

    sender: Address
    value_wei: int
    erc20: tuple[Erc20Transfer, ...]
    nfts: tuple[NftTransfer, ...]
    fills: tuple[Fill, ...] = ()
    lender: str | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """Who holds what at the pinned block, as the contract answers.

    Attributes:
        balances: Tokens (ERC-721) or units (ERC-1155) by holder, of tokens seen in the window;
            holders with none are absent.
        unknown: Answers that the contract did not give.
        contracts: Largest holders that have code.
        seller_balances: `balanceOf` of wallets that sold many ERC-721 tokens.
    """

    balances: Mapping[Address, int]
    unknown: int
    contracts: frozenset[Address]
    seller_balances: Mapping[Address, int]


class Sale(NamedTuple):
    """A transfer that its recipient paid for. A tuple, as `Log` is.

    Attributes:
        price: For the whole quantity, in the currency's smallest unit; None when it was paid in
            two currencies.
        currency: NATIVE or a token's address; None exactly when `price` is.
        price_estimated: The price is a share of a bundle, or the payment was not seen to reach
            the seller.
        marketplace: Whose order it was; None when only the payment tells of the sale.
    """

    token_id: int
    quantity: int
    standard: Literal["erc721", "erc1155"]
    seller: Address
    buyer: Address
    currency: str | None
    price: int | None
    price_source: PriceSource
    price_estimated: bool
    is_bundle: bool
    timestamp: int
    block_number: int
    transaction_hash: str
    log_index: int
    batch_index: int
    marketplace: str | None = None

    @property
    def position(self) -> Position:
        """Where it happened: that of the transfer to the buyer."""
        return (self.block_number, self.log_index, self.batch_index)


class Funding(NamedTuple):
    """The first native coin that a wallet ever got.

    Attributes:
        funder: Who sent it.
        block_number: When.
    """

    funder: Address
    block_number: int


@dataclass(frozen=True, slots=True)
class Fundings:
    """Who first funded wallets of suspicious sales.

    Attributes:
        first: By wallet; wallets that a service funded, or nobody did, are absent.
        not_evaluated: Why some wallets were not looked at, or could not be; None for none.
    """

    first: Mapping[Address, Funding]
    not_evaluated: str | None = None


Currencies = Mapping[Address, TokenMetadata]
"""Metadata of the tokens that sales were paid in."""
