"""What the wallet's own state says: plain account, contract or delegated account."""

from eth_utils.crypto import keccak

from common.chain.chains import find_chain
from common.chain.types import Address
from common.chain.units import format_units
from common.results.wallet_snapshot import NativeBalance, WalletAccount
from wallet_worker.models import Account

_DELEGATION_PREFIX = "0xef0100"
_DELEGATION_LENGTH = len(_DELEGATION_PREFIX) + 40

_NATIVE_DECIMALS = 18


def eip7702_delegate(code: str) -> Address | None:
    """Return the contract that an account delegates to, None for any other code.

    Source: EIP-7702: the code of a delegated account is 0xef0100 and 20 bytes of address.
    """
    if len(code) == _DELEGATION_LENGTH and code.startswith(_DELEGATION_PREFIX):
        return Address("0x" + code[len(_DELEGATION_PREFIX) :])
    return None


def is_contract(account: Account) -> bool:
    """Tell whether the account has code of its own: it cannot send transactions then."""
    return account.code != "0x" and eip7702_delegate(account.code) is None


def describe_account(account: Account) -> WalletAccount:
    """Return the account as the result shows it."""
    has_code = account.code != "0x"
    return WalletAccount(
        address=account.address,
        is_contract=is_contract(account),
        code_hash="0x" + keccak(hexstr=account.code).hex() if has_code else None,
        eip7702_delegate=eip7702_delegate(account.code),
        nonce=account.nonce,
    )


def native_balance(account: Account, chain_id: int) -> NativeBalance:
    """Return the balance in the chain's own coin, which has 18 decimals on every EVM chain."""
    chain = find_chain(chain_id)
    return NativeBalance(
        symbol=chain.symbol if chain else None,
        decimals=_NATIVE_DECIMALS,
        balance_raw=str(account.balance_wei),
        balance=format_units(account.balance_wei, _NATIVE_DECIMALS) or "0",
    )
