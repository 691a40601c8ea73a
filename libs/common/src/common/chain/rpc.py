"""JSON-RPC over several endpoints of one chain: retry, failover, batches, spans, counts."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from web3.types import RPCEndpoint

from common.chain.concurrency import run_all
from common.chain.endpoint import Endpoint, Reply
from common.chain.errors import (
    AddressRequired,
    BatchTooLarge,
    ChainError,
    EndpointUnavailable,
    InvalidAnswer,
    InvalidRequest,
    LimitExceeded,
    MissingState,
    PrunedHistory,
    QuotaExhausted,
    RateLimited,
    ReorgDetected,
    RequestTimedOut,
    ResultTooLarge,
    TransactionNotFound,
    Unauthorized,
    UnsupportedMethod,
    UnsupportedTag,
    WrongChain,
)
from common.chain.health import (
    FIRST_REST_SECONDS,
    LONGEST_REST_SECONDS,
    REFUSAL_REST_SECONDS,
    Endpoints,
    jittered,
)
from common.chain.limits import Parked, QueueTooLong
from common.chain.parsing import parse_quantity
from common.chain.requests import Request, block_request
from common.chain.spans import request_span
from common.chain.types import Block, RpcStats
from common.garbage import paused_collection

MAX_ATTEMPTS = 7
MAX_WAIT_SECONDS = 30.0
"""A longer rest, such as a Retry-After of an hour, fails the call instead of holding the run."""
GROUP_SIZE = 500
"""Calls of a batch that are retried together."""
SMALL_ANSWER = 20_000
"""Bytes of an answer whose time tells something of the endpoint rather than of what was asked."""

_TRANSIENT = (EndpointUnavailable, RateLimited, InvalidAnswer)
_NEEDS_A_PERSON = (QuotaExhausted, Unauthorized, WrongChain)
_NOT_HERE = (
    AddressRequired,
    MissingState,
    PrunedHistory,
    ReorgDetected,
    UnsupportedMethod,
    UnsupportedTag,
)
_NO_BLOCK_HASHES = (InvalidRequest, UnsupportedMethod, UnsupportedTag)
"""How endpoints refuse a state that is named by a block's hash (EIP-1898)."""
_WORTH_ANOTHER_ENDPOINT = (*_TRANSIENT, *_NEEDS_A_PERSON, *_NOT_HERE)

Prepare = Callable[[Endpoint], Awaitable[None]]

T = TypeVar("T")


