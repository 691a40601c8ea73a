"""What a snapshot of a wallet consists of.

A list that is null was not read: switched off by an option, or impossible (`completeness` says
why). An empty list was read and is empty. Raw amounts are exact integers in an asset's smallest
unit; the amount beside them is the same number with the decimals applied, null when the contract
states none. Lists hold at most `LIST_CAP` entries; the `*_total` beside them counts all.
"""

from typing import Literal

from pydantic import Field

from common.models import CamelModel, RawAmount, UtcDatetime
from common.results.envelope import Completeness, Reason
from common.results.prices import TokenPrice

LIST_CAP = 1_000
"""Longest list in a result: keeps the document far below MongoDB's 16 MB."""


class WalletAccount(CamelModel):
    """The account itself.

    Attributes:
        ens_name: As it was given, if it was, and resolved at the block.
        is_contract: It has code of its own; a delegated account (EIP-7702) has none.
        code_hash: Keccak-256 of the code; null without code.
        eip7702_delegate: Contract whose code the account runs, set by its owner's key.
        nonce: Transactions sent; for a contract, contracts created plus one.
    """

    address: str
    ens_name: str | None = None
    is_contract: bool
    code_hash: str | None
    eip7702_delegate: str | None
    nonce: int


class NativeBalance(CamelModel):
    """Balance in the chain's own coin; `symbol` is null for a chain we have no name for.

    Price and value are null where no feed is known or none answers, never zero.
    """

    symbol: str | None
    decimals: int
    balance_raw: RawAmount
    balance: str
    price: TokenPrice | None = None
    usd_value: str | None = None


class SpamMark(CamelModel):
    """How likely a token is spam, and why.

    Attributes:
        is_spam: `score` reaches the threshold `spamScore`.
        score: 0 to 1: the weights w of all reasons combined as 1 - product of (1 - w).
        reasons: One entry for each rule that applies.
    """

    is_spam: bool
    score: float = Field(ge=0, le=1)
    reasons: list[Reason]


TokenBehaviour = Literal["standard", "rebasing", "fee_on_transfer", "phony_events", "unknown"]
"""How a token's balance follows its transfers.

`standard`: they explain it. Otherwise the balance around the last arrival tells: what was logged
arrived (`rebasing`: the rest came or went without transfers), less of it (`fee_on_transfer`), or
nothing (`phony_events`). `unknown`: no endpoint has the state of that block, or it tells nothing.
"""


class TokenHolding(CamelModel):
    """One ERC-20 token that the wallet holds or has held.

    Attributes:
        metadata_status: `bytes32` is old fixed-size text; `missing` and `invalid` leave gaps.
        balance_raw: What the contract answers at `balance_block`; null when it does not answer.
        balance_block: Block of the snapshot, or the earlier one at which the balance was last
            read, see option `quietBalances`: no transfer was logged in between.
        price: Null where no feed is known for this contract, or none answers.
        usd_value: Balance times price, exactly; null without one of both.
        portfolio_pct: Part of `totals.usd_value`; null without a value, and for spam.
        received_raw: Sum of the logged transfers in (and wraps).
        sent_raw: Sum of the logged transfers out (and unwraps).
        unexplained_raw: balance - (received - sent): rebasing, a fee on transfer, or logs that are
            not true. Null when the balance or part of the history is unknown.
        implementation: Contract that runs behind the address of an ERC-1967 proxy.
        first_seen_block: Block of the first transfer; null when no transfer was seen.
        transfer_count: Transfers and wraps; one to oneself counts once.
    """

    contract_address: str
    standard: Literal["erc20"] = "erc20"
    name: str | None
    symbol: str | None
    decimals: int | None
    metadata_status: Literal["ok", "bytes32", "missing", "invalid"]
    balance_raw: RawAmount | None
    balance: str | None
    balance_block: int
    price: TokenPrice | None = None
    usd_value: str | None = None
    portfolio_pct: float | None = None
    received_raw: RawAmount
    sent_raw: RawAmount
    unexplained_raw: RawAmount | None
    behaviour: TokenBehaviour
    implementation: str | None = None
    first_seen_block: int
    last_transfer_block: int
    last_transfer_at: UtcDatetime
    transfer_count: int
    spam: SpamMark


