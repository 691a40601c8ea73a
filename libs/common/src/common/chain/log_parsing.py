"""eth_getLogs answers checked and turned into records, a hundred thousand at a time. No I/O.

Logs of one answer share most of their texts: each is looked up, and is checked and read where it
is new. The checks are one pass over joined texts, as strict as a pattern on every log would be, at
a fraction of the time. Whatever does not pass is read again log by log, which names the fault, or
accepts upper-case hex.
"""

import re
from collections.abc import Collection, Sequence
from functools import partial
from itertools import islice
from operator import attrgetter, itemgetter, lt
from typing import Any

import msgspec

from common.chain.errors import InvalidAnswer
from common.chain.parsing import parse_quantity, shown
from common.chain.texts import ReadOnce
from common.chain.types import Address, Block, Log, LogFilter, TopicFilter
from common.garbage import paused_collection

_FIELDS = (
    "address",
    "data",
    "blockNumber",
    "blockHash",
    "transactionHash",
    "transactionIndex",
    "logIndex",
)
_values = itemgetter(*_FIELDS, "topics")
_is_removed, _topics = attrgetter("removed"), attrgetter("topics")
_HEX_DIGITS = b"0123456789abcdef"
_MAX_TOPICS = 4
_HASH_LENGTH, _ADDRESS_LENGTH, _QUANTITY_LENGTH = 66, 42, 18

_QUANTITY, _HASH, _ADDRESS = "0x[0-9a-f]{1,16}", "0x[0-9a-f]{64}", "0x[0-9a-f]{40}"
_LAYOUT = re.compile(
    rf"{_ADDRESS},0x(?:[0-9a-f]{{2}})*,{_QUANTITY},{_HASH},{_HASH},{_QUANTITY},{_QUANTITY}"
    rf"(?:,{_HASH}){{0,{_MAX_TOPICS}}}"
)


