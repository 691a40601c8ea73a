"""Records between reading and analysing: what the chain said about one wallet at one block."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from common.chain.transfers import WrapEvent
from common.chain.types import Address, Block, Receipt, TokenMetadata, TokenStandard, Transaction
from common.prices.price import Prices
from common.results.envelope import Reason
from common.results.wallet_snapshot import TransactionSource

TokenId: TypeAlias = tuple[Address, int]
"""A contract and a token id in it."""

Position: TypeAlias = tuple[int, int, int]
"""Block number, log index, and position in a log that moves several ids: unique and ordered."""


@dataclass(frozen=True, slots=True)
class Account:
    """The wallet's own state; `code` is hex, `0x` for a plain account."""

    address: Address
    balance_wei: int
    nonce: int
    code: str


@dataclass(frozen=True, slots=True)
class Movement:
    """One token amount that moved from, to or within the wallet.

    Attributes:
        amount: In the token's smallest unit; 1 for ERC-721 and CryptoPunks.
        token_id: None for ERC-20.
    """

    contract: Address
    standard: TokenStandard
    sender: Address
    recipient: Address
    amount: int
    token_id: int | None
    block_number: int
    transaction_index: int
    transaction_hash: str
    log_index: int
    batch_index: int

    @property
    def position(self) -> Position:
        """Where it happened."""
        return (self.block_number, self.log_index, self.batch_index)

    def other_party(self, wallet: Address) -> Address:
        """Who is at the other end; the wallet itself for a self transfer."""
        return self.recipient if self.sender == wallet else self.sender


@dataclass(frozen=True, slots=True)
class History:
    """All that the logs tell about the wallet, each event once, in the order of the chain.

    Attributes:
        movements: Transfers of the standards that were asked for.
        wraps: Wraps and unwraps that no transfer event tells of.
        undecodable: Matching logs whose layout follows no known standard.
    """

    movements: tuple[Movement, ...]
    wraps: tuple[WrapEvent, ...]
    undecodable: int

    @property
    def events(self) -> tuple[Movement | WrapEvent, ...]:
        """Movements, then wraps."""
        return (*self.movements, *self.wraps)


@dataclass(frozen=True, slots=True)
class Probe:
    """The wallet's balance right before and after the block of a token's last arrival."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class KnownBalance:
    """The wallet's balance of one ERC-20 token or NFT id as it was last read.

    Attributes:
        block: Block at which it was read.
        amount: Raw, for an id with one owner 1 or 0; None when the contract did not answer.
        moves_alone: It has been seen not to follow the transfers, so it may change without one.
        owner: Who owns an id with one owner.
    """

    block: int
    amount: int | None
    moves_alone: bool
    owner: Address | None = None


@dataclass(frozen=True, slots=True)
class ContractAnswers:
    """What token contracts answer at the block; a None inside means no answer.

    Attributes:
        metadata: By ERC-20 contract or collection.
        balances: The wallet's ERC-20 balances, raw.
        carried: Block of each ERC-20 balance that an earlier run read and this one did not.
        carried_ids: Likewise of owners and editions.
        owners: Of each id, ERC-1155 aside, that the wallet should own by the logs.
        editions: The wallet's balance of each ERC-1155 id that it ever received.
        implementations: Of ERC-20 contracts that are proxies (ERC-1967); None inside for others.
        probes: Block and balances of the last arrival of tokens with an odd balance.
        uris: Where the metadata of each id are that the wallet owns, as far as said.
    """

    metadata: Mapping[Address, TokenMetadata]
    balances: Mapping[Address, int | None]
    carried: Mapping[Address, int]
    carried_ids: Mapping[TokenId, int]
    owners: Mapping[TokenId, Address | None]
    editions: Mapping[TokenId, int | None]
    implementations: Mapping[Address, Address | None]
    probes: Mapping[Address, tuple[int, Probe]]
    uris: Mapping[TokenId, str | None]


PaymentKind: TypeAlias = Literal["internal", "withdrawal", "block_reward", "genesis"]


@dataclass(frozen=True, slots=True)
class Payment:
    """Native coin that reached or left the wallet otherwise than as the value of a transaction.

    Attributes:
        kind: From inside a transaction, by a validator's withdrawal, as the reward or the fees of
            a block, or with the first block of the chain.
        transaction_hash: None unless it is internal.
        sender: None unless it is internal.
    """

    kind: PaymentKind
    block_number: int
    transaction_hash: str | None
    sender: Address | None
    recipient: Address
    value_wei: int


@dataclass(frozen=True, slots=True)
class NativeSearch:
    """What a search for transactions by account found.

    Attributes:
        source: The best source that is offered.
        places: Block number and index in the block of each transaction, by hash.
        complete_from: From this block on they are all that the source can see.
        misses_valueless: The source sees changes of balance and nonce only.
        payments: Those that were found, in any order.
        settled: Block and balance in wei up to which payments have been looked for; None when
            that was not possible yet.
        refusal: Why the block explorer that is configured was not used.
    """

    source: TransactionSource
    places: Mapping[str, tuple[int, int]]
    complete_from: int
    misses_valueless: bool = False
    payments: tuple[Payment, ...] = ()
    settled: tuple[int, int] | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class WalletReading:
    """Everything that was read in one run.

    Attributes:
        history: None when it was not asked for, or when `obstacle` says why it is unknown.
        prices: At the block.
        officials: Contracts of the chain's best known tokens by symbol, the native coin among
            them with none.
        native: What a search for transactions by account found; None when there was none.
        transactions: By hash, the newest ones behind the history and of `native`; empty when not
            asked for.
        receipts: Of `transactions`; one is missing where nodes have dropped it.
        batches: Transfers in each transaction by contract, where they were three or more.
        timestamps: Unix seconds of the blocks of `wallet_worker.analysis.discovery.blocks_to_date`.
    """

    chain_id: int
    block: Block
    account: Account
    history: History | None
    obstacle: Reason | None
    answers: ContractAnswers
    prices: Prices
    officials: Mapping[str, frozenset[Address]]
    native: NativeSearch | None
    transactions: Mapping[str, Transaction]
    receipts: Mapping[str, Receipt]
    batches: Mapping[str, Mapping[Address, int]]
    timestamps: Mapping[int, int]
