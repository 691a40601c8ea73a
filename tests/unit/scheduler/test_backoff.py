"""Pauses between attempts grow, have a limit, and are the same whoever computes them."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.backoff import Backoff

seconds = st.floats(0.001, 1_000)


@given(seconds, st.floats(1, 10), seconds, st.text(max_size=40), st.integers(1, 5_000))
def test_a_pause_lies_between_half_and_all_of_the_exponential_one(
    initial: float, coefficient: float, maximum: float, run_id: str, attempt: int
) -> None:
    backoff = Backoff(initial, coefficient, maximum)
    delay = backoff.delay_seconds(run_id, attempt)
    try:
        full = min(initial * coefficient ** (attempt - 1), maximum)
    except OverflowError:
        full = maximum
    assert full / 2 <= delay <= full
    assert delay == backoff.delay_seconds(run_id, attempt)


def test_pauses_grow_from_attempt_to_attempt_until_the_maximum() -> None:
    backoff = Backoff(5, 4, 1_000)
    delays = [backoff.delay_seconds("run", attempt) for attempt in range(1, 6)]
    assert delays[:4] == sorted(delays[:4])
    assert 500 <= delays[4] <= 1_000


def test_runs_that_fail_together_are_not_tried_again_together() -> None:
    backoff = Backoff(100, 2, 1_000)
    delays = [backoff.delay_seconds(f"run {number}", 1) for number in range(200)]
    assert len({round(delay) for delay in delays}) > 30
    assert max(delays) - min(delays) > 40
