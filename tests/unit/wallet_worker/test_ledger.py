from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from common.chain.transfers import WrapEvent
from common.chain.types import Address, TokenMetadata
from wallet_worker.analysis.ledger import token_ledgers, token_wraps
from wallet_worker.models import History, Movement

ME = Address("0x" + "11" * 20)
OTHERS = [Address("0x" + digit * 40) for digit in "234"]
CONTRACTS = [Address("0x" + digit * 40) for digit in "ab"]
UINT256_MAX = 2**256 - 1


@st.composite
def movements_of_me(draw: st.DrawFn) -> Movement:
    other = draw(st.sampled_from([*OTHERS, ME]))
    sender, recipient = draw(st.sampled_from([(ME, other), (other, ME)]))
    block = draw(st.integers(0, 50))
    return Movement(
        contract=draw(st.sampled_from(CONTRACTS)),
        standard="erc20",
        sender=sender,
        recipient=recipient,
        amount=draw(st.integers(0, UINT256_MAX)),
        token_id=None,
        block_number=block,
        transaction_index=0,
        transaction_hash=f"0x{block:064x}",
        log_index=draw(st.integers(0, 100)),
        batch_index=0,
    )


@given(st.lists(movements_of_me()), st.randoms(use_true_random=False))
def test_the_order_of_events_never_changes_a_ledger(
    movements: list[Movement], random: Random
) -> None:
    shuffled = random.sample(movements, len(movements))

    assert token_ledgers(ME, shuffled, ()) == token_ledgers(ME, movements, ())


@given(st.lists(movements_of_me()))
def test_received_minus_sent_is_the_sum_of_what_each_transfer_changes(
    movements: list[Movement],
) -> None:
    ledgers = token_ledgers(ME, movements, ())

    for contract in CONTRACTS:
        own = [each for each in movements if each.contract == contract]
        change = sum(each.amount * ((each.recipient == ME) - (each.sender == ME)) for each in own)
        if own:
            ledger = ledgers[contract]
            assert ledger.received - ledger.sent == change
            assert ledger.count == len(own)
            assert (ledger.first_block, ledger.last_block) == (
                min(each.block_number for each in own),
                max(each.block_number for each in own),
            )
        else:
            assert contract not in ledgers


def test_a_self_transfer_counts_once_and_changes_nothing(
    wallet: Address, token: Address, a_movement: Callable[..., Movement]
) -> None:
    ledger = token_ledgers(wallet, [a_movement(sender=wallet, recipient=wallet)], ())[token]

    assert (ledger.count, ledger.received - ledger.sent) == (1, 0)


def test_wraps_and_unwraps_move_the_balance(
    wallet: Address, token: Address, a_wrap: Callable[..., WrapEvent]
) -> None:
    wraps = [a_wrap(amount=70), a_wrap(amount=20, kind="withdrawal", block_number=12)]

    ledger = token_ledgers(wallet, [], wraps)[token]

    assert (ledger.received, ledger.sent, ledger.count) == (70, 20, 2)


def test_a_deposit_event_of_a_contract_that_is_no_token_is_no_wrap(
    token: Address,
    a_wrap: Callable[..., WrapEvent],
    metadata_of: Callable[..., TokenMetadata],
) -> None:
    history = History(movements=(), wraps=(a_wrap(),), undecodable=0)

    assert token_wraps(history, {token: metadata_of(token)}) == history.wraps
    assert token_wraps(history, {token: metadata_of(token, decimals=None)}) == ()