class RawLog(msgspec.Struct, rename="camel", gc=False):
    """A log as an endpoint sends it, its values not checked yet."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: str
    block_hash: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool | None = False
    block_timestamp: str | None = None


class _Answer(msgspec.Struct, gc=False):
    result: list[RawLog]
    error: Any = None


_decoder = msgspec.json.Decoder(_Answer)


def decode_logs(body: bytes) -> list[RawLog] | None:
    """The logs in an answer's body; None where it is anything but logs with all their fields.

    No dict is made for each log: this takes half of the time that parsing the JSON would.
    """
    try:
        answer = _decoder.decode(body)
    except msgspec.DecodeError:
        return None
    return answer.result if answer.error is None else None


def parse_logs(answer: Any) -> list[Log]:
    """Logs in ascending order, each once.

    Args:
        answer: What eth_getLogs answered: decoded, or as JSON has it.

    Raises:
        InvalidAnswer: Not a list, a malformed or removed log, or one that occurs twice.
    """
    if not isinstance(answer, list):
        raise InvalidAnswer(f"expected a list of logs, got {shown(answer)}")
    if not answer:
        return []
    logs = _parse_quickly(answer)
    if logs is None:
        logs = [_parse_log(msgspec.to_builtins(entry)) for entry in answer]
    if not _is_ascending(logs):
        logs.sort(key=log_position)
        if not _is_ascending(logs):
            raise InvalidAnswer("a log occurs twice")
    return logs


def parse_log_timestamps(answer: Any) -> dict[int, int]:
    """Block times that some nodes add to each log, by block number."""
    if answer and isinstance(answer[0], RawLog):
        if not answer[0].block_timestamp:
            return {}
        times = {each.block_number: each.block_timestamp for each in answer}
        return {parse_quantity(n): parse_quantity(time) for n, time in times.items() if time}
    if not answer or not isinstance(answer[0], dict) or not answer[0].get("blockTimestamp"):
        return {}
    by_block = {entry["blockNumber"]: entry.get("blockTimestamp") for entry in answer}
    return {
        parse_quantity(number): parse_quantity(seconds)
        for number, seconds in by_block.items()
        if seconds
    }


log_position = attrgetter("block_number", "log_index")
"""Where a log stands in the order of the chain: block number and log index."""


def in_order(logs: list[Log]) -> list[Log]:
    """The logs ascending by position; quick when they nearly are."""
    with paused_collection():
        return sorted(logs, key=log_position)


def check_logs(logs: Sequence[Log], wanted: LogFilter, from_block: int, to_block: int) -> None:
    """Checks that every log, given in ascending order, was asked for.

    Raises:
        InvalidAnswer: A log lies outside the range or does not match the filter.
    """
    for log in (*logs[:1], *logs[-1:]):
        if not from_block <= log.block_number <= to_block:
            raise InvalidAnswer(
                f"a log of block {log.block_number} in the answer for {from_block}..{to_block}"
            )
    if wanted.addresses:
        for address in {log.address for log in logs} - set(wanted.addresses):
            raise InvalidAnswer(f"a log of {address}, which was not asked for")
    for index, topic in enumerate(wanted.topics):
        if topic is None:
            continue
        allowed = {topic} if isinstance(topic, str) else set(topic)
        try:
            found = {log.topics[index] for log in logs}
        except IndexError:
            found = {""}
        if not found <= allowed:
            raise InvalidAnswer(f"a log whose topic {index} was not asked for")


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


def _parse_quickly(answer: list[Any]) -> list[Log] | None:
    """All logs in one pass; None where one of them needs a closer look."""
    # Equal texts become one object: a million logs name a few contracts, blocks and holders.
    addresses, hashes = ReadOnce(Address), ReadOnce(str)
    numbers = ReadOnce(partial(int, base=16))
    topic_of = hashes.__getitem__
    try:
        raws = msgspec.convert(answer, list[RawLog])
        logs = [
            Log(
                addresses[raw.address],
                tuple(map(topic_of, raw.topics)),
                raw.data,
                numbers[raw.block_number],
                hashes[raw.block_hash],
                hashes[raw.transaction_hash],
                numbers[raw.transaction_index],
                numbers[raw.log_index],
            )
            for raw in raws
        ]
    except ValueError:  # of msgspec and of int
        return None
    data = [raw.data for raw in raws]
    is_plain = (
        not any(map(_is_removed, raws))
        and max(map(len, map(_topics, raws))) <= _MAX_TOPICS
        and _are_hex(addresses, _ADDRESS_LENGTH)
        and _are_hex(hashes, _HASH_LENGTH)
        and _are_hex(data, None)
        and not any(length % 2 for length in set(map(len, data)))
        and _are_hex(numbers, None)
        and 3 <= min(map(len, numbers)) <= max(map(len, numbers)) <= _QUANTITY_LENGTH
    )
    return logs if is_plain else None


def _are_hex(texts: Collection[str], length: int | None) -> bool:
    """Whether each text is `0x` and lower-case hex digits, and has that length if one is given."""
    count = len(texts)
    if not count:
        return True
    joined = ",".join(texts).encode()
    marks = joined.translate(None, _HEX_DIGITS)
    if marks != (b"x," * count)[:-1] or joined.count(b",0x") != count - 1 or joined[:2] != b"0x":
        return False
    if length is None:
        return True
    return len(joined) == count * (length + 1) - 1 and (
        joined[length :: length + 1] == b"," * (count - 1)
    )


def _parse_log(entry: Any) -> Log:
    try:
        if entry.get("removed"):
            raise InvalidAnswer("a log of a dropped block (removed: true)")
        *fields, topics = _values(entry)
        text = ",".join((*fields, *topics)).lower()
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidAnswer(f"a log without its fields ({error})") from error
    if not _LAYOUT.fullmatch(text):
        raise InvalidAnswer("a log with a malformed address, topic, hash, number or data")
    address, data, block, block_hash, transaction, index, position, *topics = text.split(",")
    return Log(
        Address(address),
        tuple(topics),
        data,
        int(block, 16),
        block_hash,
        transaction,
        int(index, 16),
        int(position, 16),
    )


def _is_ascending(logs: Sequence[Log]) -> bool:
    positions = list(map(log_position, logs))
    return all(map(lt, positions, islice(positions, 1, None)))
