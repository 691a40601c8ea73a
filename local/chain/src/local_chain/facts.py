"""What was planted on a seeded chain. Plain data, known from the plan, to compare results with.

Amounts are raw integers (wei, or the smallest unit of a token), addresses are lower case, times
are UTC. All of it holds at block `Scenario.head_block` and, because nothing happens after
`last_traffic_block`, at every block from there to the head.
"""

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Self, get_args, get_origin, get_type_hints

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Share:
    """A holder of a token; `supply_pct` is the percentage of the total supply."""

    address: str
    balance_raw: int
    supply_pct: float


@dataclass(frozen=True)
class CoinTransfer:
    """One ERC-20 transfer, mint (from the zero address) or burn (to it)."""

    tx_hash: str
    block_number: int
    timestamp: datetime
    sender: str
    receiver: str
    amount_raw: int


@dataclass(frozen=True)
class ActivityBucket:
    """Transfers of one hour, mints and burns included; the hour begins at `bucket_start`."""

    bucket_start: datetime
    transfer_count: int
    volume_raw: int


@dataclass(frozen=True)
class CoinFacts:
    """The FLOW token. A whale holds at least 1 % of the supply, a large transfer moves 0.1 %."""

    address: str
    name: str
    symbol: str
    decimals: int
    total_supply_raw: int
    minted_raw: int
    burned_raw: int
    transfer_count: int
    holder_count: int
    whales: tuple[Share, ...]
    large_transfers: tuple[CoinTransfer, ...]
    mints_after_setup: tuple[CoinTransfer, ...]
    burns: tuple[CoinTransfer, ...]
    activity: tuple[ActivityBucket, ...]
    spike: ActivityBucket


@dataclass(frozen=True)
class CoinHolding:
    """An ERC-20 balance of the wallet."""

    address: str
    name: str
    symbol: str
    decimals: int
    balance_raw: int


@dataclass(frozen=True)
class NftHolding:
    """An ERC-721 token (quantity 1) or a quantity of an ERC-1155 token of the wallet."""

    address: str
    standard: str
    token_id: int
    quantity: int


@dataclass(frozen=True)
class WalletFacts:
    """The wallet of the examples.

    Attributes:
        nonce: Transactions it has sent.
        transfers_in: Transfer logs to it per contract; WETH deposits are none.
        transfers_out: Transfer logs from it per contract; WETH withdrawals are none.
        former_coin: A token it once held and has sent away entirely.
        passed_on_token_id: An ERC-721 token it received and sent on.
        look_alike: Imitates `imitated`, a real counterparty, in zero-value transfers.
    """

    address: str
    native_wei: int
    nonce: int
    coins: tuple[CoinHolding, ...]
    nfts: tuple[NftHolding, ...]
    transfers_in: dict[str, int]
    transfers_out: dict[str, int]
    former_coin: str
    passed_on_token_id: int
    look_alike: str
    imitated: str
    poisoning_tx_hashes: tuple[str, ...]


@dataclass(frozen=True)
class Sale:
    """An NFT sold. `currency` is "native" or the address of the token paid with.

    `pattern` names the planted story it belongs to; None is an honest sale.
    """

    tx_hash: str
    block_number: int
    timestamp: datetime
    token_id: int
    quantity: int
    seller: str
    buyer: str
    currency: str
    price_wei: int
    pattern: str | None


@dataclass(frozen=True)
class PlantedPattern:
    """One planted story: self_trade, round_trip, ring, rapid_flip or vault_visit of one token.

    `wallets` are the accounts that held the token in it, in the order of their first holding.
    """

    kind: str
    token_id: int
    wallets: tuple[str, ...]
    tx_hashes: tuple[str, ...]


@dataclass(frozen=True)
class MintBurst:
    """Many tokens minted to few wallets in one block."""

    block_number: int
    timestamp: datetime
    mint_count: int
    receivers: tuple[str, ...]
    tx_hashes: tuple[str, ...]


@dataclass(frozen=True)
class CollectionFacts:
    """The ERC-721 collection, or the ERC-1155 editions (which have no patterns and no burst).

    For editions `transfer_count` counts the entries of batches one by one, and `total_supply` is
    the sum over all ids.
    """

    address: str
    name: str
    symbol: str
    total_supply: int
    transfer_count: int
    mint_count: int
    burn_count: int
    holder_count: int
    sales: tuple[Sale, ...]
    planted: tuple[PlantedPattern, ...] = ()
    mint_burst: MintBurst | None = None

    @property
    def honest_sales(self) -> tuple[Sale, ...]:
        """The sales that belong to no planted pattern."""
        return tuple(sale for sale in self.sales if sale.pattern is None)

    def planted_of(self, kind: str) -> tuple[PlantedPattern, ...]:
        """The planted stories of one kind."""
        return tuple(pattern for pattern in self.planted if pattern.kind == kind)


@dataclass(frozen=True)
class Scenario:
    """Everything known by construction about a seeded chain.

    Attributes:
        addresses: Contracts by name, the wallet as "wallet".
        first_block: The first block with planned traffic (the contracts are placed one earlier).
        last_traffic_block: The last block with a transaction.
        head_block: The newest block; those after `last_traffic_block` are empty.
    """

    schema_version: int
    chain_id: int
    started_at: datetime
    ended_at: datetime
    first_block: int
    last_traffic_block: int
    head_block: int
    transaction_count: int
    addresses: dict[str, str]
    flow: CoinFacts
    wallet: WalletFacts
    collection: CollectionFacts
    editions: CollectionFacts

    def to_json(self) -> str:
        """Return the facts as JSON text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1, default=_encode) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: The text is not JSON, or is of another schema version.
            KeyError: A field is missing.
        """
        value = json.loads(text)
        if value.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(
                f"scenario of schema version {value.get('schema_version')!r}: expected "
                f"{SCHEMA_VERSION}; seed a fresh chain with this version of the package"
            )
        scenario: Self = _decode(cls, value)
        return scenario


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")


def _decode(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) is tuple:
        return tuple(_decode(get_args(kind)[0], item) for item in value)
    if get_origin(kind) is dict:
        return dict(value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    # An optional field is `X | None`; None was answered above.
    chosen = next((arg for arg in get_args(kind) if arg is not type(None)), kind)
    if is_dataclass(chosen) and isinstance(chosen, type):
        hints = get_type_hints(chosen)
        return chosen(**{f.name: _decode(hints[f.name], value[f.name]) for f in fields(chosen)})
    return value
