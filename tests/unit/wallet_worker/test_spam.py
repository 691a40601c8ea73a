from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.chain.types import Address, TokenMetadata
from common.results.envelope import Reason
from wallet_worker.analysis.spam import name_suspicions, poisoning_suspicions, spam_mark
from wallet_worker.models import Movement


@pytest.mark.parametrize(
    "name",
    [
        "https://flow-airdrop.net",
        "www.flow-drop.example",
        "Visit flow.example to get 1,000 FLOW",
        "! CLAIM NOW",
        "You are invited",
        "$5000.gift",
        "flowdrop.io",
        "flow-xyz",
        "ｃｌａｉｍ ｎｏｗ",  # noqa: RUF001 - full-width letters are the point
        "cla\u200bim now",
    ],
)
def test_a_name_that_advertises_is_a_suspicion(
    token: Address, metadata_of: Callable[..., TokenMetadata], name: str
) -> None:
    by_name = name_suspicions(metadata_of(token, name=name))
    by_symbol = name_suspicions(metadata_of(token, symbol=name))

    assert [reason.code for reason, _ in by_name] == ["advertising_name"]
    assert len(by_symbol) == 1


@pytest.mark.parametrize(
    "name",
    [
        "Flow Token",
        "USD Coin",
        "Compound USD Coin",
        "Wrapped liquid staked Ether 2.0",
        "yearn.finance",
        "Reclaim Protocol",
        "$PEPE",
        "",
        None,
    ],
)
def test_an_ordinary_name_is_none(
    token: Address, metadata_of: Callable[..., TokenMetadata], name: str | None
) -> None:
    assert name_suspicions(metadata_of(token, name=name)) == []


@given(st.lists(st.floats(0, 1)))
def test_a_score_is_a_probability_that_more_evidence_never_lowers(weights: list[float]) -> None:
    reason = Reason(code="any", detail="any")
    suspicions = [(reason, weight) for weight in weights]

    score = spam_mark(suspicions, 0.5).score

    assert 0 <= score <= 1
    assert spam_mark([*suspicions, (reason, 0.3)], 0.5).score >= score
    assert spam_mark(list(reversed(suspicions)), 0.5).score == pytest.approx(score, abs=1e-4)


def test_no_reason_is_no_spam_and_the_cut_is_inclusive() -> None:
    reason = Reason(code="any", detail="any")

    assert not spam_mark([], 0.5).is_spam
    assert spam_mark([(reason, 0.5)], 0.5).is_spam
    assert not spam_mark([(reason, 0.5)], 0.6).is_spam


def test_a_token_known_only_from_suspect_transfers_is_suspected(
    token: Address, a_movement: Callable[..., Movement]
) -> None:
    other = Address("0x" + "b" * 40)
    bait = a_movement(amount=0)
    honest = a_movement(contract=other, block_number=11)
    also_used = a_movement(contract=other, amount=0, block_number=12)
    reasons = (Reason(code="any", detail="any"),)

    suspicions = poisoning_suspicions(
        [bait, honest, also_used], {bait.position: reasons, also_used.position: reasons}
    )

    assert list(suspicions) == [token]
