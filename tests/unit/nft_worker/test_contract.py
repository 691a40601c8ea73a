"""What a payload may say, and what it is told when it says nonsense."""

from typing import Any

import pytest
from pydantic import ValidationError

from common.actions.analyze_nft_movements import NftMovementPayload, NftThresholds

ADDRESS = "0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D"


def options(**given: Any) -> Any:
    payload = {"collectionAddress": ADDRESS, "options": given}
    return NftMovementPayload.model_validate(payload).options


def test_an_address_alone_is_enough() -> None:
    payload = NftMovementPayload.model_validate({"collectionAddress": ADDRESS})

    assert payload.collection_address == ADDRESS.lower()
    assert (payload.options.transfer_limit, payload.options.include_alerts) == (5_000, True)


def test_token_ids_are_digits_or_numbers() -> None:
    assert options(tokenIds=["7", 8, "0009", str(2**256 - 1)]).token_ids == [
        "7",
        "8",
        "9",
        str(2**256 - 1),
    ]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"tokenIds": ["0x7"]}, "decimal digits"),
        ({"tokenIds": [True]}, "decimal digits"),
        ({"tokenIds": [-1]}, "decimal digits"),
        ({"tokenIds": [str(2**256)]}, "256 bits"),
        ({"tokenIds": []}, "at least 1"),
        ({"fromBlock": 5, "days": 1}, "give one"),
        ({"fromBlock": 5, "toBlock": 4}, "fromBlock 5 is above toBlock 4"),
        ({"toBlock": 4}, "needs fromBlock or days"),
        ({"transferLimit": 0}, "greater than or equal to 1"),
        ({"thresholds": {"washscore": 0.5}}, "known thresholds: washScore"),
        ({"thresholds": {"washScore": 0}}, "greater than 0"),
        ({"thresholds": {"repeatedTrades": 2.5}}, "valid integer"),
        ({"thresholds": {"cycleDays": float("nan")}}, "finite"),
        ({"unheardOf": 1}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused_with_a_hint(given: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        options(**given)


def test_every_threshold_can_be_set_by_its_name() -> None:
    names = NftThresholds().model_dump(by_alias=True)

    assert options(thresholds=names).thresholds == names
