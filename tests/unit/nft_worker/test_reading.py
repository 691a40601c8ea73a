"""The pure parts of reading: whole blocks, and what code tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nft_worker.analysis.code import delegates_to_implementation, is_contract
from nft_worker.window_reader import newest_whole_blocks


@given(st.lists(st.integers(0, 12), max_size=40), st.integers(1, 20))
def test_the_newest_logs_are_enough_and_no_block_is_cut(blocks: list[int], limit: int) -> None:
    newest_first = sorted(blocks, reverse=True)
    places = [(number, f"0x{index}", 1) for index, number in enumerate(newest_first)]

    start, held = newest_whole_blocks(places, limit)

    kept = [number for number in newest_first if start is None or number >= start]
    assert held == len(kept) >= min(limit, len(blocks))
    assert sum(number > kept[-1] for number in kept) < limit if kept else not blocks


@pytest.mark.parametrize(
    ("code", "expected"),
    [("0x", False), ("0x6080", True), ("0xef0100" + "ab" * 20, False)],
)
def test_a_delegated_account_stays_a_wallet(code: str, expected: bool) -> None:
    assert is_contract(code) is expected


def test_proxies_are_known_by_their_code() -> None:
    slot = "360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"

    assert delegates_to_implementation("0x6080604052" + slot + "54")
    assert delegates_to_implementation("0x363d3d373d3d3d363d73" + "ab" * 20 + "5af4")
    assert not delegates_to_implementation("0x60806040")
