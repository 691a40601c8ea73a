"""Thresholds of a run: those of the job over those of the worker over the defaults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from common.actions.thresholds import resolve_thresholds
from common.errors import PayloadError
from common.models import CamelModel
from common.results.alerts import alert_id


class Thresholds(CamelModel):
    whale_pct: float = Field(default=1.0, gt=0, le=100)
    large_transfer: float = Field(default=10.0, gt=0)


names = st.sampled_from(["whalePct", "largeTransfer"])
given_thresholds = st.dictionaries(names, st.floats(0.1, 100))


@given(given_thresholds, given_thresholds)
def test_the_job_wins_over_the_worker_and_both_over_the_defaults(
    configured: dict[str, float], requested: dict[str, float]
) -> None:
    resolved = resolve_thresholds(Thresholds, configured, requested).model_dump(by_alias=True)
    defaults = Thresholds().model_dump(by_alias=True)
    assert resolved == {**defaults, **configured, **requested}


@pytest.mark.parametrize(
    ("configured", "requested", "said"),
    [
        ({}, {"whalePercent": 1.0}, "whalePercent"),
        ({}, {"whalePct": 0.0}, "whalePct"),
        ({"largeTransfer": -1.0}, {}, "largeTransfer"),
    ],
)
def test_an_unknown_name_or_a_senseless_value_is_refused_with_what_is_known(
    configured: dict[str, float], requested: dict[str, float], said: str
) -> None:
    with pytest.raises(PayloadError) as refusal:
        resolve_thresholds(Thresholds, configured, requested)
    assert f"threshold {said!r}" in str(refusal.value)
    assert "known thresholds: whalePct, largeTransfer" in str(refusal.value)
    assert not refusal.value.retryable


parts = st.text(st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), max_size=20)


@given(st.integers(1, 10**6), parts, parts, st.lists(parts, max_size=4))
def test_what_was_seen_alone_makes_the_id_of_an_alert(
    chain_id: int, kind: str, subject: str, keys: list[str]
) -> None:
    identity = alert_id(chain_id, kind, subject, *keys)
    assert identity == alert_id(chain_id, kind, subject, *keys)
    assert len(identity) == 32
    assert identity != alert_id(chain_id + 1, kind, subject, *keys)
    assert identity != alert_id(chain_id, kind, subject, *keys, "more")


def test_ids_of_alerts_do_not_depend_on_where_one_part_ends() -> None:
    assert alert_id(1, "AB", "C") != alert_id(1, "A", "BC")
    assert alert_id(1, "T", "s", "a", "b") != alert_id(1, "T", "s", "b", "a")
    assert alert_id(1, "T", "s", 12) == alert_id(1, "T", "s", "12")
