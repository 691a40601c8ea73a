from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.errors import InvalidAnswer, TransactionNotFound
from common.chain.log_parsing import (
    check_hash,
    check_logs,
    decode_logs,
    filter_fields,
    parse_log_timestamps,
    parse_logs,
)
from common.chain.parsing import parse_block, parse_data, parse_quantity
from common.chain.transaction_parsing import parse_receipt, parse_transaction
from common.chain.types import Address, Block, Log, LogFilter, Transaction

TOKEN = Address("0x" + "70" * 20)
TOPIC, OTHER = "0x" + "aa" * 32, "0x" + "bb" * 32
HASH, BLOCK_HASH = "0x" + "12" * 32, "0x" + "34" * 32


def raw_log(block: int = 7, index: int = 5, **changes: Any) -> dict[str, Any]:
    return {
        "address": TOKEN,
        "topics": [TOPIC, OTHER],
        "data": "0xabcd",
        "blockNumber": hex(block),
        "blockHash": BLOCK_HASH,
        "transactionHash": HASH,
        "transactionIndex": "0x3",
        "logIndex": hex(index),
        "removed": False,
    } | changes


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in raw_log().items() if key != name}


@pytest.mark.parametrize("answer", [None, 5, "5", "0x", "0xzz", "0x-1", "0x_1", "0x 1", [], {}])
def test_what_is_no_hex_quantity_is_refused(answer: object) -> None:
    with pytest.raises(InvalidAnswer, match="expected a hex quantity"):
        parse_quantity(answer)


def test_quantities_of_any_size_are_read() -> None:
    assert parse_quantity("0x0") == 0
    assert parse_quantity("0x" + "f" * 64) == 2**256 - 1


@pytest.mark.parametrize("answer", [None, "", "0x1", "0xzz", "abcd", "0x12 3"])
def test_what_are_no_bytes_is_refused(answer: object) -> None:
    with pytest.raises(InvalidAnswer, match="expected bytes"):
        parse_data(answer)


def test_a_log_is_read_in_lower_case() -> None:
    expected = Log(TOKEN, (TOPIC, OTHER), "0xabcd", 7, BLOCK_HASH, HASH, 3, 5)
    shouted = raw_log(
        address="0x" + "70" * 20, topics=[TOPIC.upper().replace("X", "x"), OTHER], data="0xABCD"
    )
    assert parse_logs([raw_log()]) == [expected]
    assert parse_logs([shouted]) == [expected]


def test_a_log_may_have_no_topics_and_no_data() -> None:
    [log] = parse_logs([raw_log(topics=[], data="0x")])
    assert (log.topics, log.data) == ((), "0x")


def test_logs_are_put_in_order() -> None:
    logs = parse_logs([raw_log(8, 0), raw_log(7, 9), raw_log(7, 2)])
    assert [(log.block_number, log.log_index) for log in logs] == [(7, 2), (7, 9), (8, 0)]


BAD_LOGS: dict[str, object] = {
    "null": None,
    "an object": {},
    "a list of null": [None],
    "no address": [without("address")],
    "no topics": [without("topics")],
    "topics null": [raw_log(topics=None)],
    "a number for the block": [raw_log(blockNumber=7)],
    "a pending log": [raw_log(blockNumber=None)],
    "a short address": [raw_log(address="0x70")],
    "a short topic": [raw_log(topics=["0xaa"])],
    "five topics": [raw_log(topics=[TOPIC] * 5)],
    "half a byte": [raw_log(data="0xabc")],
    "data that is no hex": [raw_log(data="0xnothex")],
    "a short hash": [raw_log(blockHash="0x12")],
    "a removed log": [raw_log(removed=True)],
    "the same log twice": [raw_log(), raw_log()],
}


@pytest.mark.parametrize("answer", BAD_LOGS.values(), ids=BAD_LOGS.keys())
def test_malformed_logs_are_refused(answer: object) -> None:
    with pytest.raises(InvalidAnswer):
        parse_logs(answer)


def test_block_times_that_come_with_logs_are_read() -> None:
    answer = [raw_log(7, blockTimestamp="0x64"), raw_log(8, blockTimestamp="0x70")]
    assert parse_log_timestamps(answer) == {7: 100, 8: 112}
    assert parse_log_timestamps([raw_log(7)]) == {}
    assert parse_log_timestamps([]) == {}


@pytest.mark.parametrize(
    "wanted",
    [
        LogFilter(),
        LogFilter((TOKEN,)),
        LogFilter((), (TOPIC,)),
        LogFilter((), (None, OTHER)),
        LogFilter((TOKEN,), ((OTHER, TOPIC), (OTHER,))),
    ],
)
def test_logs_that_match_their_filter_are_accepted(wanted: LogFilter) -> None:
    check_logs(parse_logs([raw_log()]), wanted, 7, 7)


