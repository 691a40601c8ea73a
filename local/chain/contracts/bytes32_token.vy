# pragma version ~=0.4.3
# SPDX-License-Identifier: MIT
"""
@title A token of the first generation, whose name and symbol are bytes32
@notice Several tokens of 2016 and 2017 answer `name()` and `symbol()` this way.
"""
event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    value: uint256


name: public(immutable(bytes32))
symbol: public(immutable(bytes32))
decimals: public(constant(uint8)) = 18

totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
owner: public(immutable(address))


@deploy
def __init__(name_: bytes32, symbol_: bytes32):
    name = name_
    symbol = symbol_
    owner = msg.sender


@external
def mint(to: address, amount: uint256):
    assert msg.sender == owner, "bytes32_token: only the owner mints"
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log Transfer(sender=empty(address), receiver=to, value=amount)


@external
def transfer(to: address, amount: uint256) -> bool:
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    log Transfer(sender=msg.sender, receiver=to, value=amount)
    return True
