"""Creates transactions that move and sell ERC-721 and ERC-1155 tokens, with their movements."""

from collections.abc import Sequence

from local_chain.addresses import COLLECTION, CREATOR, EDITIONS, MARKETPLACE, VAULT, WETH
from local_chain.coin_actions import coin_movement, native_movement
from local_chain.contracts import load_contract
from local_chain.plan import (
    NATIVE,
    ZERO_ADDRESS,
    Event,
    Movement,
    Pattern,
    SaleTerms,
    Transaction,
)


def approve_nfts(collection: str, owner: str, operator: str) -> Transaction:
    """Let an operator move all of the owner's tokens of a collection (ERC-721 or ERC-1155)."""
    data = load_contract("collection").encode_call("setApprovalForAll", operator, True)
    return Transaction(owner, collection, data)


def mint_nfts(receiver: str, token_ids: range, *, pattern: Pattern | None = None) -> Transaction:
    """Mint the next free ids of the ERC-721 collection in one transaction."""
    data = load_contract("collection").encode_call("mintMany", receiver, len(token_ids))
    movements = tuple(_nft(ZERO_ADDRESS, receiver, token_id) for token_id in token_ids)
    gas = 200_000 + 200_000 * len(token_ids)
    return Transaction(CREATOR, COLLECTION, data, gas=gas, movements=movements, pattern=pattern)


def burn_nft(owner: str, token_id: int) -> Transaction:
    """Burn an ERC-721 token of the sender's own."""
    data = load_contract("collection").encode_call("burn", token_id)
    return Transaction(owner, COLLECTION, data, movements=(_nft(owner, ZERO_ADDRESS, token_id),))


def transfer_nft(sender: str, receiver: str, token_id: int) -> Transaction:
    """Give an ERC-721 token away."""
    data = load_contract("collection").encode_call("transferFrom", sender, receiver, token_id)
    return Transaction(sender, COLLECTION, data, movements=(_nft(sender, receiver, token_id),))


def buy_nft(
    buyer: str, seller: str, token_id: int, price_wei: int, *, pattern: Pattern | None = None
) -> Transaction:
    """Sell an ERC-721 token for the native value that the buyer sends along."""
    data = load_contract("marketplace").encode_call("buy", COLLECTION, token_id, seller)
    return Transaction(
        buyer,
        MARKETPLACE,
        data,
        price_wei,
        movements=(_nft(seller, buyer, token_id), native_movement(buyer, seller, price_wei)),
        sale=SaleTerms(seller, buyer, token_id, 1, NATIVE, price_wei),
        pattern=pattern,
    )


def accept_bid(
    seller: str, buyer: str, token_id: int, price_wei: int, *, pattern: Pattern | None = None
) -> Transaction:
    """Sell an ERC-721 token for WETH that the marketplace takes from the buyer."""
    data = load_contract("marketplace").encode_call(
        "acceptBid", COLLECTION, token_id, buyer, price_wei
    )
    return Transaction(
        seller,
        MARKETPLACE,
        data,
        movements=(coin_movement(WETH, buyer, seller, price_wei), _nft(seller, buyer, token_id)),
        sale=SaleTerms(seller, buyer, token_id, 1, WETH, price_wei),
        pattern=pattern,
    )


def deposit_in_vault(owner: str, token_id: int) -> Transaction:
    """Put an ERC-721 token into the vault contract."""
    data = load_contract("vault").encode_call("deposit", COLLECTION, token_id)
    movements = (_nft(owner, VAULT, token_id),)
    return Transaction(owner, VAULT, data, movements=movements, pattern=Pattern.VAULT_VISIT)


def withdraw_from_vault(owner: str, token_id: int) -> Transaction:
    """Take an ERC-721 token back out of the vault contract."""
    data = load_contract("vault").encode_call("withdraw", COLLECTION, token_id)
    movements = (_nft(VAULT, owner, token_id),)
    return Transaction(owner, VAULT, data, movements=movements, pattern=Pattern.VAULT_VISIT)


def mint_edition(receiver: str, token_id: int, quantity: int) -> Transaction:
    """Mint one ERC-1155 token type (TransferSingle)."""
    data = load_contract("editions").encode_call("mint", receiver, token_id, quantity)
    movements = _editions(ZERO_ADDRESS, receiver, [(token_id, quantity)], Event.TRANSFER_SINGLE)
    return Transaction(CREATOR, EDITIONS, data, movements=movements)


def mint_editions(receiver: str, items: Sequence[tuple[int, int]]) -> Transaction:
    """Mint several (token id, quantity) of ERC-1155 at once (TransferBatch)."""
    ids, quantities = [item[0] for item in items], [item[1] for item in items]
    data = load_contract("editions").encode_call("mintBatch", receiver, ids, quantities)
    movements = _editions(ZERO_ADDRESS, receiver, items, Event.TRANSFER_BATCH)
    return Transaction(CREATOR, EDITIONS, data, gas=1_000_000, movements=movements)


def transfer_edition(sender: str, receiver: str, token_id: int, quantity: int) -> Transaction:
    """Transfer one ERC-1155 token type (TransferSingle)."""
    data = load_contract("editions").encode_call(
        "safeTransferFrom", sender, receiver, token_id, quantity, b""
    )
    movements = _editions(sender, receiver, [(token_id, quantity)], Event.TRANSFER_SINGLE)
    return Transaction(sender, EDITIONS, data, movements=movements)


def transfer_editions(sender: str, receiver: str, items: Sequence[tuple[int, int]]) -> Transaction:
    """Transfer several (token id, quantity) of ERC-1155 at once; an id may occur repeatedly."""
    ids, quantities = [item[0] for item in items], [item[1] for item in items]
    data = load_contract("editions").encode_call(
        "safeBatchTransferFrom", sender, receiver, ids, quantities, b""
    )
    movements = _editions(sender, receiver, items, Event.TRANSFER_BATCH)
    return Transaction(sender, EDITIONS, data, gas=1_000_000, movements=movements)


def buy_edition(
    buyer: str, seller: str, token_id: int, quantity: int, price_wei: int
) -> Transaction:
    """Sell a quantity of an ERC-1155 token for the native value that the buyer sends along."""
    data = load_contract("marketplace").encode_call(
        "buyEdition", EDITIONS, token_id, quantity, seller
    )
    goods = _editions(seller, buyer, [(token_id, quantity)], Event.TRANSFER_SINGLE)
    return Transaction(
        buyer,
        MARKETPLACE,
        data,
        price_wei,
        movements=(*goods, native_movement(buyer, seller, price_wei)),
        sale=SaleTerms(seller, buyer, token_id, quantity, NATIVE, price_wei),
    )


def _nft(sender: str, receiver: str, token_id: int) -> Movement:
    return Movement(COLLECTION, sender, receiver, 1, Event.TRANSFER, token_id)


def _editions(
    sender: str, receiver: str, items: Sequence[tuple[int, int]], event: Event
) -> tuple[Movement, ...]:
    return tuple(
        Movement(EDITIONS, sender, receiver, quantity, event, token_id)
        for token_id, quantity in items
    )