@pytest.mark.parametrize(
    "wanted",
    [
        LogFilter((Address("0x" + "71" * 20),)),
        LogFilter((), (OTHER,)),
        LogFilter((), (None, None, OTHER)),
        LogFilter((), ((OTHER,), None)),
    ],
)
def test_logs_that_do_not_match_their_filter_are_refused(wanted: LogFilter) -> None:
    with pytest.raises(InvalidAnswer, match="was not asked for"):
        check_logs(parse_logs([raw_log()]), wanted, 7, 7)


def test_logs_outside_the_range_are_refused() -> None:
    for first, last in ((8, 9), (5, 6)):
        with pytest.raises(InvalidAnswer, match="a log of block 7"):
            check_logs(parse_logs([raw_log()]), LogFilter(), first, last)


def test_a_log_of_another_fork_is_refused() -> None:
    [log] = parse_logs([raw_log()])
    check_hash(log, Block(7, BLOCK_HASH, 0, "finalized"))
    with pytest.raises(InvalidAnswer, match="a log of block 7 as"):
        check_hash(log, Block(7, HASH, 0, "finalized"))


def test_a_filter_is_written_as_the_node_wants_it() -> None:
    wanted = LogFilter((TOKEN,), (TOPIC, None, (TOPIC, OTHER)))
    assert filter_fields(wanted, 1, 255) == {
        "fromBlock": "0x1",
        "toBlock": "0xff",
        "address": [TOKEN],
        "topics": [TOPIC, None, [TOPIC, OTHER]],
    }
    assert filter_fields(LogFilter(), 0, 0) == {"fromBlock": "0x0", "toBlock": "0x0"}


RAW_BLOCK = {"number": "0x7", "hash": BLOCK_HASH, "timestamp": "0x64"}


def test_a_header_is_read() -> None:
    assert parse_block("finalized")(RAW_BLOCK) == Block(7, BLOCK_HASH, 100, "finalized")


def test_a_header_of_another_block_is_refused() -> None:
    with pytest.raises(InvalidAnswer, match="asked for block 8, got 7"):
        parse_block("number", 8)(RAW_BLOCK)
    with pytest.raises(InvalidAnswer, match="block 8 is not known"):
        parse_block("number", 8)(None)
    with pytest.raises(InvalidAnswer, match="expected a hash"):
        parse_block("latest")(RAW_BLOCK | {"hash": "0x12"})
    with pytest.raises(InvalidAnswer, match="expected a block"):
        parse_block("latest")([])


RAW_TRANSACTION = {
    "hash": HASH,
    "blockNumber": "0x7",
    "transactionIndex": "0x3",
    "from": "0x" + "AB" * 20,
    "to": TOKEN,
    "value": "0xde0b6b3a7640000",
    "nonce": "0x9",
    "input": "0x",
}


def test_a_transaction_is_read() -> None:
    assert parse_transaction(HASH)(RAW_TRANSACTION) == Transaction(
        HASH, 7, 3, Address("0x" + "ab" * 20), TOKEN, 10**18, 9, "0x"
    )


def test_a_transaction_that_creates_a_contract_has_no_recipient() -> None:
    assert parse_transaction(HASH)(RAW_TRANSACTION | {"to": None}).recipient is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "is not known"),
        (RAW_TRANSACTION | {"hash": BLOCK_HASH}, "asked for transaction"),
        (RAW_TRANSACTION | {"blockNumber": None}, "expected a hex quantity"),
        (RAW_TRANSACTION | {"from": "0x12"}, "expected an address"),
    ],
)
def test_a_transaction_that_is_not_mined_or_malformed_is_refused(
    answer: object, reason: str
) -> None:
    with pytest.raises(InvalidAnswer, match=reason):
        parse_transaction(HASH)(answer)


RAW_RECEIPT: dict[str, Any] = {
    "transactionHash": HASH,
    "blockNumber": "0x7",
    "blockHash": BLOCK_HASH,
    "transactionIndex": "0x3",
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x3b9aca00",
    "contractAddress": None,
    "logs": [],
}


def test_a_receipt_tells_what_the_transaction_did_and_cost() -> None:
    receipt = parse_receipt(HASH)(RAW_RECEIPT | {"logs": [raw_log(7, 6), raw_log(7, 5)]})

    assert receipt.is_success
    assert (receipt.block_number, receipt.block_hash) == (7, BLOCK_HASH)
    assert receipt.fee_wei == 21_000 * 10**9
    assert receipt.created_contract is None
    assert [log.log_index for log in receipt.logs] == [5, 6]


def test_what_a_rollup_charges_for_its_parent_chain_is_part_of_the_fee() -> None:
    assert parse_receipt(HASH)(RAW_RECEIPT | {"l1Fee": "0x64"}).fee_wei == 21_000 * 10**9 + 100


