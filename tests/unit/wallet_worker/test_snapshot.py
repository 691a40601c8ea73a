import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from common.actions.wallet_snapshot import (
    WalletSnapshot,
    WalletSnapshotOptions,
    WalletSnapshotPayload,
    WalletThresholds,
)
from common.chain.transfers import WrapEvent
from common.chain.types import Address, Transaction
from common.results.envelope import Reason
from common.results.wallet_snapshot import LIST_CAP
from wallet_worker.analysis.snapshot import compose_snapshot
from wallet_worker.models import Movement, WalletReading

BuildMovement = Callable[..., Movement]
BuildReading = Callable[..., WalletReading]

LISTS = {
    "tokens": ("tokens", "past_tokens"),
    "nfts": ("nfts", "disputed_nfts", "nft_collections"),
    "activity": ("transactions", "token_transfers", "wraps", "counterparties"),
}


def snapshot(reading: WalletReading, **options: Any) -> WalletSnapshot:
    chosen = WalletSnapshotOptions(**options)
    return compose_snapshot(reading, chosen, WalletThresholds()).result


@pytest.fixture
def busy_reading(
    wallet: Address,
    a_movement: BuildMovement,
    a_wrap: Callable[..., WrapEvent],
    a_transaction: Callable[..., Transaction],
    a_reading: BuildReading,
) -> WalletReading:
    nfts = Address("0x" + "dd" * 20)
    movements = [
        a_movement(block_number=1),
        a_movement(block_number=2, contract=nfts, standard="erc721", token_id=5, amount=1),
    ]
    return a_reading(
        movements,
        wraps=[a_wrap(block_number=3, contract=Address("0x" + "cc" * 20))],
        transactions=[a_transaction(each) for each in movements],
    )


@pytest.mark.parametrize(
    ("switched_off", "part"),
    [
        ("include_token_balances", "tokens"),
        ("include_nfts", "nfts"),
        ("include_transactions", "activity"),
    ],
)
def test_each_option_switches_off_its_part_and_no_other(
    busy_reading: WalletReading, switched_off: str, part: str
) -> None:
    result = snapshot(busy_reading, **{switched_off: False})

    for name, fields in LISTS.items():
        for field in fields:
            assert (getattr(result, field) is None) == (name == part), field


def test_what_was_found_is_counted(busy_reading: WalletReading) -> None:
    report = compose_snapshot(busy_reading, WalletSnapshotOptions(), WalletThresholds())
    totals = report.result.totals

    assert (totals.tokens_held, totals.nfts_held, totals.token_transfers) == (2, 1, 2)
    assert report.result.wraps_total == 1
    assert report.result.completeness.status == "complete"
    assert report.summary["tokensHeld"] == 2
    assert report.summary["nativeBalance"] == "1"
    assert len(json.dumps(dict(report.summary))) <= 1000


def test_an_endpoint_that_cannot_search_gives_a_partial_result_and_no_zero(
    a_reading: BuildReading,
) -> None:
    reason = Reason(code="discovery_refused", detail="please specify an address")

    result = snapshot(a_reading(history=None, obstacle=reason))

    assert (result.completeness.status, result.completeness.reasons) == ("partial", [reason])
    assert result.native.balance_raw == str(10**18)
    for fields in LISTS.values():
        assert all(getattr(result, field) is None for field in fields)
    assert set(result.totals.model_dump().values()) == {None}
    assert result.window.from_block == result.window.to_block


def test_a_wallet_without_any_history_has_empty_lists_not_nulls(a_reading: BuildReading) -> None:
    result = snapshot(a_reading())

    assert (result.tokens, result.nfts, result.token_transfers) == ([], [], [])
    assert result.totals.tokens_held == 0
    assert (result.window.from_block, result.window.to_block) == (0, 10_000)


def test_long_lists_are_cut_and_counted(a_movement: BuildMovement, a_reading: BuildReading) -> None:
    movements = [
        a_movement(contract=Address(f"0x{number:040x}"), block_number=number)
        for number in range(1, LIST_CAP + 8)
    ]

    result = snapshot(a_reading(movements))

    assert len(result.tokens or []) == len(result.token_transfers or []) == LIST_CAP
    assert result.tokens_total == result.token_transfers_total == LIST_CAP + 7
    assert result.totals.tokens_held == LIST_CAP + 7


def test_silent_tokens_disputes_and_odd_logs_are_warned_of(
    token: Address, a_movement: BuildMovement, a_reading: BuildReading
) -> None:
    nfts = Address("0x" + "dd" * 20)
    reading = a_reading(
        [a_movement(), a_movement(contract=nfts, standard="erc721", token_id=5, block_number=11)]
    )
    assert reading.history is not None
    odd = replace(
        reading,
        history=replace(reading.history, undecodable=3),
        answers=replace(reading.answers, balances={token: None}, owners={(nfts, 5): None}),
    )

    result = snapshot(odd)

    assert [reason.code for reason in result.warnings] == [
        "balance_unanswered",
        "ownership_disputed",
        "undecodable_logs",
    ]
    assert result.totals.tokens_held == 0
    assert result.tokens_total == 1


def test_a_result_survives_json_unchanged(busy_reading: WalletReading) -> None:
    result = snapshot(busy_reading)

    text = result.model_dump_json(by_alias=True)

    assert WalletSnapshot.model_validate_json(text) == result
    assert '"pastTokensTotal"' in text


def test_a_threshold_of_the_job_is_checked_with_the_payload(wallet: Address) -> None:
    def payload(thresholds: dict[str, float]) -> WalletSnapshotPayload:
        return WalletSnapshotPayload.model_validate(
            {"wallet": wallet, "options": {"includeNFTs": False, "thresholds": thresholds}}
        )

    accepted = payload({"spamScore": 0.9})

    assert (accepted.options.thresholds, accepted.options.include_nfts) == (
        {"spamScore": 0.9},
        False,
    )
    for refused in ({"spamScor": 0.9}, {"spamScore": 1.5}, {"lookAlikeDigits": 2.5}):
        with pytest.raises(ValidationError, match="known thresholds: spamScore"):
            payload(refused)


def test_the_zero_address_is_refused_because_every_mint_names_it() -> None:
    with pytest.raises(ValidationError, match="nobody's wallet"):
        WalletSnapshotPayload.model_validate({"wallet": "0x" + "0" * 40})
