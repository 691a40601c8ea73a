from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.actions.wallet_snapshot import WalletSnapshotOptions
from common.chain.transfers import (
    CONSECUTIVE_TRANSFER,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    WETH_DEPOSIT,
    DecodedLogs,
    Erc20Transfer,
    NftTransfer,
    WrapEvent,
    address_topic,
)
from common.chain.types import ZERO_ADDRESS, Address, Log
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.analysis.discovery import (
    blocks_to_date,
    collect_history,
    last_arrivals,
    merge_logs,
    transaction_places,
    transactions_to_read,
    wallet_filters,
)
from wallet_worker.models import History, Movement

BuildMovement = Callable[..., Movement]
ALL = WalletSnapshotOptions()
NOTHING = WalletSnapshotOptions(
    include_transactions=False, include_token_balances=False, include_nfts=False
)
ONLY_TOKENS = WalletSnapshotOptions(include_transactions=False, include_nfts=False)
ONLY_NFTS = WalletSnapshotOptions(include_transactions=False, include_token_balances=False)


def erc20(sender: Address, recipient: Address, log_index: int = 0) -> Erc20Transfer:
    contract = Address("0x" + "ee" * 20)
    return Erc20Transfer(contract, sender, recipient, 7, 5, "0x05", 0, log_index)


def wrap(account: Address, transaction_hash: str = "0x05") -> WrapEvent:
    contract = Address("0x" + "ee" * 20)
    return WrapEvent(contract, "deposit", account, 7, 5, transaction_hash, 0, 1)


def history_of(*movements: Movement, wraps: tuple[WrapEvent, ...] = ()) -> History:
    return History(tuple(movements), wraps, 0)


def test_a_wallet_is_found_as_sender_recipient_and_wrapper(wallet: Address) -> None:
    party = address_topic(wallet)
    editions = (TRANSFER_SINGLE, TRANSFER_BATCH, CONSECUTIVE_TRANSFER)

    outgoing, incoming, editions_in, wraps = wallet_filters(wallet, ALL)

    assert outgoing.topics == (TRANSFER, party)
    assert incoming.topics == ((TRANSFER, *editions), None, party)
    assert editions_in.topics == (editions, None, None, party)
    assert WETH_DEPOSIT in (wraps.topics[0] or ())
    assert not any(each.addresses for each in (outgoing, incoming, editions_in, wraps))


@pytest.mark.parametrize(("options", "filters"), [(NOTHING, 0), (ONLY_TOKENS, 3), (ONLY_NFTS, 3)])
def test_what_is_switched_off_is_not_searched(
    wallet: Address, options: WalletSnapshotOptions, filters: int
) -> None:
    assert len(wallet_filters(wallet, options)) == filters


def test_only_nfts_search_no_wraps_and_only_tokens_search_no_editions(wallet: Address) -> None:
    searched_for_nfts = repr(wallet_filters(wallet, ONLY_NFTS))
    searched_for_tokens = repr(wallet_filters(wallet, ONLY_TOKENS))

    assert WETH_DEPOSIT not in searched_for_nfts
    assert WETH_DEPOSIT in searched_for_tokens
    assert TRANSFER_SINGLE not in searched_for_tokens


def log_at(block_number: int, log_index: int) -> Log:
    place = f"0x{block_number:064x}"
    return Log(Address("0x" + "ee" * 20), (), "0x", block_number, place, place, 0, log_index)


@given(
    st.lists(st.lists(st.builds(log_at, st.integers(0, 9), st.integers(0, 9)))),
    st.randoms(use_true_random=False),
)
def test_logs_of_several_filters_merge_the_same_in_any_order(
    answers: list[list[Log]], random: Random
) -> None:
    merged = merge_logs(answers)
    shuffled = random.sample(answers, len(answers))

    assert merge_logs(shuffled) == merged
    assert set(merged) == {log for logs in answers for log in logs}
    assert len(merged) == len(set(merged))
    positions = [(log.block_number, log.log_index) for log in merged]
    assert positions == sorted(positions)


def test_a_wrapper_that_also_logs_the_mint_is_counted_once(wallet: Address) -> None:
    decoded = DecodedLogs((erc20(ZERO_ADDRESS, wallet),), (), (wrap(wallet),), 0)

    history = collect_history(wallet, decoded, ALL)

    assert len(history.movements) == 1
    assert history.wraps == ()


