"""Which balances a run reads: those that may have changed, and of the quiet ones some in turn.

A balance that follows its transfers is known without a call as long as no transfer is logged. That
it does follow them can only be verified, never proved, so each run verifies some.
"""

from collections.abc import Mapping

from common.chain.types import Address
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.models import KnownBalance

NEWEST_TOKENS = 20
"""The tokens that moved last are always read: too little is known yet of how they behave."""


def balances_to_read(
    ledgers: Mapping[Address, TokenLedger],
    known: Mapping[Address, KnownBalance],
    most_quiet: int,
) -> set[Address]:
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
    newest = sorted(ledgers, key=lambda contract: (-ledgers[contract].last_block, contract))
    always = {
        *newest[:NEWEST_TOKENS],
        *(
            contract
            for contract, ledger in ledgers.items()
            if contract not in known
            or known[contract].moves_alone
            or ledger.last_block > known[contract].block
        ),
    }
    quiet = sorted(ledgers.keys() - always, key=lambda contract: (known[contract].block, contract))
    return always.union(quiet[:most_quiet])


def note_balance(
    ledger: TokenLedger, amount: int | None, block: int, earlier: KnownBalance | None
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
        block=block, amount=amount, moves_alone=moved_alone or (bool(amount) and not is_sum)
    )
