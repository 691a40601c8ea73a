# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An ERC-721 collection whose owner mints several consecutive tokens at once
@notice Behaviour comes from snekmate; only `mint_many` is added.
"""
from snekmate.auth import ownable
from snekmate.tokens import erc721

initializes: ownable
initializes: erc721[ownable := ownable]
exports: erc721.__interface__

MAX_QUANTITY: constant(uint256) = 50


@deploy
def __init__(name_: String[25], symbol_: String[5], base_uri_: String[80]):
    ownable.__init__()
    erc721.__init__(name_, symbol_, base_uri_, name_, "1")


@external
def mint_many(to: address, quantity: uint256):
    """
    @notice Mints `quantity` tokens with the next free ids to `to`.
    """
    assert erc721.is_minter[msg.sender], "collection: only a minter mints"
    for _: uint256 in range(quantity, bound=MAX_QUANTITY):
        token_id: uint256 = erc721._counter
        erc721._counter = token_id + 1
        erc721._safe_mint(to, token_id, b"")