def test_a_wrap_without_a_mint_in_its_transaction_stays(wallet: Address, friend: Address) -> None:
    other = wrap(wallet, transaction_hash="0x06")
    decoded = DecodedLogs(
        (erc20(ZERO_ADDRESS, wallet), erc20(friend, wallet, 3)),
        (),
        (other, wrap(friend, "0x07")),
        0,
    )

    assert collect_history(wallet, decoded, ALL).wraps == (other,)


def test_only_the_standards_asked_for_are_kept(wallet: Address, friend: Address) -> None:
    nft = NftTransfer(
        Address("0x" + "dd" * 20), "erc721", None, friend, wallet, 1, 1, 5, "0x05", 0, 9, 0
    )
    decoded = DecodedLogs((erc20(friend, wallet),), (nft,), (wrap(wallet),), 2)

    tokens = collect_history(wallet, decoded, ONLY_TOKENS)
    nfts = collect_history(wallet, decoded, ONLY_NFTS)

    assert [each.standard for each in tokens.movements] == ["erc20"]
    assert [each.standard for each in nfts.movements] == ["erc721"]
    assert nfts.wraps == ()
    assert (tokens.undecodable, nfts.undecodable) == (2, 2)


def test_an_erc721_passed_on_is_no_candidate_and_one_that_came_back_is(
    wallet: Address, friend: Address, a_movement: BuildMovement
) -> None:
    def hop(block: int, sender: Address, recipient: Address, token_id: int) -> Movement:
        return a_movement(
            standard="erc721",
            token_id=token_id,
            amount=1,
            block_number=block,
            sender=sender,
            recipient=recipient,
        )

    passed_on = (hop(1, friend, wallet, 1), hop(2, wallet, friend, 1))
    came_back = (hop(3, friend, wallet, 2), hop(4, wallet, friend, 2), hop(5, friend, wallet, 2))

    arrivals = last_arrivals(wallet, history_of(*passed_on, *came_back))

    assert list(arrivals.values()) == [came_back[-1]]


def test_an_erc1155_id_stays_a_candidate_after_a_part_left(
    wallet: Address, friend: Address, a_movement: BuildMovement
) -> None:
    arrived = a_movement(standard="erc1155", token_id=4, amount=9)
    left = a_movement(
        standard="erc1155", token_id=4, amount=5, block_number=11, sender=wallet, recipient=friend
    )

    assert list(last_arrivals(wallet, history_of(arrived, left)).values()) == [arrived]


def test_the_newest_transactions_are_read_up_to_the_cap(a_movement: BuildMovement) -> None:
    movements = [a_movement(block_number=number) for number in range(LIST_CAP + 50)]
    history = history_of(*movements)

    hashes = transactions_to_read(transaction_places(history, None))

    assert hashes == [each.transaction_hash for each in reversed(movements[50:])]
    assert len(transaction_places(history, None)) == LIST_CAP + 50


def test_several_transfers_of_a_transaction_are_one_transaction(a_movement: BuildMovement) -> None:
    history = history_of(*(a_movement(log_index=index) for index in range(5)))

    assert (
        len(transaction_places(history, None))
        == len(transactions_to_read(transaction_places(history, None)))
        == 1
    )


def test_every_block_shown_gets_a_time_and_no_other(
    a_movement: BuildMovement, a_wrap: Callable[..., WrapEvent]
) -> None:
    history = history_of(
        a_movement(block_number=3),
        a_movement(block_number=8),
        a_movement(block_number=9, standard="erc721", token_id=1),
        wraps=(a_wrap(block_number=5, contract=Address("0x" + "cc" * 20)),),
    )

    assert blocks_to_date(history, ALL) == {3, 5, 8, 9}
    assert blocks_to_date(history, ONLY_TOKENS) == {5, 8}
    assert blocks_to_date(history, ONLY_NFTS) == set()


def test_old_events_that_are_not_shown_get_no_time(
    a_movement: BuildMovement, a_wrap: Callable[..., WrapEvent]
) -> None:
    movements = [a_movement(block_number=number) for number in range(LIST_CAP + 1)]
    wraps = tuple(a_wrap(block_number=5_000 + number) for number in range(LIST_CAP + 1))
    only_transactions = WalletSnapshotOptions(include_token_balances=False, include_nfts=False)

    blocks = blocks_to_date(history_of(*movements, wraps=wraps), only_transactions)

    assert blocks == {
        *range(1, LIST_CAP + 1),
        *range(5_001, 5_001 + LIST_CAP),
    }
