// SPDX-License-Identifier: MIT
pragma solidity ^0.8.27;

/// @title A token of the first generation, whose name and symbol are bytes32
/// @notice Several tokens of 2016 and 2017 answer `name()` and `symbol()` this way.
contract Bytes32Token {
    uint8 public constant decimals = 18;
    bytes32 public immutable name;
    bytes32 public immutable symbol;
    address public immutable owner;

    uint256 public totalSupply;
    mapping(address holder => uint256) public balanceOf;

    event Transfer(address indexed sender, address indexed receiver, uint256 value);

    error NotOwner(address caller);

    constructor(bytes32 name_, bytes32 symbol_) {
        name = name_;
        symbol = symbol_;
        owner = msg.sender;
    }

    function mint(address to, uint256 amount) external {
        require(msg.sender == owner, NotOwner(msg.sender));
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
        emit Transfer(msg.sender, to, amount);
        return true;
    }
}
