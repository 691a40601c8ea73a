"""From the request to the recorded result, a job is one trace over all services."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from common.actions import ACTIONS
from local_chain.addresses import COLLECTION, FLOW, WALLET
from local_stack.stack import Stack
from local_stack.trace_receiver import ReceivedSpan, TraceReceiver

PATIENCE_SECONDS = 60
PAYLOADS = {
    "wallet_snapshot": {"wallet": WALLET},
    "analyze_coin_flows": {"tokenAddress": FLOW},
    "analyze_nft_movements": {"collectionAddress": COLLECTION},
}


@pytest.fixture
def receiver() -> Iterator[TraceReceiver]:
    with TraceReceiver().running() as running:
        yield running


@pytest.fixture
def traced(receiver: TraceReceiver, start_stack: Callable[..., Stack]) -> Iterator[httpx.Client]:
    stack = start_stack(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        yield client


def _wait_for(look: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"no {what} after {PATIENCE_SECONDS} s")
        time.sleep(0.1)
    return found


def _create(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/jobs", json=body)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def _completed_runs(client: httpx.Client, job: dict[str, Any]) -> list[dict[str, Any]]:
    runs = client.get(f"/jobs/{job['id']}/runs").json()
    return [run for run in reversed(runs) if run["state"] == "completed"]


def _wait_for_trace(receiver: TraceReceiver, trace_id: str, action: str) -> list[ReceivedSpan]:
    def ended() -> list[ReceivedSpan]:
        spans = receiver.spans(trace_id)
        known = {span.span_id for span in spans}
        # each service exports in its own time: whole is a trace whose every parent has come
        whole = all(span.parent_id is None or span.parent_id in known for span in spans)
        return spans if whole and f"record {action}" in {span.name for span in spans} else []

    spans: list[ReceivedSpan] = _wait_for(ended, f"whole trace of {action}")
    return spans


def _parents(spans: list[ReceivedSpan]) -> dict[str, str | None]:
    """Return the parent's name by span name, for names that occur once."""
    by_id = {span.span_id: span for span in spans}
    return {span.name: by_id[span.parent_id].name if span.parent_id in by_id else None
            for span in spans}  # fmt: skip


def test_every_action_is_one_trace_from_the_request_to_the_recorded_outcome(
    traced: httpx.Client, receiver: TraceReceiver
) -> None:
    past = "2024-01-15T10:00:00.000Z"
    for action, payload in PAYLOADS.items():
        body = {"action": action, "payload": payload, "type": "scheduled", "scheduledAt": past}
        job = _create(traced, body)
        run = _wait_for(partial(_completed_runs, traced, job), f"run of {action}")[0]
        assert run["traceId"] == job["traceId"]

        spans = _wait_for_trace(receiver, job["traceId"], action)

        services = {span.service for span in spans}
        assert services == {"gateway", "scheduler", ACTIONS[action].service}
        parents = _parents(spans)
        assert parents["POST /jobs"] is None
        assert parents[f"dispatch {action}"] == "POST /jobs"
        assert parents[f"process {action}"] == f"dispatch {action}"
        assert parents["eth_getLogs"] == f"process {action}"
        assert parents["store result"] == f"process {action}"
        assert parents[f"record {action}"] == f"process {action}"
        # a contract that reverts has answered: it does not know the function it was asked for
        failed = [span for span in spans if span.failed]
        assert all(span.attributes["error.type"] == "CallReverted" for span in failed)


def test_a_later_firing_of_a_recurring_job_is_a_trace_of_its_own_linked_to_the_request(
    traced: httpx.Client, receiver: TraceReceiver
) -> None:
    action = "wallet_snapshot"
    body = {
        "action": action,
        "payload": PAYLOADS[action],
        "type": "retry",
        "intervalMinutes": 0.05,
    }
    job = _create(traced, body)

    runs = _wait_for(
        lambda: found if len(found := _completed_runs(traced, job)) >= 2 else None, "second run"
    )

    assert runs[0]["traceId"] == job["traceId"]
    assert runs[1]["traceId"] != job["traceId"]
    later = _wait_for_trace(receiver, runs[1]["traceId"], action)
    root = next(span for span in later if span.name == f"dispatch {action}")
    assert root.parent_id is None
    assert root.links == (job["traceId"],)
