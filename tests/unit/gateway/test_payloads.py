"""Payloads are validated by their action's contract and stored in one form."""

from typing import Any

import pytest

from common.actions import ACTIONS
from common.addresses import checksum_mismatches
from gateway.payloads import normalize
from gateway.problems import ProblemError

WALLET = ACTIONS["wallet_snapshot"]
ADDRESS = "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6"


@pytest.mark.parametrize("name", list(ACTIONS))
def test_what_is_stored_is_valid_again_and_stays_the_same(name: str) -> None:
    action = ACTIONS[name]
    once = normalize(action, dict(action.example)).stored

    assert normalize(action, once).stored == once
    assert list(checksum_mismatches(once)) == []


def test_addresses_become_lower_case_and_a_wrong_checksum_is_told() -> None:
    payload = normalize(WALLET, {"wallet": ADDRESS})

    assert payload.stored["wallet"] == ADDRESS.lower()
    [warning] = payload.warnings
    assert (warning.code, warning.pointer) == ("CHECKSUM_MISMATCH", "#/payload/wallet")


@pytest.mark.parametrize("address", [ADDRESS.lower(), "0x52908400098527886E0F7030069857D2E4169EE7"])
def test_a_right_or_absent_checksum_gives_no_warning(address: str) -> None:
    assert normalize(WALLET, {"wallet": address}).warnings == []


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({}, "#/payload/wallet"),
        ({"wallet": None}, "#/payload/wallet"),
        ({"wallet": ADDRESS[:-1]}, "#/payload/wallet"),
        ({"wallet": ADDRESS, "chainId": "1"}, "#/payload/chainId"),
        ({"wallet": ADDRESS, "chain_id": 1}, "#/payload/chain_id"),
        ({"wallet": ADDRESS, "chainId": 2**64}, "#/payload"),
        ({"wallet": ADDRESS, "options": {"includeNFTs": 1}}, "#/payload/options/includeNFTs"),
        ({"wallet": ADDRESS, "options": {"include_nfts": True}}, "#/payload/options/include_nfts"),
        ({"wallet": ADDRESS, "\ud800": 1}, "#/payload"),
        ({"wallet": ADDRESS, "a\x00": 1}, "#/payload/a%00"),
    ],
)
def test_what_the_contract_does_not_know_is_refused(payload: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ProblemError) as caught:
        normalize(WALLET, payload)

    assert [error.pointer for error in caught.value.errors] == [pointer]
