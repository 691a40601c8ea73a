"""Decoding is checked against eth_abi, an independent implementation of the ABI."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from common.chain.transfers import (
    CONSECUTIVE_CAP,
    CONSECUTIVE_TRANSFER,
    TRANSFER,
    TRANSFER_BATCH,
    TRANSFER_SINGLE,
    WETH_DEPOSIT,
    WETH_WITHDRAWAL,
    DecodedLogs,
    Erc20Transfer,
    address_topic,
    decode_transfers,
)
from common.chain.types import Address, Log

CONTRACT = Address("0x" + "c0" * 20)
ALICE, BOB, CAROL = (Address("0x" + digits * 20) for digits in ("a1", "b2", "c3"))
NOTHING = DecodedLogs((), (), (), 0)

uints = st.integers(0, 2**256 - 1)
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: Address("0x" + raw.hex()))


def log(topics: Sequence[str], types: Sequence[str] = (), values: Sequence[object] = ()) -> Log:
    data = "0x" + encode(list(types), list(values)).hex()
    return Log(CONTRACT, tuple(topics), data, 7, "0x" + "bb" * 32, "0x" + "dd" * 32, 3, 5)


def word(value: int) -> str:
    return f"0x{value:064x}"


@pytest.mark.parametrize(
    ("topic", "signature"),
    [
        (TRANSFER, "Transfer(address,address,uint256)"),
        (TRANSFER_SINGLE, "TransferSingle(address,address,address,uint256,uint256)"),
        (TRANSFER_BATCH, "TransferBatch(address,address,address,uint256[],uint256[])"),
        (CONSECUTIVE_TRANSFER, "ConsecutiveTransfer(uint256,uint256,address,address)"),
        (WETH_DEPOSIT, "Deposit(address,uint256)"),
        (WETH_WITHDRAWAL, "Withdrawal(address,uint256)"),
    ],
)
def test_topics_are_the_hashes_of_their_events(topic: str, signature: str) -> None:
    assert topic == "0x" + keccak(signature.encode()).hex()


@given(addresses, addresses, uints)
def test_a_transfer_with_three_topics_is_fungible(
    sender: Address, recipient: Address, amount: int
) -> None:
    decoded = decode_transfers(
        [log((TRANSFER, address_topic(sender), address_topic(recipient)), ["uint256"], [amount])]
    )

    [transfer] = decoded.erc20
    assert transfer == Erc20Transfer(
        CONTRACT, sender, recipient, amount, 7, "0x" + "dd" * 32, 3, 5,
    )  # fmt: skip
    assert replace(decoded, erc20=()) == NOTHING


@given(addresses, addresses, uints)
def test_a_transfer_with_four_topics_is_an_nft(
    sender: Address, recipient: Address, token_id: int
) -> None:
    topics = (TRANSFER, address_topic(sender), address_topic(recipient), word(token_id))
    decoded = decode_transfers([log(topics)])

    [transfer] = decoded.nft
    assert transfer == (
        CONTRACT, "erc721", None, sender, recipient, token_id, 1, 7, "0x" + "dd" * 32, 3, 5, 0,
    )  # fmt: skip
    assert replace(decoded, nft=()) == NOTHING


@given(addresses, addresses, addresses, uints, uints)
def test_a_single_transfer_of_a_multi_token_names_id_amount_and_operator(
    operator: Address, sender: Address, recipient: Address, token_id: int, amount: int
) -> None:
    topics = (TRANSFER_SINGLE, *map(address_topic, (operator, sender, recipient)))
    [transfer] = decode_transfers([log(topics, ["uint256"] * 2, [token_id, amount])]).nft

    assert (transfer.standard, transfer.operator) == ("erc1155", operator)
    assert (transfer.sender, transfer.recipient) == (sender, recipient)
    assert (transfer.token_id, transfer.amount, transfer.batch_index) == (token_id, amount, 0)


@given(st.lists(st.tuples(uints, uints), max_size=30))
def test_a_batch_becomes_one_transfer_an_id_repeated_ids_included(
    items: list[tuple[int, int]],
) -> None:
    topics = (TRANSFER_BATCH, *map(address_topic, (ALICE, BOB, CAROL)))
    ids, amounts = [item[0] for item in items], [item[1] for item in items]
    decoded = decode_transfers([log(topics, ["uint256[]"] * 2, [ids, amounts])])

    assert [(t.token_id, t.amount) for t in decoded.nft] == items
    assert [t.batch_index for t in decoded.nft] == list(range(len(items)))
    assert decoded.undecodable == 0


def test_a_batch_of_a_thousand_ids_is_read_in_full() -> None:
    topics = (TRANSFER_BATCH, *map(address_topic, (ALICE, BOB, CAROL)))
    many = list(range(1_000))
    assert len(decode_transfers([log(topics, ["uint256[]"] * 2, [many, many])]).nft) == 1_000


def consecutive(first: int, last: int) -> Log:
    topics = (CONSECUTIVE_TRANSFER, word(first), address_topic(ALICE), address_topic(BOB))
    return log(topics, ["uint256"], [last])


def test_a_consecutive_transfer_moves_each_id_of_its_range() -> None:
    decoded = decode_transfers([consecutive(10, 13)])

    assert [t.token_id for t in decoded.nft] == [10, 11, 12, 13]
    assert [t.batch_index for t in decoded.nft] == [0, 1, 2, 3]
    assert {(t.sender, t.recipient) for t in decoded.nft} == {(ALICE, BOB)}


def test_a_consecutive_transfer_is_unrolled_up_to_the_cap_and_counted_above_it() -> None:
    assert len(decode_transfers([consecutive(1, CONSECUTIVE_CAP)]).nft) == CONSECUTIVE_CAP
    assert decode_transfers([consecutive(0, CONSECUTIVE_CAP)]) == replace(NOTHING, undecodable=1)
    assert decode_transfers([consecutive(0, 2**256 - 1)]).undecodable == 1
    assert decode_transfers([consecutive(5, 4)]).undecodable == 1


@pytest.mark.parametrize(
    ("topic", "kind"), [(WETH_DEPOSIT, "deposit"), (WETH_WITHDRAWAL, "withdrawal")]
)
def test_wrapping_and_unwrapping_are_their_own_records(topic: str, kind: str) -> None:
    [wrap] = decode_transfers([log((topic, address_topic(ALICE)), ["uint256"], [12])]).wraps

    assert (wrap.kind, wrap.account, wrap.amount) == (kind, ALICE, 12)


A, B, C = map(address_topic, (ALICE, BOB, CAROL))
DIRTY = "0x01" + A[4:]
BATCH = (TRANSFER_BATCH, A, B, C)
MALFORMED = {
    "a transfer without indexed arguments": log((TRANSFER,), ["uint256"] * 3, [1, 2, 3]),
    "a transfer with one indexed argument": log((TRANSFER, A), ["uint256"] * 2, [1, 2]),
    "a transfer without amount": log((TRANSFER, A, B)),
    "a transfer with two amounts": log((TRANSFER, A, B), ["uint256"] * 2, [1, 2]),
    "dirty bytes above the sender": log((TRANSFER, DIRTY, B), ["uint256"], [1]),
    "dirty bytes above the recipient": log((TRANSFER, A, DIRTY), ["uint256"], [1]),
    "dirty bytes above an NFT's sender": log((TRANSFER, DIRTY, B, word(1))),
    "an NFT with data": log((TRANSFER, A, B, word(1)), ["uint256"], [1]),
    "a single without amount": log((TRANSFER_SINGLE, A, B, C), ["uint256"], [1]),
    "a single without recipient": log((TRANSFER_SINGLE, A, B), ["uint256"] * 2, [1, 1]),
    "a single with a dirty operator": log((TRANSFER_SINGLE, DIRTY, B, C), ["uint256"] * 2, [1, 1]),
    "a batch of unequal lengths": log(BATCH, ["uint256[]"] * 2, [[1, 2], [1]]),
    "a batch without data": log(BATCH),
    "a batch that points outside": log(BATCH, ["uint256"] * 2, [64, 6400]),
    "a batch that points between words": log(BATCH, ["uint256"] * 3, [33, 64, 0]),
    "a batch of absurd length": log(BATCH, ["uint256"] * 3, [64, 64, 2**255]),
    "a wrap without amount": log((WETH_DEPOSIT, A)),
    "a wrap without account": log((WETH_DEPOSIT,), ["uint256"] * 2, [1, 1]),
    "a wrap of a dirty account": log((WETH_WITHDRAWAL, DIRTY), ["uint256"], [1]),
    "a consecutive transfer without end": log((CONSECUTIVE_TRANSFER, word(1), A, B)),
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_logs_are_counted_and_disturb_no_other(malformed: Log) -> None:
    good = log((TRANSFER, A, B), ["uint256"], [9])
    decoded = decode_transfers([good, malformed, good])

    assert [transfer.amount for transfer in decoded.erc20] == [9, 9]
    assert (decoded.nft, decoded.wraps, decoded.undecodable) == ((), (), 1)


@given(st.lists(st.tuples(addresses, addresses, uints), max_size=8), st.booleans())
def test_transfers_decoded_together_equal_transfers_decoded_one_by_one(
    rows: list[tuple[Address, Address, int]], is_one_dirty: bool
) -> None:
    logs = [
        log((TRANSFER, address_topic(sender), address_topic(recipient)), ["uint256"], [amount])
        for sender, recipient, amount in rows
    ]
    if is_one_dirty:
        logs.append(MALFORMED["dirty bytes above the sender"])
    together = decode_transfers(logs)

    alone = [transfer for each in logs for transfer in decode_transfers([each]).erc20]
    assert list(together.erc20) == alone
    assert len(alone) == len(rows)
    assert together.undecodable == is_one_dirty


@given(
    st.sampled_from(
        [TRANSFER, TRANSFER_SINGLE, TRANSFER_BATCH, CONSECUTIVE_TRANSFER, WETH_DEPOSIT]
    ),
    st.lists(st.sampled_from([A, B, DIRTY, word(1)]), max_size=3),
    st.lists(st.one_of(st.integers(0, 8).map(lambda n: 32 * n), uints), max_size=8),
    st.binary(max_size=31),
)
def test_no_data_at_all_makes_decoding_fail(
    topic: str, rest: list[str], words: list[int], tail: bytes
) -> None:
    data = "0x" + "".join(word(value)[2:] for value in words) + tail.hex()
    decode_transfers([msgspec.structs.replace(log((topic, *rest)), data=data)])


def test_logs_of_other_events_are_passed_over() -> None:
    assert decode_transfers([log((word(1), A)), log(())]) == NOTHING
