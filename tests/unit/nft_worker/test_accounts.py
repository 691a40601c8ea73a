"""Smart-contract wallets act for their owners; other contracts do not."""

import pytest
from eth_abi.abi import encode

from common.chain.types import CallResult
from nft_worker.analysis.code import is_safe_proxy
from nft_worker.analysis.smart_wallets import ENTRY_POINTS, is_smart_wallet

OWNERS = encode(["address[]"], [["0x" + "01" * 20, "0x" + "02" * 20]]).hex()
REVERTED = CallResult(False, "0x")


def answer(digits: str | None) -> CallResult:
    return REVERTED if digits is None else CallResult(True, "0x" + digits)


def word(number: int) -> str:
    return f"{number:064x}"


@pytest.mark.parametrize(
    ("owners", "threshold", "entry_point", "expected"),
    [
        (OWNERS, word(2), None, True),
        (None, None, word(int(min(ENTRY_POINTS), 16)), True),
        (None, None, None, False),
        (OWNERS, None, None, False),
        (OWNERS, word(3), None, False),
        (OWNERS, word(0), None, False),
        (None, None, word(7), False),
        ("", "", "", False),
    ],
)
def test_a_contract_with_owners_or_an_entry_point_is_a_wallet(
    owners: str | None, threshold: str | None, entry_point: str | None, expected: bool
) -> None:
    assert is_smart_wallet(answer(owners), answer(threshold), answer(entry_point)) is expected


@pytest.mark.parametrize("digits", [word(1), word(32), word(32) + word(1), "00" * 31, OWNERS])
def test_a_fallback_that_answers_everything_alike_is_no_wallet(digits: str) -> None:
    assert not is_smart_wallet(answer(digits), answer(digits), answer(digits))


def test_a_safe_is_known_by_the_code_of_its_proxy() -> None:
    proxy = "0x608060405273" + "f" * 40 + "600054167fa619486e" + "0" * 56 + "600035141560505780"

    assert is_safe_proxy(proxy)
    assert not is_safe_proxy("0x363d3d373d3d3d363d73" + "ab" * 20 + "5af4")
