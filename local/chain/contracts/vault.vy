# pragma version ~=0.4.3
# SPDX-License-Identifier: MIT
"""
@title A vault that keeps ERC-721 tokens for their owners
"""
from ethereum.ercs import IERC721

depositor: public(HashMap[address, HashMap[uint256, address]])


@external
def deposit(collection: address, token_id: uint256):
    """
    @notice Takes the caller's token into the vault; the caller must have approved the vault.
    """
    self.depositor[collection][token_id] = msg.sender
    extcall IERC721(collection).transferFrom(msg.sender, self, token_id)


@external
def withdraw(collection: address, token_id: uint256):
    """
    @notice Returns a token to the account that deposited it.
    """
    assert self.depositor[collection][token_id] == msg.sender, "vault: only the depositor withdraws"
    self.depositor[collection][token_id] = empty(address)
    extcall IERC721(collection).transferFrom(self, msg.sender, token_id)
