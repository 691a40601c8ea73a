"""Whatever is sent to POST /jobs, the answer is a stored job or a problem, never a failure."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from common.actions import ACTIONS

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**300)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(
        [
            *("2030-01-01T00:00:00Z", "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6", "retry"),
            *("scheduled", "pending", "$where", "a\x00b", "\ud800", 0.0167, 1e-300, 15),
        ]
    )
)
KEYS = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["$set", "$ref", "$id", "a.b", "a\x00b", "", "_id", "__proto__", "wallet", "options", "chainId"]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)

MOMENTS = st.datetimes(datetime(1960, 1, 1), datetime(3010, 1, 1)).map(  # noqa: DTZ001  # text only
    lambda moment: f"{moment.isoformat()}Z"
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A valid request, with some fields or payload fields replaced, added or removed."""
    action = draw(st.sampled_from(list(ACTIONS.values())))
    body: dict[str, Any] = {
        "action": action.name,
        "payload": json.loads(json.dumps(dict(action.example))),
        "type": draw(st.sampled_from(["retry", "recurring", "scheduled"])),
    }
    if body["type"] == "scheduled":
        body["scheduledAt"] = draw(MOMENTS)
    else:
        body["intervalMinutes"] = draw(st.floats(-1, 600_000) | st.integers(0, 600_000))
    parts = [body, body["payload"], body["payload"].get("options", {})]
    for target in draw(st.lists(st.sampled_from(parts), max_size=2)):
        names = st.sampled_from([*target, "maxAttempts", "timeoutSeconds", "thresholds"]) | KEYS
        if draw(st.booleans()):
            target[draw(names)] = draw(ANYTHING)
        else:
            target.pop(draw(names), None)
    return body


@pytest.fixture(scope="module")
def client(gateway_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway_url, timeout=60) as client:
        yield client


def _check(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/jobs", content=body, headers={"Content-Type": "application/json"})
    event(f"answered {answer.status_code}")
    if answer.status_code == 201:
        created = answer.json()
        del created["warnings"]
        shown = client.get(answer.headers["location"])
        assert (shown.status_code, shown.json()) == (200, created)
        return
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("/problems/")
    if answer.status_code == 422:
        assert problem["errors"]
        assert all(error["pointer"].startswith("#") for error in problem["errors"])


FUZZ = settings(max_examples=150, suppress_health_check=list(HealthCheck))


@FUZZ
@given(body=requests())
def test_a_request_that_is_nearly_right(client: httpx.Client, body: dict[str, Any]) -> None:
    _check(client, json.dumps(body).encode())


@FUZZ
@given(body=ANYTHING)
def test_any_json(client: httpx.Client, body: object) -> None:
    _check(client, json.dumps(body).encode())


@FUZZ
@given(body=st.binary(max_size=200))
def test_any_bytes(client: httpx.Client, body: bytes) -> None:
    _check(client, body)


def test_after_all_that_the_list_still_reads(client: httpx.Client) -> None:
    assert client.get("/jobs?limit=1000").status_code == 200
