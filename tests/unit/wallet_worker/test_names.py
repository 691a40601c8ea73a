import pytest
from pydantic import ValidationError

from common.actions.wallet_snapshot import WalletSnapshotPayload
from wallet_worker.ens import name_hash


def test_the_hash_of_a_name_is_that_of_the_standard() -> None:
    assert name_hash("eth").hex() == (
        "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae"
    )
    assert name_hash("foo.eth").hex() == (
        "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f"
    )


@pytest.mark.parametrize("name", ["Vitalik.eth", "a.b-c.eth", "_dns.example.xyz"])
def test_a_name_is_kept_in_lower_case(name: str) -> None:
    assert WalletSnapshotPayload(wallet=name).wallet == name.lower()


@pytest.mark.parametrize(
    "name", ["eth", "v\u0456talik.eth", "a b.eth", ".eth", "x..eth", "-a.eth", "0x12", ""]
)
def test_what_is_neither_address_nor_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="or an ENS name of ASCII letters"):
        WalletSnapshotPayload(wallet=name)