NftStandard = Literal["erc721", "erc1155", "cryptopunks"]
"""CryptoPunks are older than the standards and log events of their own."""


class NftHolding(CamelModel):
    """One token id that the wallet owns, as its contract confirms at the block.

    Attributes:
        balance_raw: The amount of the id for ERC-1155, otherwise 1.
        acquired_block: Block of the latest transfer in.
        token_uri: Where its contract says that its metadata are, as it says it (`{id}` stands for
            the id in 64 hex digits); null when it does not, or in more than 2,048 bytes (metadata
            that are kept on the chain).
        verified_owner: `ownerOf`, `balanceOf` of the id, or `punkIndexToAddress` names the wallet;
            always true in `nfts`.
        verified_block: Block of the snapshot, or the earlier one at which its contract was last
            asked, see option `quietBalances`: no transfer was logged in between.
    """

    contract_address: str
    standard: NftStandard
    collection_name: str | None
    token_id: str
    balance_raw: RawAmount
    acquired_block: int
    acquired_tx: str
    token_uri: str | None
    verified_owner: bool
    verified_block: int
    spam: SpamMark


class DisputedNft(CamelModel):
    """A token id that the logs give to the wallet and its contract does not.

    Attributes:
        verified_block: As of `NftHolding`.
        stated_owner: Who owns it by the contract; null when the contract names nobody, which is
            usual for a token that was burned without a log, and for an ERC-1155.
    """

    contract_address: str
    standard: NftStandard
    token_id: str
    acquired_block: int
    acquired_tx: str
    verified_block: int
    stated_owner: str | None


class NftCollection(CamelModel):
    """How much of one collection the wallet owns: token ids, whatever their amounts."""

    contract_address: str
    standard: NftStandard
    collection_name: str | None
    owned_count: int
    spam: SpamMark


Direction = Literal["in", "out", "self"]


class WalletTokenTransfer(CamelModel):
    """One logged transfer of a token from, to, or within the wallet.

    Attributes:
        batch_index: Position in a log that moves several ids; otherwise 0.
        token_id: Null for ERC-20.
        amount: With the token's decimals; null for NFTs and for tokens that state none.
        poisoning_suspect: Meant to put a wrong address in front of the owner's eyes.
        poisoning_reasons: The rules that apply; empty when not a suspect.
    """

    tx_hash: str
    log_index: int
    batch_index: int
    block_number: int
    timestamp: UtcDatetime
    contract_address: str
    standard: Literal["erc20", "erc721", "erc1155", "cryptopunks"]
    symbol: str | None
    sender: str = Field(alias="from")
    recipient: str = Field(alias="to")
    direction: Direction
    amount_raw: RawAmount
    amount: str | None
    token_id: str | None
    is_zero_value: bool
    poisoning_suspect: bool
    poisoning_reasons: list[Reason]


class Wrap(CamelModel):
    """Native coin wrapped into a token, or unwrapped, without a transfer event."""

    tx_hash: str
    log_index: int
    block_number: int
    timestamp: UtcDatetime
    contract_address: str
    symbol: str | None
    kind: Literal["wrap", "unwrap"]
    amount_raw: RawAmount
    amount: str | None


