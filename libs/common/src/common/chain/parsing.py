"""JSON-RPC answers checked and turned into typed records. No I/O.

Every parser raises InvalidAnswer with what was wrong; the caller adds method and endpoint.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from operator import itemgetter
from typing import Any

from common.chain.errors import InvalidAnswer, TransactionNotFound
from common.chain.types import Address, Block, Log, LogFilter, Receipt, TopicFilter, Transaction

_LOG_FIELDS = itemgetter(
    "blockNumber",
    "transactionIndex",
    "logIndex",
    "blockHash",
    "transactionHash",
    "address",
    "data",
)
_QUANTITY, _HASH, _ADDRESS = "0x[0-9a-f]{1,16}", "0x[0-9a-f]{64}", "0x[0-9a-f]{40}"

_LOG_LAYOUT = re.compile(
    rf"(?:{_QUANTITY},){{3}}(?:{_HASH},){{2}}{_ADDRESS},0x[0-9a-f]*(?:,{_HASH}){{0,4}}"
)
"""All of a log in one pattern: one match a log is several times faster than one a field."""


def parse_quantity(answer: Any) -> int:
    """A hex quantity such as `0x1b4`."""
    if isinstance(answer, str) and answer[:2] == "0x" and answer[2:].isalnum():
        try:
            return int(answer, 16)
        except ValueError:
            pass
    raise InvalidAnswer(f"expected a hex quantity, got {_shown(answer)}")


def parse_data(answer: Any) -> str:
    """Bytes as hex, in lower case."""
    if isinstance(answer, str) and answer[:2] == "0x" and _is_hex(answer[2:]):
        return answer.lower()
    raise InvalidAnswer(f"expected bytes as hex, got {_shown(answer)}")


def parse_block(tag: str, expected_number: int | None = None) -> Callable[[Any], Block]:
    """A parser of a block header that is given `tag`, and checked to have the number asked for."""

    def parse(answer: Any) -> Block:
        if answer is None:
            asked_for = tag if expected_number is None else expected_number
            raise InvalidAnswer(f"block {asked_for} is not known")
        fields = _object(answer, "a block")
        number = parse_quantity(fields.get("number"))
        if expected_number is not None and number != expected_number:
            raise InvalidAnswer(f"asked for block {expected_number}, got {number}")
        return Block(
            number, _hash(fields.get("hash")), parse_quantity(fields.get("timestamp")), tag
        )

    return parse


def parse_transaction(expected_hash: str) -> Callable[[Any], Transaction]:
    """A parser of the mined transaction with that hash."""

    def parse(answer: Any) -> Transaction:
        fields = _mined(answer, "hash", expected_hash)
        recipient = fields.get("to")
        return Transaction(
            hash=expected_hash,
            block_number=parse_quantity(fields.get("blockNumber")),
            transaction_index=parse_quantity(fields.get("transactionIndex")),
            sender=_address(fields.get("from")),
            recipient=None if recipient is None else _address(recipient),
            value_wei=parse_quantity(fields.get("value")),
            nonce=parse_quantity(fields.get("nonce")),
            input=parse_data(fields.get("input")),
        )

    return parse


def parse_receipt(expected_hash: str) -> Callable[[Any], Receipt]:
    """A parser of the receipt of the mined transaction with that hash."""

    def parse(answer: Any) -> Receipt:
        fields = _mined(answer, "transactionHash", expected_hash)
        created = fields.get("contractAddress")
        receipt = Receipt(
            transaction_hash=expected_hash,
            block_number=parse_quantity(fields.get("blockNumber")),
            block_hash=_hash(fields.get("blockHash")),
            transaction_index=parse_quantity(fields.get("transactionIndex")),
            is_success=_is_success(fields),
            gas_used=parse_quantity(fields.get("gasUsed")),
            effective_gas_price_wei=_optional_quantity(fields.get("effectiveGasPrice")),
            l1_fee_wei=_optional_quantity(fields.get("l1Fee")) or 0,
            created_contract=None if created is None else _address(created),
            logs=tuple(parse_logs(fields.get("logs"))),
        )
        for log in receipt.logs:
            if log.transaction_hash != expected_hash or log.block_hash != receipt.block_hash:
                raise InvalidAnswer(f"a log of {log.transaction_hash} in this receipt")
        return receipt

    return parse


def parse_logs(answer: Any) -> list[Log]:
    """Logs in ascending order, each once.

    Raises:
        InvalidAnswer: Not a list, a malformed or removed log, or one that occurs twice.
    """
    if not isinstance(answer, list):
        raise InvalidAnswer(f"expected a list of logs, got {_shown(answer)}")
    logs = [_parse_log(entry) for entry in answer]
    if not _is_ascending(logs):
        logs.sort(key=log_position)
        if not _is_ascending(logs):
            raise InvalidAnswer("a log occurs twice")
    return logs


def parse_log_timestamps(answer: Any) -> dict[int, int]:
    """Block times that some nodes add to each log, by block number."""
    if not answer or not isinstance(answer[0], dict) or not answer[0].get("blockTimestamp"):
        return {}
    by_block = {entry["blockNumber"]: entry.get("blockTimestamp") for entry in answer}
    return {
        parse_quantity(number): parse_quantity(seconds)
        for number, seconds in by_block.items()
        if seconds
    }


def log_position(log: Log) -> tuple[int, int]:
    """Where a log stands in the order of the chain."""
    return log.block_number, log.log_index


def check_logs(logs: list[Log], wanted: LogFilter, from_block: int, to_block: int) -> None:
    """Checks that every log, given in ascending order, was asked for.

    Raises:
        InvalidAnswer: A log lies outside the range or does not match the filter.
    """
    addresses = frozenset(wanted.addresses)
    positions = [
        (index, frozenset((topic,) if isinstance(topic, str) else topic))
        for index, topic in enumerate(wanted.topics)
        if topic is not None
    ]
    for log in (*logs[:1], *logs[-1:]):
        if not from_block <= log.block_number <= to_block:
            raise InvalidAnswer(
                f"a log of block {log.block_number} in the answer for {from_block}..{to_block}"
            )
    for log in logs:
        if addresses and log.address not in addresses:
            raise InvalidAnswer(f"a log of {log.address}, which was not asked for")
        for index, allowed in positions:
            if index >= len(log.topics) or log.topics[index] not in allowed:
                raise InvalidAnswer(f"a log whose topic {index} was not asked for")


def _is_ascending(logs: list[Log]) -> bool:
    for previous, log in pairwise(logs):
        if log.block_number <= previous.block_number and (
            log.block_number < previous.block_number or log.log_index <= previous.log_index
        ):
            return False
    return True


def check_hash(log: Log, block: Block) -> None:
    """Checks that a log of `block` names its hash.

    Raises:
        InvalidAnswer: It names another one: the answer is of another fork.
    """
    if log.block_hash != block.hash:
        raise InvalidAnswer(f"a log of block {block.number} as {log.block_hash}, not {block.hash}")


def filter_fields(wanted: LogFilter, from_block: int, to_block: int) -> dict[str, Any]:
    """The filter object of eth_getLogs."""
    fields: dict[str, Any] = {"fromBlock": hex(from_block), "toBlock": hex(to_block)}
    if wanted.addresses:
        fields["address"] = list(wanted.addresses)
    if wanted.topics:
        fields["topics"] = [_topic_field(topic) for topic in wanted.topics]
    return fields


def _topic_field(topic: TopicFilter) -> Any:
    return list(topic) if isinstance(topic, tuple) else topic


def _parse_log(entry: Any) -> Log:
    try:
        if entry.get("removed"):
            raise InvalidAnswer("a log of a dropped block (removed: true)")
        fields, topics = _LOG_FIELDS(entry), entry["topics"]
        text = ",".join((*fields, *topics))
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"a log without its fields ({error})") from error
    if not _LOG_LAYOUT.fullmatch(text):
        text = text.lower()
        if not _LOG_LAYOUT.fullmatch(text):
            raise InvalidAnswer("a log with a malformed address, topic, hash, number or data")
        *fields, _ = text.split(",", 7)
        topics = text.split(",")[7:]
    number, index, position, block_hash, transaction_hash, address, data = fields
    if len(data) % 2:
        raise InvalidAnswer("a log with half a byte of data")
    return Log(
        Address(address),
        tuple(topics),
        data,
        int(number, 16),
        block_hash,
        transaction_hash,
        int(index, 16),
        int(position, 16),
    )


def _mined(answer: Any, hash_field: str, expected_hash: str) -> Mapping[str, Any]:
    if answer is None:
        raise TransactionNotFound(
            f"transaction {expected_hash} is not known", frozenset((expected_hash,))
        )
    fields = _object(answer, "a transaction")
    found = _hash(fields.get(hash_field))
    if found != expected_hash:
        raise InvalidAnswer(f"asked for transaction {expected_hash}, got {found}")
    return fields


def _object(answer: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise InvalidAnswer(f"expected {what}, got {_shown(answer)}")
    return answer


def _hash(answer: Any) -> str:
    digits = parse_data(answer)
    if len(digits) != 66:
        raise InvalidAnswer(f"expected a hash of 32 bytes, got {_shown(answer)}")
    return digits


def _address(answer: Any) -> Address:
    digits = parse_data(answer)
    if len(digits) != 42:
        raise InvalidAnswer(f"expected an address of 20 bytes, got {_shown(answer)}")
    return Address(digits)


def _optional_quantity(answer: Any) -> int | None:
    return None if answer is None else parse_quantity(answer)


def _is_success(receipt: Mapping[str, Any]) -> bool | None:
    """Whether a transaction took effect; None for the older receipts with a state root."""
    status = _optional_quantity(receipt.get("status"))
    if status is None and receipt.get("root") is None:
        raise InvalidAnswer("a receipt with neither status nor state root")
    return None if status is None else status == 1


def _is_hex(digits: str) -> bool:
    """Whether these are whole bytes; `bytes.fromhex` alone would let blanks pass."""
    try:
        return 2 * len(bytes.fromhex(digits)) == len(digits)
    except ValueError:
        return False


def _shown(answer: Any) -> str:
    text = repr(answer)
    return text if len(text) <= 60 else text[:57] + "..."
