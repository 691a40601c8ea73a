from hypothesis import given
from hypothesis import strategies as st

from local_chain.addresses import CONTRACTS, FLOW, WALLET, look_alike

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())


def test_the_addresses_of_the_example_bodies_are_used_word_for_word() -> None:
    assert FLOW == "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7"
    assert "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6".lower() == WALLET


def test_no_two_contracts_share_an_address_and_all_are_lower_case() -> None:
    assert len(set(CONTRACTS.values())) == len(CONTRACTS)
    assert all(address == address.lower() and len(address) == 42 for address in CONTRACTS.values())


@given(addresses)
def test_a_look_alike_shares_the_first_and_last_four_digits_and_differs(address: str) -> None:
    imitation = look_alike(address)

    assert len(imitation) == 42
    assert (imitation[:6], imitation[-4:]) == (address[:6], address[-4:])
    assert imitation != address
