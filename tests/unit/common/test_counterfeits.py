"""Tokens that borrow the symbol of a well-known one are told from it."""

import pytest

from common.chain.types import Address, TokenMetadata
from common.prices.counterfeits import counterfeit_reason, official_symbols, plain_symbol
from common.prices.reading import packaged_feeds

USDC = Address("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48")
SOMEBODY = Address("0x" + "51" * 20)


def _a_token(
    address: Address, symbol: str | None = "FLOW", name: str | None = "Flow"
) -> TokenMetadata:
    return TokenMetadata(address, name, symbol, 18, "ok")


@pytest.mark.parametrize(
    "symbol",
    ["USDC", "usdc", "USD\u0421", "\uff35\uff33\uff24\uff23", "U\u200bSDC", " USDC", "ETH"],
)
def test_a_symbol_of_a_well_known_token_elsewhere_is_counterfeit(symbol: str) -> None:
    officials = official_symbols(packaged_feeds()[1], 1)
    fake = _a_token(SOMEBODY, symbol=symbol)

    reason = counterfeit_reason(fake, officials)

    assert reason is not None
    assert reason.code == "counterfeit_symbol"


def test_the_token_itself_and_other_symbols_are_genuine() -> None:
    officials = official_symbols(packaged_feeds()[1], 1)

    assert counterfeit_reason(_a_token(USDC, symbol="USDC"), officials) is None
    for symbol in ("USDC.e", "aUSDC", "FLOW", "", None):
        assert counterfeit_reason(_a_token(SOMEBODY, symbol=symbol), officials) is None


def test_letters_of_other_scripts_that_look_different_stay_different() -> None:
    assert plain_symbol("\u0416\u042f") == "\u0436\u044f"
    assert plain_symbol("\u03a9") == "\u03c9"


def test_a_name_that_is_a_well_known_symbol_is_counterfeit_too() -> None:
    officials = official_symbols(packaged_feeds()[1], 1)

    reason = counterfeit_reason(_a_token(SOMEBODY, "U", "USD\u0421"), officials)

    assert reason is not None
    assert "its name" in reason.detail
    assert USDC in reason.detail


def test_the_coin_of_a_chain_may_have_a_contract_of_its_own() -> None:
    polygon = official_symbols((), 137)
    [coin] = polygon["pol"]

    assert counterfeit_reason(_a_token(coin, "POL"), polygon) is None
    assert counterfeit_reason(_a_token(SOMEBODY, "POL"), polygon) is not None


BRIDGED = {
    10: "0x7f5c764cbc14f9669b88837ca1490cca17c31607",
    42161: "0xff970a61a04b1ca14834a43f5de4533ebddb5cc8",
}


@pytest.mark.parametrize(("chain_id", "bridged"), BRIDGED.items())
def test_what_came_over_the_bridge_of_a_chain_is_genuine_though_the_issuer_followed(
    chain_id: int, bridged: str
) -> None:
    officials = official_symbols(packaged_feeds()[chain_id], chain_id)

    assert counterfeit_reason(_a_token(Address(bridged), "USDC", "USD Coin"), officials) is None
    fake = counterfeit_reason(_a_token(SOMEBODY, "USDC", "USD Coin"), officials)
    assert fake is not None
    assert bridged in fake.detail
