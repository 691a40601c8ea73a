from typing import Any

import pytest
from pydantic import ValidationError

from common.actions.analyze_coin_flows import ANALYZE_COIN_FLOWS, CoinFlowPayload


def _payload(**options: Any) -> CoinFlowPayload:
    return CoinFlowPayload.model_validate({**ANALYZE_COIN_FLOWS.example, "options": options})


def test_the_newest_hundred_transfers_and_alerts_are_the_default() -> None:
    options = _payload().options

    assert (options.transaction_limit, options.include_alerts) == (100, True)


@pytest.mark.parametrize("limit", [0, -1, 1_000_000_000, 2.5, "many", None])
def test_a_limit_that_makes_no_sense_is_refused(limit: object) -> None:
    with pytest.raises(ValidationError, match="transactionLimit"):
        _payload(transactionLimit=limit)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whalePercentage", 0),
        ("whalePercentage", 101),
        ("largeTransferAmount", -1),
        ("largeTransferAmount", float("inf")),
        ("activitySpikePct", float("nan")),
        ("circularMinTransfers", 2.5),
        ("whalePercent", 1),
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=f"threshold '{name}'"):
        _payload(thresholds={name: value})


def test_thresholds_of_the_former_users_are_known() -> None:
    thresholds = {"largeTransferAmount": 1_000.0, "whalePercentage": 2.0, "activitySpikePct": 150.0}

    assert _payload(thresholds=thresholds).options.thresholds == thresholds
