from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.errors import ChainError, LimitExceeded, RangeTooLarge, ResultTooLarge
from common.chain.log_ranges import (
    FIRST_STEP,
    TARGET_LOGS,
    Steps,
    first_part_end,
    learnt_cap,
    spans_back,
    split_filter,
)
from common.chain.types import Address, LogFilter

blocks = st.integers(0, 2**40)


def after(
    step: int, blocks: int, logs: int, seconds: float = 0.1, refused: float | None = None
) -> int:
    steps = Steps(step, refused)
    steps.served(blocks, logs, seconds)
    return steps.blocks


def test_steps_double_while_nothing_is_found() -> None:
    assert after(FIRST_STEP, FIRST_STEP, 0) == 2 * FIRST_STEP


def test_steps_aim_at_the_target_number_of_logs() -> None:
    assert after(2_000, 2_000, 20_000) == 500
    assert after(2_000, 2_000, TARGET_LOGS) == 2_000
    assert after(2_000, 2_000, 1) == 4_000
    assert after(1, 1, 50_000) == 1


def test_steps_stop_a_little_below_what_was_refused_without_a_reason() -> None:
    assert after(4_000, 4_000, 0, refused=8_000) == 6_000
    assert after(7_500, 7_500, 0, refused=8_000) == 7_500
    assert after(1, 1, 0, refused=2) == 1


@given(st.integers(1, 100_000))
def test_a_limit_that_is_not_named_is_met_with_few_refusals(limit: int) -> None:
    steps, refusals, served = Steps(), 0, []
    for _ in range(200):
        if steps.blocks > limit:
            refusals += 1
            steps.was_refused(steps.blocks, is_unexplained=True)
        else:
            served.append(steps.blocks)
            steps.served(steps.blocks, 0, 0.1)
    assert refusals <= 25
    assert sum(served[100:]) >= 0.8 * limit * len(served[100:]) or limit < 8


def test_a_refusal_halves_the_step() -> None:
    steps = Steps(4_000)
    steps.was_refused(4_000, is_unexplained=False)
    assert (steps.blocks, steps.refused) == (2_000, None)


def test_a_slow_answer_halves_the_step() -> None:
    assert after(2_000, 2_000, 0, seconds=30.0) == 1_000


def test_the_short_last_range_does_not_shrink_the_step() -> None:
    assert after(16_000, 10, 0) == 16_000


REFUSALS = [
    (LimitExceeded("limit exceeded"), 5_050),
    (RangeTooLarge("too wide"), 5_050),
    (RangeTooLarge("up to 500", max_blocks=500), 599),
    (RangeTooLarge("up to 500", max_blocks=500, suggested=(100, 300)), 599),
    (RangeTooLarge("nonsense", max_blocks=0), 5_050),
    (RangeTooLarge("the refused one again", max_blocks=9_901, suggested=(100, 10_000)), 5_050),
    (ResultTooLarge("try", suggested=(100, 2_100)), 2_100),
    (ResultTooLarge("the refused one again", suggested=(100, 10_000)), 5_050),
    (ResultTooLarge("somewhere else", suggested=(7, 500)), 5_050),
    (ResultTooLarge("backwards", suggested=(100, 50)), 5_050),
]


@pytest.mark.parametrize(("refusal", "end"), REFUSALS)
def test_a_suggestion_is_followed_only_where_it_is_strictly_smaller(
    refusal: ChainError, end: int
) -> None:
    assert first_part_end(100, 10_000, refusal) == end


@given(blocks, st.integers(1, 10**9), st.one_of(st.none(), st.tuples(blocks, blocks)), blocks)
def test_both_parts_of_a_cut_range_are_smaller_and_not_empty(
    first: int, length: int, suggested: tuple[int, int] | None, max_blocks: int
) -> None:
    last = first + length
    refusal = RangeTooLarge("no", suggested=suggested, max_blocks=max_blocks)
    assert first <= first_part_end(first, last, refusal) < last


@given(st.integers(1, 10**9), st.one_of(st.none(), st.tuples(blocks, blocks)), blocks)
def test_a_learnt_cap_is_below_what_was_refused(
    refused: int, suggested: tuple[int, int] | None, max_blocks: int
) -> None:
    cap = learnt_cap(refused, RangeTooLarge("no", suggested=suggested, max_blocks=max_blocks))
    assert cap >= 1
    assert cap < refused or refused == 1


def test_the_cap_that_an_endpoint_names_is_learnt() -> None:
    assert learnt_cap(2_000, RangeTooLarge("up to 500", max_blocks=500)) == 500
    assert learnt_cap(2_000, RangeTooLarge("try", suggested=(1, 800))) == 800
    assert learnt_cap(2_000, RangeTooLarge("too wide")) == 1_000


A, B, C = (Address("0x" + digits * 20) for digits in ("aa", "bb", "cc"))


def test_a_filter_is_cut_by_addresses_and_then_by_topics() -> None:
    wanted = LogFilter((A, B, C), ("t0", None, ("x", "y")))
    first, second = split_filter(wanted) or (wanted, wanted)
    assert (first.addresses, second.addresses) == ((A,), (B, C))
    assert first.topics == second.topics == wanted.topics

    one, other = split_filter(first) or (wanted, wanted)
    assert (one.topics, other.topics) == (("t0", None, ("x",)), ("t0", None, ("y",)))
    assert split_filter(one) is None


@given(st.integers(0, 10**9))
def test_spans_cover_every_block_once_from_the_newest_back(last: int) -> None:
    spans = list(spans_back(last))
    assert spans[0][1] == last
    assert spans[-1][0] == 0
    assert all(newer[0] == older[1] + 1 for newer, older in pairwise(spans))
