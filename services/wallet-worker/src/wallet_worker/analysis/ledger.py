"""What the logs alone say about each token: sums, counts, first and last block."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from common.chain.transfers import WrapEvent
from common.chain.types import Address, TokenMetadata
from wallet_worker.models import History, Movement, TokenId


@dataclass(slots=True)
class TokenLedger:
    """Sums of one token's events, raw; a self transfer counts in and out, and once."""

    contract: Address
    first_block: int
    last_block: int
    received: int = 0
    sent: int = 0
    count: int = 0

    def add(self, block_number: int, received: int, sent: int) -> None:
        """Add one event; events may come in any order."""
        self.first_block = min(self.first_block, block_number)
        self.last_block = max(self.last_block, block_number)
        self.received += received
        self.sent += sent
        self.count += 1


def token_wraps(
    history: History, metadata: Mapping[Address, TokenMetadata]
) -> tuple[WrapEvent, ...]:
    """Return the wraps of contracts that are tokens.

    Any contract may log an event named like a wrap. One that never logged a transfer counts as a
    token only when it states its decimals.
    """
    tokens = {each.contract for each in history.movements if each.standard == "erc20"}
    return tuple(
        wrap
        for wrap in history.wraps
        if wrap.contract in tokens or metadata[wrap.contract].decimals is not None
    )


def token_ledgers(
    wallet: Address, movements: Iterable[Movement], wraps: Iterable[WrapEvent]
) -> dict[Address, TokenLedger]:
    """Return the ledger of each ERC-20 token. Invariant: order of the events does not matter."""
    ledgers: dict[Address, TokenLedger] = {}
    for movement in movements:
        if movement.standard == "erc20":
            _ledger(ledgers, movement).add(
                movement.block_number,
                received=movement.amount if movement.recipient == wallet else 0,
                sent=movement.amount if movement.sender == wallet else 0,
            )
    for wrap in wraps:
        _ledger(ledgers, wrap).add(
            wrap.block_number,
            received=wrap.amount if wrap.kind == "deposit" else 0,
            sent=wrap.amount if wrap.kind == "withdrawal" else 0,
        )
    return ledgers


def id_ledgers(
    wallet: Address, movements: Iterable[Movement], wanted: Collection[TokenId]
) -> dict[TokenId, TokenLedger]:
    """Return the ledger of each of these NFT ids."""
    ledgers: dict[TokenId, TokenLedger] = {}
    for movement in movements:
        if movement.token_id is None or (movement.contract, movement.token_id) not in wanted:
            continue
        block = movement.block_number
        ledgers.setdefault(
            (movement.contract, movement.token_id),
            TokenLedger(movement.contract, first_block=block, last_block=block),
        ).add(
            block,
            received=movement.amount if movement.recipient == wallet else 0,
            sent=movement.amount if movement.sender == wallet else 0,
        )
    return ledgers


def _ledger(ledgers: dict[Address, TokenLedger], event: Movement | WrapEvent) -> TokenLedger:
    return ledgers.setdefault(
        event.contract,
        TokenLedger(event.contract, first_block=event.block_number, last_block=event.block_number),
    )
