"""What is kept of a range, what is missing, and logs as bytes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.kept import Piece
from common.chain.store.packing import filter_digest, pack_logs, split_logs, unpack_logs
from common.chain.store.ranges import without_overlap
from common.chain.types import Address, Log, LogFilter

BLOCKS = st.integers(0, 60)
PIECES = st.lists(
    st.tuples(BLOCKS, BLOCKS).map(lambda ends: Piece(min(ends), max(ends), f"{ends}")), max_size=8
)
RANGE = st.tuples(BLOCKS, BLOCKS).map(lambda ends: (min(ends), max(ends)))


def blocks_of(pieces: list[Piece]) -> list[int]:
    return [block for piece in pieces for block in range(piece.first, piece.last + 1)]


@given(PIECES, RANGE)
def test_every_kept_block_of_a_range_is_found_once(
    pieces: list[Piece], ends: tuple[int, int]
) -> None:
    found = without_overlap(pieces, *ends)
    kept = {block for piece in pieces for block in range(piece.first, piece.last + 1)}

    assert blocks_of(found) == sorted(kept & set(range(ends[0], ends[1] + 1)))


@given(PIECES, RANGE)
def test_a_piece_is_found_only_where_it_is(pieces: list[Piece], ends: tuple[int, int]) -> None:
    whole = {piece.name: piece for piece in pieces}

    for piece in without_overlap(pieces, *ends):
        assert whole[piece.name].first <= piece.first <= piece.last <= whole[piece.name].last


HEX = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())
LOGS = st.lists(
    st.builds(
        Log,
        st.sampled_from([Address("0x" + "11" * 20), Address("0x" + "22" * 20)]),
        st.lists(HEX, max_size=4).map(tuple),
        st.binary(max_size=70).map(lambda raw: "0x" + raw.hex()),
        st.integers(0, 12),
        HEX,
        HEX,
        st.integers(0, 2**32),
        st.integers(0, 2**32),
    ),
    max_size=30,
).map(lambda logs: sorted(logs, key=lambda log: (log.block_number, log.log_index)))


@given(LOGS)
def test_packed_logs_are_unpacked_as_they_were(logs: list[Log]) -> None:
    assert unpack_logs(pack_logs(logs)) == logs


@given(LOGS, st.integers(1, 10))
def test_logs_are_split_between_blocks_into_ranges_that_make_up_the_whole(
    logs: list[Log], most: int
) -> None:
    parts = list(split_logs(0, 20, logs, most))

    assert [log for _, _, part in parts for log in part] == logs
    assert [b for first, last, _ in parts for b in range(first, last + 1)] == list(range(21))
    for first, last, part in parts:
        assert all(first <= log.block_number <= last for log in part)
        assert len(part) <= most or len({log.block_number for log in part}) == 1


A, B = Address("0x" + "aa" * 20), Address("0x" + "bb" * 20)


def test_a_filter_has_one_name_in_whatever_order_it_is_written() -> None:
    wanted = LogFilter((A, B), (("0x01", "0x02"), None))

    assert filter_digest(wanted) == filter_digest(LogFilter((B, A), (("0x02", "0x01"), None)))


@pytest.mark.parametrize(
    "other",
    [
        LogFilter((A,), ("0x01", None, "0x02")),
        LogFilter((A, B), ("0x01", "0x02")),
        LogFilter((A, B), ("0x01",)),
        LogFilter((), ("0x01", None, "0x02")),
    ],
)
def test_filters_that_find_other_logs_have_other_names(other: LogFilter) -> None:
    wanted = LogFilter((A, B), ("0x01", None, "0x02"))

    assert filter_digest(wanted) != filter_digest(other)
    assert filter_digest(wanted) == filter_digest(replace(wanted))