class RpcClient:
    """The calls of one run, counted in `stats`.

    Once pinned, an endpoint is used only after it has shown to have the pinned block: one that
    lags behind or follows a fork would answer with less than there is.
    """

    def __init__(self, endpoints: Endpoints, stats: RpcStats) -> None:
        self.endpoints = endpoints
        self.stats = stats
        self._pinned: Block | None = None
        self._checked: set[Endpoint] = set()

    def pin(self, block: Block, served_by: Endpoint) -> None:
        """From now on every endpoint must have `block`; `served_by` has just shown it."""
        self._pinned = block
        self._checked = {served_by}

    async def call(self, request: Request[T], *, is_divisible: bool = False) -> T:
        """The parsed result of one call; `is_divisible` as in `run`.

        Raises:
            ChainError: It failed on all endpoints, or in a way that no repetition can help.
        """
        return await self.run(
            lambda endpoint: self.send(endpoint, request), is_divisible=is_divisible
        )

    async def call_batch(
        self,
        requests: Sequence[Request[T]],
        *,
        is_divisible: bool = False,
        prepare: Prepare | None = None,
    ) -> list[T | ChainError]:
        """Results of many calls of one method, in their order; a refused call has its error.

        Args:
            requests: The calls.
            is_divisible: As in `run`.
            prepare: Checks an endpoint before it is asked.

        Raises:
            ChainError: Some call could not be answered at all.
        """
        groups = [requests[i : i + GROUP_SIZE] for i in range(0, len(requests), GROUP_SIZE)]
        answered = await run_all(
            [self._call_group(group, is_divisible, prepare) for group in groups]
        )
        return [answer for group in answered for answer in group]

    async def run(
        self, send: Callable[[Endpoint], Awaitable[T]], *, is_divisible: bool = False
    ) -> T:
        """Calls `send` with an endpoint, again after transient failures, until it succeeds.

        Args:
            send: Makes one attempt.
            is_divisible: The caller can ask for less at once: a timeout is not repeated but
                raised as ResultTooLarge.

        Raises:
            ChainError: What the last attempt raised.
        """
        excluded: set[Endpoint] = set()
        failure: ChainError | None = None
        tried: Endpoint | None = None
        for attempt in range(MAX_ATTEMPTS):
            endpoint = self._choose(excluded, tried, failure)
            if endpoint is None:
                break
            if tried is not None:
                self.stats.retries += 1
                self.stats.failovers += endpoint is not tried
            await self._wait_for(endpoint)
            if endpoint is tried and isinstance(failure, InvalidAnswer):
                await asyncio.sleep(jittered(FIRST_REST_SECONDS * attempt))
            tried = endpoint
            self.endpoints.mark_tried(endpoint)
            try:
                await self._check(endpoint)
                answer = await send(endpoint)
            except _WORTH_ANOTHER_ENDPOINT as error:
                self._take_note(endpoint, error)
                await self._warn_others(endpoint, error)
                if not isinstance(error, _TRANSIENT):
                    excluded.add(endpoint)
                if is_divisible and isinstance(error, RequestTimedOut):
                    raise ResultTooLarge(str(error)) from error
                if isinstance(error, LimitExceeded) and isinstance(failure, LimitExceeded):
                    raise
                failure = error
            else:
                self.endpoints.mark_healthy(endpoint)
                return answer
        raise failure or EndpointUnavailable(f"chain {self.endpoints.chain_id} has no endpoint")

    async def send(self, endpoint: Endpoint, request: Request[T]) -> T:
        """Makes one attempt of one call at one endpoint.

        Raises:
            ChainError: It failed; the message names method and endpoint.
        """
        if not request.reads_state or endpoint.takes_block_hash is False:
            return await self._send_once(endpoint, request, by_hash=False)
        try:
            answer = await self._send_once(endpoint, request, by_hash=True)
        except _NO_BLOCK_HASHES:
            if endpoint.takes_block_hash:
                raise
            endpoint.takes_block_hash = False
            return await self._send_once(endpoint, request, by_hash=False)
        endpoint.takes_block_hash = True
        return answer

    async def send_checked(self, endpoint: Endpoint, request: Request[T]) -> T:
        """Makes one attempt of one call at one endpoint, if that serves our chain.

        Raises:
            ChainError: It failed, or serves another one.
        """
        await self._check_chain(endpoint)
        return await self.send(endpoint, request)

    async def _send_once(self, endpoint: Endpoint, request: Request[T], *, by_hash: bool) -> T:
        method = RPCEndpoint(request.method)
        with request_span(method, endpoint.host, request.attributes):
            try:
                self.stats.count(method)
                params = request.form_params(by_hash=by_hash)
                started = time.monotonic()
                reply = await endpoint.post(endpoint.encode_rpc_request(method, params))
                self.stats.bytes += len(reply.body)
                if len(reply.body) <= SMALL_ANSWER:
                    self.endpoints.mark_latency(endpoint, time.monotonic() - started)
                with paused_collection():
                    return request.parse(_read_result(endpoint, reply, request))
            except ChainError as error:
                error.locate(method, endpoint.label)
                raise

    async def _call_group(
        self, requests: Sequence[Request[T]], is_divisible: bool, prepare: Prepare | None
    ) -> list[T | ChainError]:
        results: dict[int, T | ChainError] = {}
        unknown: dict[int, TransactionNotFound] = {}

        async def send(endpoint: Endpoint) -> None:
            if prepare is not None:
                await prepare(endpoint)
            size = endpoint.max_batch
            unknown.clear()
            while pending := [
                i for i in range(len(requests)) if i not in results and i not in unknown
            ][:size]:
                try:
                    answers = await self.send_batch(endpoint, [requests[i] for i in pending])
                except BatchTooLarge:
                    size = len(pending) // 2
                    self.stats.retries += 1
                    continue
                failure = None
                for index, answer in zip(pending, answers, strict=True):
                    if isinstance(answer, ResultTooLarge) and len(pending) > 1:
                        size = len(pending) // 2
                    elif isinstance(answer, TransactionNotFound):
                        unknown[index] = answer
                    elif isinstance(answer, _WORTH_ANOTHER_ENDPOINT):
                        failure = answer
                    else:
                        results[index] = answer
                if failure is not None:
                    raise failure
            for error in unknown.values():
                raise error

        try:
            await self.run(send, is_divisible=is_divisible)
        except TransactionNotFound:
            results.update(unknown)
        return [results[index] for index in range(len(requests))]

    async def send_batch(
        self, endpoint: Endpoint, requests: Sequence[Request[T]]
    ) -> list[T | ChainError]:
        """One attempt of some calls; an error of one call is in its place.

        Raises:
            BatchTooLarge: The endpoint refused the batch of several calls as a whole.
            ChainError: It failed as a whole.
        """
        if not requests:
            return []
        if len(requests) == 1:
            try:
                result: T = await self.send(endpoint, requests[0])
            except ChainError as error:
                return [error]
            return [result]
        if not requests[0].reads_state or endpoint.takes_block_hash is False:
            return await self._send_batch_once(endpoint, requests, by_hash=False)
        answers = await self._send_batch_once(endpoint, requests, by_hash=True)
        if not endpoint.takes_block_hash:
            if any(isinstance(answer, _NO_BLOCK_HASHES) for answer in answers):
                endpoint.takes_block_hash = False
                return await self._send_batch_once(endpoint, requests, by_hash=False)
            if not any(isinstance(answer, ChainError) for answer in answers):
                endpoint.takes_block_hash = True
        return answers

    async def _send_batch_once(
        self, endpoint: Endpoint, requests: Sequence[Request[T]], *, by_hash: bool
    ) -> list[T | ChainError]:
        method = RPCEndpoint(requests[0].method)
        with request_span(method, endpoint.host, {"chain.batch_size": len(requests)}):
            try:
                self.stats.count(method, len(requests))
                forms = [
                    endpoint.form_request(method, request.form_params(by_hash=by_hash))
                    for request in requests
                ]
                body = endpoint.encode_batch_request_dicts(forms)
                reply = await endpoint.post(body, len(forms))
                self.stats.bytes += len(reply.body)
                answers = endpoint.read_batch(reply, [form["id"] for form in forms])
            except ChainError as error:
                error.locate(method, endpoint.label)
                raise
            results: list[T | ChainError] = []
            for request, answer in zip(requests, answers, strict=True):
                try:
                    if isinstance(answer, ChainError):
                        raise answer
                    results.append(request.parse(answer))
                except ChainError as error:
                    error.locate(method, endpoint.label)
                    results.append(error)
            return results

    def _choose(
        self, excluded: set[Endpoint], tried: Endpoint | None, failure: ChainError | None
    ) -> Endpoint | None:
        """The preferred endpoint, after an invalid answer rather another one."""
        if tried is not None and isinstance(failure, InvalidAnswer):
            other = self.endpoints.preferred({*excluded, tried})
            if other is not None and not self.endpoints.rest_seconds(other):
                return other
        return self.endpoints.preferred(excluded)

    async def _wait_for(self, endpoint: Endpoint) -> None:
        rest = self.endpoints.rest_seconds(endpoint)
        if rest > MAX_WAIT_SECONDS and (reason := self.endpoints.rest_reason(endpoint)):
            raise reason.with_traceback(None)
        if rest:
            await asyncio.sleep(rest + jittered(rest / 4))

    async def _check(self, endpoint: Endpoint) -> None:
        """Makes sure that the endpoint serves our chain and has the pinned block."""
        await self._check_chain(endpoint)
        pinned = self._pinned
        if pinned is not None and endpoint not in self._checked:
            block = await self.send(endpoint, block_request(pinned.number))
            if block.hash != pinned.hash:
                raise ReorgDetected(
                    f"{endpoint.label} has block {block.number} as {block.hash},"
                    f" this run is pinned to {pinned.hash}"
                )
            self._checked.add(endpoint)

    async def _check_chain(self, endpoint: Endpoint) -> None:
        if not endpoint.is_chain_checked:
            served = await self.send(endpoint, Request("eth_chainId", (), parse_quantity))
            if served != self.endpoints.chain_id:
                raise WrongChain(
                    f"{endpoint.label} is configured for chain {self.endpoints.chain_id} but"
                    f" serves chain {served}: correct RPC_URLS"
                )
            endpoint.is_chain_checked = True

    async def _warn_others(self, endpoint: Endpoint, error: ChainError) -> None:
        """Keeps other processes away from an endpoint that has had too many requests."""
        is_ours = isinstance(error, (LimitExceeded, Parked, QueueTooLong))
        if isinstance(error, RateLimited) and not is_ours:
            await endpoint.gate.park(error.retry_after_seconds or FIRST_REST_SECONDS)

    def _take_note(self, endpoint: Endpoint, error: ChainError) -> None:
        if isinstance(error, (*_NOT_HERE, InvalidAnswer)):
            return  # of no concern to other calls
        rest = 0.0
        if isinstance(error, _NEEDS_A_PERSON):
            rest = REFUSAL_REST_SECONDS
        elif isinstance(error, RateLimited):
            rest = error.retry_after_seconds or 0.0
        elif isinstance(error, RequestTimedOut):
            rest = min(error.waited_seconds, LONGEST_REST_SECONDS)
        self.endpoints.mark_failed(endpoint, error, rest)


def _read_result(endpoint: Endpoint, reply: Reply, request: Request[T]) -> Any:
    decoded = request.decode(reply.body) if request.decode and reply.status == 200 else None
    return endpoint.read_result(reply) if decoded is None else decoded
