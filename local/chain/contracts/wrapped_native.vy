# pragma version ~=0.4.3
# SPDX-License-Identifier: MIT
"""
@title Wrapped native currency with the events of WETH9
@notice Wrapping and unwrapping emit Deposit and Withdrawal and no Transfer.
"""
from ethereum.ercs import IERC20

implements: IERC20

event Deposit:
    dst: indexed(address)
    wad: uint256


event Withdrawal:
    src: indexed(address)
    wad: uint256


name: public(constant(String[13])) = "Wrapped Ether"
symbol: public(constant(String[4])) = "WETH"
decimals: public(constant(uint8)) = 18

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@external
@payable
def __default__():
    self._deposit(msg.sender, msg.value)


@external
@payable
def deposit():
    self._deposit(msg.sender, msg.value)


@external
def withdraw(wad: uint256):
    self.balanceOf[msg.sender] -= wad
    log Withdrawal(src=msg.sender, wad=wad)
    send(msg.sender, wad)


@external
@view
def totalSupply() -> uint256:
    return self.balance


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    if owner != msg.sender and self.allowance[owner][msg.sender] != max_value(uint256):
        self.allowance[owner][msg.sender] -= amount
    self._transfer(owner, to, amount)
    return True


@internal
def _deposit(to: address, amount: uint256):
    self.balanceOf[to] += amount
    log Deposit(dst=to, wad=amount)


@internal
def _transfer(owner: address, to: address, amount: uint256):
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)
