from collections.abc import Callable

import pytest

from common.chain.types import Address, TokenMetadata
from common.results.wallet_snapshot import TokenHolding
from wallet_worker.analysis.ledger import TokenLedger
from wallet_worker.analysis.spam import name_suspicions
from wallet_worker.analysis.tokens import is_held, token_holdings

BuildMetadata = Callable[..., TokenMetadata]
UINT256_MAX = 2**256 - 1


def holding(
    metadata: TokenMetadata, balance: int | None, received: int = 0, sent: int = 0
) -> TokenHolding:
    ledger = TokenLedger(metadata.address, 3, 9, received=received, sent=sent, count=2)
    [found] = token_holdings(
        {ledger.contract: ledger},
        {ledger.contract: balance},
        {ledger.contract: 9},
        {ledger.contract: metadata},
        {9: 108},
        {},
        spam_score=0.5,
    )
    return found


def test_the_largest_integer_survives_exactly(token: Address, metadata_of: BuildMetadata) -> None:
    found = holding(metadata_of(token), UINT256_MAX, received=UINT256_MAX)

    restored = TokenHolding.model_validate_json(found.model_dump_json(by_alias=True))

    assert restored.balance_raw == str(UINT256_MAX)
    assert restored.balance is not None
    assert restored.balance.replace(".", "") == str(UINT256_MAX)
    assert restored.unexplained_raw == "0"


@pytest.mark.parametrize("status", ["missing", "invalid"])
def test_without_decimals_the_raw_amount_stays_and_the_amount_is_unknown(
    token: Address, metadata_of: BuildMetadata, status: str
) -> None:
    found = holding(metadata_of(token, decimals=None, status=status), 12345, received=12345)

    assert (found.balance_raw, found.balance, found.decimals) == ("12345", None, None)
    assert found.metadata_status == status


def test_a_token_that_does_not_answer_is_never_shown_as_zero(
    token: Address, metadata_of: BuildMetadata
) -> None:
    found = holding(metadata_of(token), None, received=500)

    assert (found.balance_raw, found.balance, found.unexplained_raw) == (None, None, None)
    assert is_held(found)
    assert [reason.code for reason in found.spam.reasons] == ["balance_unanswered"]


def test_a_token_that_logs_what_it_does_not_credit_is_marked(
    token: Address, metadata_of: BuildMetadata
) -> None:
    found = holding(metadata_of(token), 0, received=1000)

    assert not is_held(found)
    assert found.unexplained_raw == "-1000"
    assert found.spam.is_spam
    assert [reason.code for reason in found.spam.reasons] == ["phony_transfers"]


def test_a_fee_on_transfer_or_a_rebase_is_unexplained_but_no_spam(
    token: Address, metadata_of: BuildMetadata
) -> None:
    fee = holding(metadata_of(token), 970, received=1000)
    rebase = holding(metadata_of(token), 1100, received=1000)

    assert (fee.unexplained_raw, rebase.unexplained_raw) == ("-30", "100")
    assert not fee.spam.is_spam
    assert not rebase.spam.is_spam


def test_a_token_held_once_and_gone_is_told_from_one_that_is_held(
    token: Address, metadata_of: BuildMetadata
) -> None:
    gone = holding(metadata_of(token), 0, received=10, sent=10)

    assert not is_held(gone)
    assert (gone.received_raw, gone.sent_raw, gone.spam.is_spam) == ("10", "10", False)
    assert is_held(holding(metadata_of(token), 1, received=1))


def test_spam_comes_last_and_the_most_recently_moved_first(metadata_of: BuildMetadata) -> None:
    old, new, spam = (Address("0x" + digit * 40) for digit in "abc")
    ledgers = {
        contract: TokenLedger(contract, 1, block, received=5, count=1)
        for contract, block in ((old, 2), (spam, 9), (new, 8))
    }
    metadata = {
        old: metadata_of(old),
        new: metadata_of(new),
        spam: metadata_of(spam, name="visit free.example.com"),
    }

    suspicions = {contract: name_suspicions(each) for contract, each in metadata.items()}

    holdings = token_holdings(
        ledgers,
        dict.fromkeys(ledgers, 5),
        dict.fromkeys(ledgers, 9),
        metadata,
        {2: 24, 8: 96, 9: 108},
        suspicions,
        0.5,
    )

    assert [each.contract_address for each in holdings] == [new, old, spam]
