// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title Settlement of NFT sales between two parties who agreed on a price elsewhere
/// @notice Two shapes: the buyer pays in native currency sent with the transaction, or the seller
///         accepts a bid that is paid in wrapped native currency. The contract keeps no order book,
///         emits no event of its own, and is for a development chain only: a price is not checked.
contract Marketplace {
    IERC20 public immutable wrappedNative;

    constructor(IERC20 wrappedNative_) {
        wrappedNative = wrappedNative_;
    }

    /// @notice Moves an ERC-721 token from `seller` to the caller for the value sent.
    function buy(IERC721 collection, uint256 tokenId, address payable seller) external payable {
        collection.transferFrom(seller, msg.sender, tokenId);
        Address.sendValue(seller, msg.value);
    }

    /// @notice Moves `quantity` of an ERC-1155 token from `seller` to the caller for the value sent.
    function buyEdition(IERC1155 editions, uint256 id, uint256 quantity, address payable seller)
        external
        payable
    {
        editions.safeTransferFrom(seller, msg.sender, id, quantity, "");
        Address.sendValue(seller, msg.value);
    }

    /// @notice Moves the caller's ERC-721 token to `buyer`, who pays `price` in wrapped native.
    function acceptBid(IERC721 collection, uint256 tokenId, address buyer, uint256 price) external {
        SafeERC20.safeTransferFrom(wrappedNative, buyer, msg.sender, price);
        collection.transferFrom(msg.sender, buyer, tokenId);
    }
}
