"""Which balances a run reads: nothing that may have changed is left out, and none for long."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.analysis.quiet_tokens import NEWEST_TOKENS, balances_to_read, note_balance
from wallet_worker.models import KnownBalance

BLOCK = 100


def ledger(number: int, last_block: int, received: int = 0, sent: int = 0) -> TokenLedger:
    contract = Address(f"0x{number:040x}")
    return TokenLedger(contract, 1, last_block, received=received, sent=sent, count=1)


ledgers = st.lists(st.integers(1, BLOCK), max_size=80).map(
    lambda blocks: {
        each.contract: each
        for each in (ledger(number, block) for number, block in enumerate(blocks))
    }
)


@given(ledgers, st.integers(0, 30), st.data())
def test_all_that_may_have_changed_is_read_and_a_bounded_number_of_others(
    tokens: dict[Address, TokenLedger], most_quiet: int, data: st.DataObject
) -> None:
    known = {
        contract: KnownBalance(data.draw(st.integers(1, BLOCK)), 5, data.draw(st.booleans()))
        for contract in tokens
        if data.draw(st.booleans())
    }
    read = balances_to_read(tokens, known, most_quiet)

    suspect = {
        contract
        for contract, each in tokens.items()
        if contract not in known
        or known[contract].moves_alone
        or each.last_block > known[contract].block
    }
    assert suspect <= read <= set(tokens)
    if most_quiet == 0:
        assert read == set(tokens)
    else:
        assert len(read - suspect) <= NEWEST_TOKENS + most_quiet


@given(st.integers(0, 80), st.integers(1, 30))
def test_every_quiet_token_is_read_within_as_many_runs_as_its_turn_takes(
    count: int, most_quiet: int
) -> None:
    tokens = {each.contract: each for each in (ledger(number, 1) for number in range(count))}
    known = {contract: KnownBalance(1, 0, moves_alone=False) for contract in tokens}
    seen: set[Address] = set()
    for run in range(ceil(count / most_quiet)):
        read = balances_to_read(tokens, known, most_quiet)
        known |= {each: KnownBalance(BLOCK + run, 0, moves_alone=False) for each in read}
        seen |= read

    assert seen == set(tokens)


@pytest.mark.parametrize(
    ("logged", "earlier", "amount", "moves_alone"),
    [
        (50, None, 50, False),
        (50, KnownBalance(20, 50, moves_alone=False), 50, False),
        (50, None, 49, True),  # a fee on transfer, or rebasing
        (50, KnownBalance(20, 50, moves_alone=False), 51, True),
        (50, KnownBalance(20, 50, moves_alone=False), 0, True),
        (50, KnownBalance(20, 50, moves_alone=False), None, True),
        (50, KnownBalance(20, None, moves_alone=False), 50, True),
        (50, KnownBalance(20, 50, moves_alone=True), 50, True),
        (50, None, 0, False),  # logged, never credited
        (50, None, None, False),
        (50, KnownBalance(5, 20, moves_alone=False), 50, False),  # moved since: by 30
        (50, KnownBalance(5, 20, moves_alone=False), 45, True),
        (50, KnownBalance(5, 0, moves_alone=False), 0, False),
    ],
)
def test_a_token_moves_alone_once_its_balance_did_not_follow_its_transfers(
    logged: int, earlier: KnownBalance | None, amount: int | None, *, moves_alone: bool
) -> None:
    noted = note_balance(ledger(1, 9, received=logged), amount, BLOCK, earlier)

    assert noted == KnownBalance(BLOCK, amount, moves_alone)
