"""ERC-20 holdings: the contract's answer is the truth, the logs are what it is compared with."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from common.chain.types import Address, TokenMetadata
from common.chain.units import format_units
from common.results.wallet_snapshot import TokenHolding
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.analysis.spam import (
    Suspicion,
    balance_suspicions,
    spam_mark,
)


def token_holdings(
    ledgers: Mapping[Address, TokenLedger],
    balances: Mapping[Address, int | None],
    balance_blocks: Mapping[Address, int],
    metadata: Mapping[Address, TokenMetadata],
    timestamps: Mapping[int, int],
    suspicions: Mapping[Address, Sequence[Suspicion]],
    spam_score: float,
) -> list[TokenHolding]:
    """Return one holding for each ledger: no spam first, then the most recently moved first."""
    holdings = [
        _holding(
            ledger,
            balances[contract],
            balance_blocks[contract],
            metadata[contract],
            timestamps[ledger.last_block],
            suspicions.get(contract, ()),
            spam_score,
        )
        for contract, ledger in ledgers.items()
    ]
    return sorted(
        holdings,
        key=lambda each: (each.spam.is_spam, -each.last_transfer_block, each.contract_address),
    )


def _holding(
    ledger: TokenLedger,
    balance: int | None,
    balance_block: int,
    metadata: TokenMetadata,
    last_transfer_at: int,
    further: Sequence[Suspicion],
    spam_score: float,
) -> TokenHolding:
    suspicions = [*further, *balance_suspicions(ledger, balance)]
    return TokenHolding(
        contract_address=ledger.contract,
        name=metadata.name,
        symbol=metadata.symbol,
        decimals=metadata.decimals,
        metadata_status=metadata.status,
        balance_raw=None if balance is None else str(balance),
        balance=None if balance is None else format_units(balance, metadata.decimals),
        balance_block=balance_block,
        received_raw=str(ledger.received),
        sent_raw=str(ledger.sent),
        unexplained_raw=(
            None if balance is None else str(balance - (ledger.received - ledger.sent))
        ),
        behaviour="unknown" if balance is None else "standard",
        first_seen_block=ledger.first_block,
        last_transfer_block=ledger.last_block,
        last_transfer_at=datetime.fromtimestamp(last_transfer_at, UTC),
        transfer_count=ledger.count,
        spam=spam_mark(suspicions, spam_score),
    )


def is_held(holding: TokenHolding) -> bool:
    """Tell whether the wallet holds it, or may: a contract that does not answer stays listed."""
    return holding.balance_raw != "0"
