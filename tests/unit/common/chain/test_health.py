"""Which endpoint is asked next."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from common.chain import health
from common.chain.endpoint import Endpoint
from common.chain.errors import EndpointUnavailable, RateLimited
from common.chain.health import Endpoints

FAILURE = EndpointUnavailable("HTTP 503")


class Clock:
    """Monotonic time that only a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(health, "time", clock)
    return clock


@pytest.fixture
async def three(clock: Clock) -> AsyncIterator[list[Endpoint]]:
    async with aiohttp.ClientSession() as session:
        yield [Endpoint(f"http://127.0.0.1:{port}", session) for port in (1, 2, 3)]


async def test_the_first_in_order_is_asked(three: list[Endpoint]) -> None:
    assert Endpoints(1, three).preferred() is three[0]
    assert Endpoints(1, three).preferred({three[0]}) is three[1]
    assert Endpoints(1, three).preferred(three) is None


async def test_one_that_failed_rests_longer_each_time(three: list[Endpoint], clock: Clock) -> None:
    endpoints = Endpoints(1, three[:2])
    rests = []
    for _ in range(8):
        endpoints.mark_failed(three[0], FAILURE)
        assert endpoints.preferred() is three[1]
        rests.append(endpoints.rest_seconds(three[0]))
        clock.now += rests[-1]
    assert rests[-1] > 4 * rests[0]
    assert max(rests) <= health.LONGEST_REST_SECONDS


async def test_after_its_rest_one_call_tries_it_and_others_go_elsewhere(
    three: list[Endpoint], clock: Clock
) -> None:
    endpoints = Endpoints(1, three)
    endpoints.mark_failed(three[0], FAILURE)
    clock.now += health.LONGEST_REST_SECONDS
    assert endpoints.preferred() is three[0]

    endpoints.mark_tried(three[0])
    assert endpoints.preferred() is three[1]

    endpoints.mark_healthy(three[0])
    assert endpoints.preferred() is three[0]


async def test_a_trial_that_never_ends_is_given_up(three: list[Endpoint], clock: Clock) -> None:
    endpoints = Endpoints(1, three)
    endpoints.mark_failed(three[0], FAILURE)
    clock.now += health.LONGEST_REST_SECONDS
    endpoints.mark_tried(three[0])
    clock.now += health.TRIAL_SECONDS

    assert endpoints.preferred() is three[0]


async def test_a_rest_that_was_asked_for_is_kept(three: list[Endpoint], clock: Clock) -> None:
    endpoints = Endpoints(1, three[:1])
    endpoints.mark_failed(three[0], RateLimited("HTTP 429"), 60.0)
    endpoints.mark_healthy(three[0])  # by a call that was sent before

    assert endpoints.rest_seconds(three[0]) == 60.0
    assert endpoints.preferred() is three[0]


async def test_a_much_slower_one_is_passed_over_until_that_is_forgotten(
    three: list[Endpoint], clock: Clock
) -> None:
    endpoints = Endpoints(1, three)
    endpoints.mark_latency(three[0], 2.0)
    assert endpoints.preferred() is three[0]  # nobody knows a faster one

    endpoints.mark_latency(three[1], 0.1)
    assert endpoints.preferred() is three[1]

    clock.now += health.LATENCY_MEMORY_SECONDS
    assert endpoints.preferred() is three[0]


@pytest.mark.parametrize("seconds", [(0.3, 0.1), (0.2, 0.001), (30.0, 10.0)])
async def test_the_order_counts_more_than_small_differences(
    three: list[Endpoint], clock: Clock, seconds: tuple[float, float]
) -> None:
    endpoints = Endpoints(1, three)
    for endpoint, each in zip(three, seconds, strict=False):
        endpoints.mark_latency(endpoint, each)
    endpoints.mark_latency(three[2], seconds[1])

    assert endpoints.preferred() is three[0]
