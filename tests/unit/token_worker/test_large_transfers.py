from collections.abc import Callable

import pytest

from common.actions.analyze_coin_flows import CoinFlowThresholds
from common.errors import PayloadError
from token_worker.analysis.large_transfers import describe_transfer, large_amount
from token_worker.analysis.table import TransferTable


def _thresholds(**given: float) -> CoinFlowThresholds:
    return CoinFlowThresholds.model_validate(given)


def test_a_transfer_is_large_by_its_share_of_supply() -> None:
    assert large_amount(_thresholds(), 1_000_000, 18) == 1_000


def test_an_amount_in_tokens_replaces_the_share() -> None:
    thresholds = _thresholds(largeTransferAmount=0.1)

    assert large_amount(thresholds, 1_000_000, 18) == 10**17


def test_an_amount_in_tokens_needs_decimals() -> None:
    with pytest.raises(PayloadError, match=r"largeTransferAmount.*decimals"):
        large_amount(_thresholds(largeTransferAmount=5), 1_000_000, None)


def test_without_supply_nothing_is_large() -> None:
    assert large_amount(_thresholds(), None, 18) is None
    assert large_amount(_thresholds(), 0, 18) is None


def test_large_transfers_are_ranked_by_amount_then_by_place_in_the_chain(
    a_table: Callable[..., TransferTable],
) -> None:
    table = a_table(("a", "b", 5), ("b", "c", 9), ("c", "d", 5), ("d", "e", 4))

    assert table.top_rows(3) == [1, 0, 2]


@pytest.mark.parametrize(
    ("sender", "recipient", "flow_type"),
    [
        ("a", "b", "transfer"),
        ("zero", "a", "mint"),
        ("zero", "zero", "mint"),
        ("a", "zero", "burn"),
        ("a", "dead", "to_dead"),
        ("a", "a", "self"),
    ],
)
def test_a_transfer_tells_its_kind(
    a_table: Callable[..., TransferTable], sender: str, recipient: str, flow_type: str
) -> None:
    shown = describe_transfer(a_table((sender, recipient, 150)), 0, 1_000, 2)

    assert shown.flow_type == flow_type
    assert (shown.amount_raw, shown.amount, shown.supply_pct) == ("150", "1.5", 15.0)