class WalletTransaction(CamelModel):
    """One transaction that the wallet sent or received, or in which its tokens moved.

    Attributes:
        recipient: Null when it created a contract, which is `created_contract` then.
        direction: Of the transaction itself; `other` when somebody else called a contract.
        fee_raw: What its sender paid for the execution, in wei; null when the chain does not say.
        status: Null where receipts do not say (before the Byzantium fork), or have been dropped.
        method_selector: First four bytes of the call data; null for a plain payment.
    """

    hash: str
    block_number: int
    transaction_index: int
    timestamp: UtcDatetime
    sender: str = Field(alias="from")
    recipient: str | None = Field(alias="to")
    direction: Literal["in", "out", "self", "other"]
    value_raw: RawAmount
    value: str
    fee_raw: RawAmount | None
    gas_used: int | None
    effective_gas_price_raw: RawAmount | None
    status: Literal["success", "failed"] | None
    nonce: int
    method_selector: str | None
    created_contract: str | None


class NativePayment(CamelModel):
    """Native coin that reached or left the wallet otherwise than as the value of a transaction.

    Attributes:
        kind: `internal`: paid by a call inside a transaction; `withdrawal`: of a validator;
            `block_reward`: reward or fees of a block; `genesis`: given in the chain's first block.
        tx_hash: Null unless internal, as is `sender`.
    """

    kind: Literal["internal", "withdrawal", "block_reward", "genesis"]
    tx_hash: str | None
    block_number: int
    timestamp: UtcDatetime
    sender: str | None = Field(alias="from")
    recipient: str = Field(alias="to")
    direction: Direction
    value_raw: RawAmount
    value: str


TransactionSource = Literal[
    "explorer",
    "ots_search",
    "trace_filter",
    "state_bisection",
    "recent_blocks",
    "token_transfer_logs",
]
"""Where transactions were searched for, best first; those behind token transfers, wraps and unwraps
are listed in any case.

`explorer`, `ots_search` and `trace_filter` see every transaction that called or paid the wallet,
also from inside another one; the explorer is believed. `state_bisection` sees changes of balance
and nonce. `recent_blocks` sees the newest blocks only. `token_transfer_logs`: nothing was searched.
"""


class WalletTransactions(CamelModel):
    """Transactions as far as the source knows them.

    Attributes:
        source: Where the newest ones were searched for, see `TransactionSource`.
        completeness: Partial whenever there may be transactions that the source cannot show.
        items: Newest first.
        total: Known to the source.
        sent_total: Sent by the wallet in its life (its nonce); null for a contract.
        sent_listed: Sent by the wallet and in `items`.
        fees_paid_raw: Sum of the fees of those that the wallet sent and `items` lists, in wei.
        payments: Native coin that moved otherwise, newest first: all that `explorer` and
            `trace_filter` show; with other sources those since the first snapshot that a gap in
            the balance led to.
    """

    source: TransactionSource
    completeness: Completeness
    items: list[WalletTransaction]
    total: int
    sent_total: int | None
    sent_listed: int
    fees_paid_raw: RawAmount
    payments: list[NativePayment]
    payments_total: int


class Counterparty(CamelModel):
    """Somebody the wallet exchanged tokens or native coin with.

    Suspects of poisoning are left out. Counted are movements: one transaction may hold several.
    """

    address: str
    in_count: int
    out_count: int


class Cursor(CamelModel):
    """The last block whose events are in the result, which the next run begins after."""

    last_block: int
    last_block_hash: str


class WalletTotals(CamelModel):
    """Sums over everything, before any list is cut; null where it was not read.

    Attributes:
        balances_carried: Tokens, past ones included, whose balance was last read at an earlier
            block.
        nfts_carried: Token ids, those not owned any more included, likewise.
        usd_value: Of the native coin and all tokens that have a price, spam aside.
        priced_pct: Assets with a value among the native coin and all tokens held, spam aside.
    """

    tokens_held: int | None = None
    balances_carried: int | None = None
    nfts_carried: int | None = None
    spam_tokens: int | None = None
    nfts_held: int | None = None
    token_transfers: int | None = None
    poisoning_suspects: int | None = None
    usd_value: str | None = None
    priced_pct: float | None = None
