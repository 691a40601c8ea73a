"""Creates transactions that move native currency and ERC-20 tokens, with their movements."""

from local_chain.addresses import CREATOR, WETH
from local_chain.contracts import load_contract
from local_chain.plan import NATIVE, ZERO_ADDRESS, Event, Movement, Pattern, Transaction

UNLIMITED = 2**256 - 1


def send_native(sender: str, receiver: str, wei: int) -> Transaction:
    """Send native currency from one account to another."""
    return Transaction(
        sender, receiver, value=wei, movements=(native_movement(sender, receiver, wei),)
    )


def mint_coins(token: str, receiver: str, amount: int) -> Transaction:
    """Mint an ERC-20 amount; the creator of every token is its minter."""
    data = load_contract("token").encode_call("mint", receiver, amount)
    return Transaction(
        CREATOR, token, data, movements=(coin_movement(token, ZERO_ADDRESS, receiver, amount),)
    )


def burn_coins(token: str, holder: str, amount: int) -> Transaction:
    """Burn an ERC-20 amount of the sender's own."""
    data = load_contract("token").encode_call("burn", amount)
    return Transaction(
        holder, token, data, movements=(coin_movement(token, holder, ZERO_ADDRESS, amount),)
    )


def transfer_coins(
    token: str, sender: str, receiver: str, amount: int, *, pattern: Pattern | None = None
) -> Transaction:
    """Transfer an ERC-20 amount."""
    data = load_contract("token").encode_call("transfer", receiver, amount)
    movements = (coin_movement(token, sender, receiver, amount),)
    return Transaction(sender, token, data, movements=movements, pattern=pattern)


def forge_zero_transfer(token: str, attacker: str, victim: str, receiver: str) -> Transaction:
    """Log a zero-value transfer out of a victim's wallet, which needs no allowance."""
    data = load_contract("token").encode_call("transferFrom", victim, receiver, 0)
    movements = (coin_movement(token, victim, receiver, 0),)
    return Transaction(attacker, token, data, movements=movements, pattern=Pattern.POISONING)


def wrap(holder: str, wei: int) -> Transaction:
    """Turn native currency into WETH, which logs Deposit and no Transfer."""
    data = load_contract("wrapped_native").encode_call("deposit")
    wrapped = Movement(WETH, ZERO_ADDRESS, holder, wei, Event.DEPOSIT)
    return Transaction(
        holder, WETH, data, wei, movements=(native_movement(holder, WETH, wei), wrapped)
    )


def unwrap(holder: str, wei: int) -> Transaction:
    """Turn WETH back into native currency, which logs Withdrawal and no Transfer."""
    data = load_contract("wrapped_native").encode_call("withdraw", wei)
    unwrapped = Movement(WETH, holder, ZERO_ADDRESS, wei, Event.WITHDRAWAL)
    return Transaction(
        holder, WETH, data, movements=(unwrapped, native_movement(WETH, holder, wei))
    )


def approve_coins(token: str, owner: str, spender: str) -> Transaction:
    """Let a spender move any amount of the owner's ERC-20 tokens."""
    data = load_contract("token").encode_call("approve", spender, UNLIMITED)
    return Transaction(owner, token, data)


def native_movement(sender: str, receiver: str, wei: int) -> Movement:
    """Native currency changes hands, which no log shows."""
    return Movement(NATIVE, sender, receiver, wei, Event.NONE)


def coin_movement(token: str, sender: str, receiver: str, amount: int) -> Movement:
    """An ERC-20 amount changes hands."""
    return Movement(token, sender, receiver, amount, Event.TRANSFER)
