"""What is going to happen on the chain, as data: transactions and the transfers they cause."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

ZERO_ADDRESS = "0x" + "00" * 20
NATIVE = "native"  # stands for an asset's address where the native currency moves

SLOT_SECONDS = 600
SLOTS_PER_HOUR = 3600 // SLOT_SECONDS
SETUP_HOURS = 4  # mints and approvals before the first hour of traffic
TRAFFIC_HOURS = 72


class Event(StrEnum):
    """How a movement shows in the logs of its transaction."""

    NONE = "none"
    TRANSFER = "Transfer"
    TRANSFER_SINGLE = "TransferSingle"
    TRANSFER_BATCH = "TransferBatch"
    DEPOSIT = "Deposit"
    WITHDRAWAL = "Withdrawal"


class Pattern(StrEnum):
    """A story a token's sales or transfers tell, planted on purpose."""

    SELF_TRADE = "self_trade"
    ROUND_TRIP = "round_trip"
    RING = "ring"
    RAPID_FLIP = "rapid_flip"
    VAULT_VISIT = "vault_visit"
    MINT_BURST = "mint_burst"
    POISONING = "poisoning"


@dataclass(frozen=True, slots=True)
class Movement:
    """Something changes its holder. `amount` is raw; 1 for an ERC-721 token."""

    asset: str
    sender: str
    receiver: str
    amount: int
    event: Event
    token_id: int | None = None


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """Price of the NFT that a transaction sells, in wei of `currency` (NATIVE or a token)."""

    seller: str
    buyer: str
    token_id: int
    quantity: int
    currency: str
    price_wei: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction to send, and what it must cause when it succeeds."""

    sender: str
    to: str
    data: bytes = b""
    value: int = 0
    gas: int = 400_000
    movements: tuple[Movement, ...] = ()
    sale: SaleTerms | None = None
    pattern: Pattern | None = None


def slot_at(hour: int, tenth_minute: int = 0) -> int:
    """Return the slot of a ten-minute span: hours count from the first hour of traffic.

    Raises:
        ValueError: The moment lies outside the setup and traffic hours.
    """
    if not (-SETUP_HOURS <= hour < TRAFFIC_HOURS and 0 <= tenth_minute < SLOTS_PER_HOUR):
        raise ValueError(
            f"hour {hour}, tenth minute {tenth_minute}: expected -{SETUP_HOURS} <= hour < "
            f"{TRAFFIC_HOURS} and 0 <= tenth minute < {SLOTS_PER_HOUR}"
        )
    return hour * SLOTS_PER_HOUR + tenth_minute


@dataclass
class Plan:
    """All transactions by slot. One slot with transactions becomes one block."""

    initial_native_wei: dict[str, int] = field(default_factory=dict)
    _slots: dict[int, list[Transaction]] = field(default_factory=dict)

    def add(self, slot: int, *transactions: Transaction) -> None:
        """Append transactions to a slot; within it they keep the order of being added."""
        self._slots.setdefault(slot, []).extend(transactions)

    def fund(self, account: str, wei: int) -> None:
        """Give an account native currency before the first block."""
        self.initial_native_wei[account] = self.initial_native_wei.get(account, 0) + wei

    def slots(self) -> Iterator[tuple[int, Sequence[Transaction]]]:
        """Yield the slots that have transactions, in order of time."""
        for slot in sorted(self._slots):
            yield slot, tuple(self._slots[slot])

    def transactions(self) -> Iterator[Transaction]:
        """Yield every transaction in chain order."""
        for _, transactions in self.slots():
            yield from transactions

    def movements(self, asset: str) -> Iterator[tuple[Transaction, Movement]]:
        """Yield each movement of one asset with its transaction, in chain order."""
        for transaction in self.transactions():
            for movement in transaction.movements:
                if movement.asset == asset:
                    yield transaction, movement
