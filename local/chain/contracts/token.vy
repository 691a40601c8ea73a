# pragma version ~=0.4.3
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title An ERC-20 token whose owner mints and whose holders burn
@notice Behaviour comes from snekmate; name, symbol and decimals are constructor arguments.
"""
from snekmate.auth import ownable
from snekmate.tokens import erc20

initializes: ownable
initializes: erc20[ownable := ownable]
exports: erc20.__interface__


@deploy
def __init__(name_: String[25], symbol_: String[5], decimals_: uint8):
    ownable.__init__()
    erc20.__init__(name_, symbol_, decimals_, name_, "1")
