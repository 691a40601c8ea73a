// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title A vault that keeps ERC-721 tokens for their owners
contract Vault {
    mapping(IERC721 collection => mapping(uint256 tokenId => address)) public depositor;

    error NotDepositor(address caller);

    /// @notice Takes the caller's token into the vault; the caller must have approved the vault.
    function deposit(IERC721 collection, uint256 tokenId) external {
        depositor[collection][tokenId] = msg.sender;
        collection.transferFrom(msg.sender, address(this), tokenId);
    }

    /// @notice Returns a token to the account that deposited it.
    function withdraw(IERC721 collection, uint256 tokenId) external {
        require(depositor[collection][tokenId] == msg.sender, NotDepositor(msg.sender));
        delete depositor[collection][tokenId];
        collection.transferFrom(address(this), msg.sender, tokenId);
    }
}