def test_an_old_receipt_says_neither_success_nor_gas_price() -> None:
    old = RAW_RECEIPT | {"status": None, "root": BLOCK_HASH, "effectiveGasPrice": None}
    receipt = parse_receipt(HASH)(old)
    assert receipt.is_success is None
    assert receipt.fee_wei is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "is not known"),
        (RAW_RECEIPT | {"transactionHash": BLOCK_HASH}, "asked for transaction"),
        (RAW_RECEIPT | {"status": None}, "neither status nor state root"),
        (RAW_RECEIPT | {"gasUsed": None}, "expected a hex quantity"),
        (RAW_RECEIPT | {"logs": None}, "expected a list of logs"),
        (RAW_RECEIPT | {"logs": [raw_log(transactionHash=BLOCK_HASH)]}, "a log of"),
        (RAW_RECEIPT | {"logs": [raw_log(blockHash=HASH)]}, "a log of"),
    ],
)
def test_a_receipt_that_is_malformed_or_of_another_transaction_is_refused(
    answer: object, reason: str
) -> None:
    with pytest.raises(InvalidAnswer, match=reason):
        parse_receipt(HASH)(answer)


def test_an_unknown_transaction_is_an_error_of_its_own() -> None:
    with pytest.raises(TransactionNotFound) as caught:
        parse_transaction(HASH)(None)
    assert caught.value.hashes == {HASH}


def one_by_one(answer: list[Any]) -> list[Log]:
    """The same logs through the slow path: an upper-case digit in the first one leads there."""
    first = answer[0] | {"transactionHash": answer[0]["transactionHash"].upper().replace("X", "x")}
    return parse_logs([first, *answer[1:]])


@given(
    st.lists(
        st.tuples(st.integers(0, 2**40), st.integers(0, 5_000), st.integers(0, 4), st.binary()),
        min_size=1,
        unique_by=lambda row: row[:2],
    )
)
def test_logs_read_together_equal_logs_read_one_by_one(
    rows: list[tuple[int, int, int, bytes]],
) -> None:
    answer = [
        raw_log(block, index, topics=[TOPIC] * topics, data="0x" + data.hex())
        | {"transactionHash": "0x" + "ab" * 32}
        for block, index, topics, data in rows
    ]
    decoded = decode_logs(orjson.dumps({"jsonrpc": "2.0", "id": 1, "result": answer}))

    assert parse_logs(answer) == one_by_one(answer)
    assert parse_logs(decoded) == parse_logs(answer)


@pytest.mark.parametrize(
    "body",
    [
        {"result": None},
        {"result": "0x1"},
        {"result": [raw_log(data=5)]},
        {"result": [without("topics")]},
        {"result": [raw_log(), "0x1"]},
        {"result": [], "error": {"code": -32005, "message": "too many"}},
        {"error": {"code": -32005, "message": "too many"}},
        [{"result": []}],
        [],
    ],
    ids=str,
)
def test_an_answer_that_is_no_list_of_logs_is_left_to_the_slow_way(body: object) -> None:
    assert decode_logs(orjson.dumps(body)) is None
    assert decode_logs(orjson.dumps(body)[:-1]) is None


def test_block_times_are_read_of_decoded_logs_too() -> None:
    answer = [raw_log(7, blockTimestamp="0x10"), raw_log(8, blockTimestamp=None)]
    decoded = decode_logs(orjson.dumps({"result": answer}))

    assert parse_log_timestamps(decoded) == parse_log_timestamps(answer) == {7: 16}


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "0x1"},
        {"data": "12"},
        {"data": "0x12,0x34"},
        {"data": "0x12 "},
        {"data": 5},
        {"address": "0x" + "7" * 39},
        {"address": TOKEN + ","},
        {"blockNumber": "0x"},
        {"blockNumber": "0x" + "1" * 17},
        {"logIndex": None},
        {"blockHash": "0x" + "x" * 64},
        {"transactionHash": "0x" + "1" * 65},
        {"topics": [TOPIC] * 5},
        {"topics": [TOPIC, "0x12"]},
        {"topics": [TOPIC, 7]},
        {"topics": TOPIC},
        {"topics": None},
        {"removed": True},
    ],
)
def test_one_malformed_log_among_many_is_found(changes: dict[str, Any]) -> None:
    many = [raw_log(block) for block in range(1, 9)]
    answer = [*many, raw_log(9, **changes), *many]
    with pytest.raises(InvalidAnswer, match="a log"):
        parse_logs(answer)
    decoded = decode_logs(orjson.dumps({"result": answer}))
    if decoded is not None:
        with pytest.raises(InvalidAnswer, match="a log"):
            parse_logs(decoded)
