"""The list of chains: facts that results and readers rely on."""

import pytest

from common.chain.chains import MULTICALL3, confirmations, find_chain, multicall3_address


@pytest.mark.parametrize(
    ("chain_id", "symbol"),
    [(1, "ETH"), (10, "ETH"), (56, "BNB"), (100, "XDAI"), (137, "POL"), (43114, "AVAX")],
)
def test_well_known_chains_have_their_coin_and_explorer(chain_id: int, symbol: str) -> None:
    chain = find_chain(chain_id)
    assert chain is not None
    assert (chain.symbol, chain.decimals, chain.is_testnet) == (symbol, 18, False)
    assert chain.explorer_url is not None
    assert chain.explorer_url.startswith("https://")
    assert not chain.explorer_url.endswith("/")


def test_the_local_chain_is_known() -> None:
    chain = find_chain(31_337)
    assert chain is not None
    assert chain.symbol == "ETH"


def test_any_other_chain_is_no_mistake() -> None:
    assert find_chain(987_654_321) is None
    assert confirmations(987_654_321) == 30
    assert multicall3_address(987_654_321) == MULTICALL3


def test_chains_differ_in_confirmations_and_in_the_place_of_multicall3() -> None:
    assert (confirmations(1), confirmations(137)) == (65, 200)
    assert multicall3_address(1) == MULTICALL3
    assert multicall3_address(324) == "0xf9cda624fbc7e059355ce98a31693d299facd963"
