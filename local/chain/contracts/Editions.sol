// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title An ERC-1155 collection of editions, with a name and a symbol as most collections have them
contract Editions is ERC1155, Ownable {
    string public name;
    string public symbol;

    constructor(string memory name_, string memory symbol_, string memory uri_)
        ERC1155(uri_)
        Ownable(msg.sender)
    {
        name = name_;
        symbol = symbol_;
    }

    function mint(address to, uint256 id, uint256 quantity) external onlyOwner {
        _mint(to, id, quantity, "");
    }

    function mintBatch(address to, uint256[] calldata ids, uint256[] calldata quantities)
        external
        onlyOwner
    {
        _mintBatch(to, ids, quantities, "");
    }
}
