import pytest

from common.chain.types import Address
from wallet_worker.analysis.account import describe_account, native_balance
from wallet_worker.models import Account

DELEGATE = "ab" * 20


@pytest.mark.parametrize(
    ("code", "is_contract", "delegate"),
    [
        ("0x", False, None),
        ("0x6001", True, None),
        ("0xef0100" + DELEGATE, False, "0x" + DELEGATE),
        ("0xef0100" + DELEGATE + "00", True, None),
    ],
)
def test_an_account_is_plain_a_contract_or_delegated(
    wallet: Address, code: str, is_contract: bool, delegate: str | None
) -> None:
    account = describe_account(Account(wallet, 0, 5, code))

    assert (account.is_contract, account.eip7702_delegate) == (is_contract, delegate)
    assert (account.code_hash is None) == (code == "0x")


def test_the_code_hash_is_keccak_256_of_the_code(wallet: Address) -> None:
    account = describe_account(Account(wallet, 0, 1, "0x00"))

    assert account.code_hash == "0x" + (
        "bc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"
    )


def test_the_native_balance_is_exact_and_named_where_the_chain_is_known(wallet: Address) -> None:
    account = Account(wallet, 2**256 - 1, 0, "0x")

    known, unknown = native_balance(account, 1), native_balance(account, 999_999)

    assert (known.symbol, unknown.symbol) == ("ETH", None)
    assert known.balance.replace(".", "") == known.balance_raw == str(2**256 - 1)
