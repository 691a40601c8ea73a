# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An ERC-1155 collection of editions
@notice Behaviour comes from snekmate; a name and a symbol are added, as most collections have them.
"""
from snekmate.auth import ownable
from snekmate.tokens import erc1155

initializes: ownable
initializes: erc1155[ownable := ownable]
exports: erc1155.__interface__

name: public(immutable(String[25]))
symbol: public(immutable(String[5]))


@deploy
def __init__(name_: String[25], symbol_: String[5], base_uri_: String[80]):
    ownable.__init__()
    erc1155.__init__(base_uri_)
    name = name_
    symbol = symbol_
