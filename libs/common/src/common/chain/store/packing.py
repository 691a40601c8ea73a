"""Logs as bytes for MongoDB, about 65 of them a log, and back. No I/O."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, starmap
from typing import Any

import orjson

from common.chain.types import Log, LogFilter
from common.garbage import paused_collection

MOST_BYTES = 12_000_000
"""A document may have 16 MB."""
_LEVEL = 1
"""Of zlib: hashes do not compress, everything else does at any level."""


def pack_logs(logs: Sequence[Log]) -> bytes:
    """Columns as compressed JSON; texts that repeat are there once."""
    if not logs:
        return b""
    columns = [
        *_table([log.address for log in logs]),
        *_table([topic for log in logs for topic in log.topics]),
        [len(log.topics) for log in logs],
        [log.data for log in logs],
        [log.block_number for log in logs],
        *_table([log.block_hash for log in logs]),
        *_table([log.transaction_hash for log in logs]),
        [log.transaction_index for log in logs],
        [log.log_index for log in logs],
    ]
    return zlib.compress(orjson.dumps(columns), _LEVEL)


def unpack_logs(packed: bytes) -> list[Log]:
    """The logs that were packed."""
    if not packed:
        return []
    with paused_collection():
        columns = iter(orjson.loads(zlib.decompress(packed)))
        address = _values(columns)
        topics = _values(columns)
        topics_of_each = [tuple(islice(topics, count)) for count in next(columns)]
        data, block = next(columns), next(columns)
        block_hash, transaction = _values(columns), _values(columns)
        index, position = next(columns), next(columns)
        rest = (data, block, block_hash, transaction, index, position)
        return list(starmap(Log, zip(address, topics_of_each, *rest, strict=True)))


def split_logs(
    first: int, last: int, logs: Sequence[Log], most: int
) -> Iterator[tuple[int, int, Sequence[Log]]]:
    """Consecutive ranges that make up `first..last`, each with its logs.

    At most `most` of them each, and more only where one block has more.
    """
    start = 0
    while len(logs) - start > most:
        block = logs[start + most].block_number
        end = start + most
        while end > start and logs[end - 1].block_number == block:
            end -= 1
        if end == start:  # all of them are of one block
            end = start + most
            while end < len(logs) and logs[end].block_number == block:
                end += 1
            block += 1
        if end == len(logs):
            break
        yield first, block - 1, logs[start:end]
        first, start = block, end
    yield first, last, logs[start:]


def filter_digest(wanted: LogFilter) -> str:
    """A name of a filter: the same for every order of its addresses and choices."""
    topics = [
        sorted(topic) if isinstance(topic, tuple) else [] if topic is None else [topic]
        for topic in wanted.topics
    ]
    text = orjson.dumps([sorted(wanted.addresses), topics])
    return hashlib.sha256(text).hexdigest()[:32]


def _table(values: Iterable[str]) -> tuple[list[str], list[int]]:
    values = tuple(values)
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return list(places), [places[value] for value in values]


def _values(columns: Iterator[list[Any]]) -> Iterator[str]:
    texts, places = next(columns), next(columns)
    return map(texts.__getitem__, places)
