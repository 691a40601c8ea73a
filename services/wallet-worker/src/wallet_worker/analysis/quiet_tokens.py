"""Which balances a run reads: those that may have changed, and of the quiet ones some in turn.

A balance that follows its transfers is known without a call as long as no transfer is logged. That
it does follow them can only be verified, never proved, so each run verifies some. All of this holds
for ERC-20 tokens by contract and for NFT ids by contract and id.
"""

from collections.abc import Mapping
from typing import TypeVar

from common.chain.types import Address
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.models import KnownBalance, TokenId

TokenT = TypeVar("TokenT", Address, TokenId)

NEWEST_TOKENS = 20
"""The tokens that moved last are always read: too little is known yet of how they behave."""


def balances_to_read(
    ledgers: Mapping[TokenT, TokenLedger],
    known: Mapping[TokenT, KnownBalance],
    most_quiet: int,
) -> set[TokenT]:
    """Return the tokens whose balance a run has to read.

    Read are all tokens that were never read, that moved since, that have changed without a
    transfer before, and the newest ones; of all others those that were not read for longest.

    Args:
        ledgers: What the logs say of each token, up to the block of the run.
        known: Balances as they were last read, at that block or before.
        most_quiet: Most of the others; 0 for all.
    """
    if most_quiet == 0:
        return set(ledgers)
    newest: list[TokenT] = sorted(ledgers, key=lambda token: (-ledgers[token].last_block, token))
    always: set[TokenT] = set(newest[:NEWEST_TOKENS])
    always.update(
        token
        for token, ledger in ledgers.items()
        if token not in known or known[token].moves_alone or ledger.last_block > known[token].block
    )
    quiet: list[TokenT] = sorted(
        ledgers.keys() - always, key=lambda token: (known[token].block, token)
    )
    return always | set(quiet[:most_quiet])


def note_balance(
    ledger: TokenLedger,
    amount: int | None,
    block: int,
    earlier: KnownBalance | None,
    owner: Address | None = None,
) -> KnownBalance:
    """Return what is known of a token once its balance has been read.

    It moves alone when it did so before, when it changed although nothing was logged, and when it
    is not the sum of its transfers: rebasing, a fee on transfer. A contract that credits nothing
    of what it logs, as spam does, or does not answer, is not such a token until that changes.
    """
    moved_alone = earlier is not None and (
        earlier.moves_alone or (ledger.last_block <= earlier.block and amount != earlier.amount)
    )
    is_sum = amount == ledger.received - ledger.sent
    return KnownBalance(
        block=block,
        amount=amount,
        moves_alone=moved_alone or (bool(amount) and not is_sum),
        owner=owner,
    )
