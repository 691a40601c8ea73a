"""Which kept data are true after any sequence of reorgs."""

from hypothesis import given
from hypothesis import strategies as st

from common.chain.store.branches import MOST_CHECKPOINTS, MOST_CUTS, Checkpoint, Trunk, thinned


def test_few_checkpoints_are_all_kept() -> None:
    checkpoints = tuple(Checkpoint(number, "0x") for number in range(MOST_CHECKPOINTS))

    assert thinned(checkpoints) == checkpoints


def test_of_many_the_newest_stay_dense_and_the_old_ones_far_apart() -> None:
    checkpoints: tuple[Checkpoint, ...] = ()
    for number in range(10_000):
        checkpoints = thinned([*checkpoints, Checkpoint(number, "0x")])
        assert len(checkpoints) <= MOST_CHECKPOINTS
        assert checkpoints[-1].number == number
        assert list(checkpoints) == sorted(checkpoints, key=lambda each: each.number)

    assert [each.number for each in checkpoints[-16:]] == list(range(9_984, 10_000))
    assert checkpoints[0].number == 0


def test_what_was_kept_on_the_present_branch_stands_altogether() -> None:
    trunk = Trunk().with_checkpoint(Checkpoint(100, "0x")).cut_above(None)

    assert trunk.standing_to(trunk.branch) == float("inf")
    assert trunk.standing_to(trunk.branch - 1) == -1


def test_a_branch_that_is_not_known_yet_is_not_trusted() -> None:
    assert Trunk().standing_to(1) == -1


def test_checkpoints_above_a_cut_are_gone() -> None:
    trunk = Trunk()
    for number in (10, 20, 30):
        trunk = trunk.with_checkpoint(Checkpoint(number, f"0x{number}"))

    trunk = trunk.cut_above(Checkpoint(20, "0x20"))

    assert trunk.newest == Checkpoint(20, "0x20")
    assert trunk.standing_to(0) == 20


@given(st.lists(st.integers(-1, 50), max_size=3 * MOST_CUTS))
def test_a_fact_is_trusted_only_if_no_later_reorg_reached_below_it(cuts: list[int]) -> None:
    trunk = Trunk()
    for above in cuts:
        trunk = trunk.cut_above(None if above < 0 else Checkpoint(above, "0x"))

    assert len(trunk.cuts) <= MOST_CUTS
    for branch in range(len(cuts) + 1):
        truly_to = min(cuts[branch:], default=float("inf"))
        trusted_to = trunk.standing_to(branch)
        assert trusted_to <= truly_to
        if branch >= len(cuts) - MOST_CUTS + 1:
            assert trusted_to == truly_to
