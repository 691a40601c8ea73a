# pragma version ~=0.4.3
# SPDX-License-Identifier: MIT
"""
@title Settlement of NFT sales between two parties who agreed on a price elsewhere
@notice Two shapes: the buyer pays in native currency sent with the transaction, or the seller
        accepts a bid that is paid in wrapped native currency. The contract keeps no order book,
        emits no event of its own, and is for a development chain only: a price is not checked.
"""
from ethereum.ercs import IERC20
from ethereum.ercs import IERC721

interface IEditions:
    def safeTransferFrom(
        owner: address, to: address, id: uint256, amount: uint256, data: Bytes[1024]
    ): nonpayable


wrapped_native: public(immutable(IERC20))


@deploy
def __init__(wrapped_native_: address):
    wrapped_native = IERC20(wrapped_native_)


@external
@payable
def buy(collection: address, token_id: uint256, seller: address):
    """
    @notice Moves an ERC-721 token from `seller` to the caller for the value sent.
    """
    extcall IERC721(collection).transferFrom(seller, msg.sender, token_id)
    send(seller, msg.value)


@external
@payable
def buy_edition(collection: address, token_id: uint256, quantity: uint256, seller: address):
    """
    @notice Moves `quantity` of an ERC-1155 token from `seller` to the caller for the value sent.
    """
    extcall IEditions(collection).safeTransferFrom(seller, msg.sender, token_id, quantity, b"")
    send(seller, msg.value)


@external
def accept_bid(collection: address, token_id: uint256, buyer: address, price: uint256):
    """
    @notice Moves the caller's ERC-721 token to `buyer`, who pays `price` in wrapped native.
    """
    extcall wrapped_native.transferFrom(buyer, msg.sender, price)
    extcall IERC721(collection).transferFrom(msg.sender, buyer, token_id)
