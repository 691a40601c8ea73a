from wallet_worker.checkpoints import MOST_CHECKPOINTS, Checkpoint, thinned


def test_few_checkpoints_are_all_kept() -> None:
    checkpoints = [Checkpoint(number, "0x") for number in range(MOST_CHECKPOINTS)]

    assert thinned(checkpoints) == checkpoints


def test_of_many_the_newest_stay_dense_and_the_old_ones_far_apart() -> None:
    checkpoints: list[Checkpoint] = []
    for number in range(10_000):
        checkpoints = thinned([*checkpoints, Checkpoint(number, "0x")])
        assert len(checkpoints) <= MOST_CHECKPOINTS
        assert checkpoints[-1].number == number
        assert checkpoints == sorted(checkpoints, key=lambda each: each.number)

    assert [each.number for each in checkpoints[-16:]] == list(range(9_984, 10_000))
    assert checkpoints[0].number == 0
