"""One RPC URL as a web3 provider that keeps its URL to itself and tells errors apart."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import orjson
from web3.providers import AsyncHTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from common.chain.classification import classify
from common.chain.errors import (
    BatchTooLarge,
    ChainError,
    EndpointUnavailable,
    InvalidAnswer,
    QuotaExhausted,
    RateLimited,
    RequestTimedOut,
    Unauthorized,
)
from common.chain.limits import UNLIMITED, Gates, LocalGates, RpcLimit, endpoint_digest

REQUEST_TIMEOUT_SECONDS = 30.0
CONNECT_TIMEOUT_SECONDS = 5.0
MAX_CONCURRENT_REQUESTS = 8
MAX_BATCH = 500
"""Where an endpoint takes fewer it says so, once, and that is remembered."""
_LEARNT = ("max_log_blocks", "max_batch", "takes_block_hash")
_MAX_SHOWN = 300
_NOT_ABOUT_SIZE = (RateLimited, QuotaExhausted, Unauthorized)
_URL = re.compile(r"\b(?:https?|wss?)://\S+")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer of any status."""

    status: int
    retry_after_seconds: float | None
    body: bytes


class Endpoint(AsyncHTTPProvider):
    """One URL of a chain, with what was learnt about it.

    It can be given to `AsyncWeb3`. Unlike its base it reads the body of every HTTP status, where
    providers put the reason of a refusal, parses with orjson, never repeats a request by itself,
    and shows its host only, since paths and queries of RPC URLs carry keys. Errors are raised as
    ChainError, also those that web3 would raise itself.

    Attributes:
        label: What may be shown: "endpoint 1 of 2 (host)".
        host: Host name.
        max_log_blocks: Most blocks that one eth_getLogs may span, as far as learnt.
        max_batch: Most calls that one batch may hold, as far as learnt.
        takes_block_hash: Whether a state may be named by its block's hash (EIP-1898); None before
            the first was.
        logs_reach: Highest block up to which its logs have shown to be there.
        is_chain_checked: Whether it has shown to serve the chain it is configured for.
        digest: What it is known by in places that must not hold its URL.
        remembered: What other processes know of it; None before that has been looked up.
        gate: What every request passes, with those of other runs and processes.
    """

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        *,
        position: int = 1,
        total: int = 1,
        timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
        limit: RpcLimit = UNLIMITED,
        gates: Gates | None = None,
    ) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self.host = urlsplit(url).hostname or "no host"
        self.label = f"endpoint {position} of {total} ({self.host})"
        self.max_log_blocks: int | None = None
        self.max_batch = MAX_BATCH
        self.takes_block_hash: bool | None = None
        self.logs_reach = -1
        self.is_chain_checked = False
        self.digest = endpoint_digest(url)
        self.remembered: Mapping[str, Any] | None = None
        self.gate = (gates or LocalGates()).create(self.digest, limit, self.label)
        self._url = url
        self._secrets = _secret_parts(url)
        self._session = session
        self._timeout_seconds = timeout_seconds
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)
        )
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    def __str__(self) -> str:
        return self.label

    __repr__ = __str__

    def learnt(self) -> dict[str, Any]:
        """What other processes may want to know of it."""
        return {name: getattr(self, name) for name in _LEARNT}

    def recall(self, learnt: Mapping[str, Any]) -> None:
        """Begins with what another process has learnt."""
        for name in _LEARNT:
            setattr(self, name, learnt.get(name, getattr(self, name)))

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Sends one call; web3's way in.

        Raises:
            ChainError: It failed.
        """
        reply = await self.post(self.encode_rpc_request(method, params))
        return {"jsonrpc": "2.0", "id": 0, "result": self.read_result(reply)}

    async def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        """Sends one batch; web3's way in.

        Raises:
            ChainError: The batch or one of its calls failed.
        """
        forms = [self.form_request(method, params) for method, params in batch_requests]
        ids = [form["id"] for form in forms]
        body = self.encode_batch_request_dicts(forms)
        results = self.read_batch(await self.post(body, len(forms)), ids)
        for result in results:
            if isinstance(result, ChainError):
                raise result
        return [{"jsonrpc": "2.0", "id": 0, "result": result} for result in results]

    async def disconnect(self) -> None:
        """Does nothing: the session belongs to whoever made it."""

    async def post(self, request: bytes, calls: int = 1) -> Reply:
        """Sends a request body of so many calls and reads the answer, whatever its status.

        Raises:
            RateLimited: Our own limit, or an earlier answer, says that it must not be sent now.
            RequestTimedOut: No answer in time.
            EndpointUnavailable: No connection, or it was lost.
        """
        try:
            async with (
                self._slots,
                self.gate.enter(calls),
                self._session.post(
                    self._url,
                    data=request,
                    headers={"Content-Type": "application/json"},
                    timeout=self._timeout,
                    allow_redirects=False,
                ) as response,
            ):
                body = await response.read()
                return Reply(response.status, _retry_after_seconds(response), body)
        except TimeoutError:
            waited = self._timeout_seconds
            raise RequestTimedOut(f"no answer in {waited:g} s", waited_seconds=waited) from None
        except aiohttp.ClientError as error:
            # The text of these errors can hold the URL; their type says enough.
            raise EndpointUnavailable(f"no connection ({type(error).__name__})") from None

    def read_result(self, reply: Reply) -> Any:
        """The result of a single call.

        Raises:
            ChainError: The endpoint refused it, or answered nonsense.
        """
        result = self._result(reply, self._decode(reply))
        if isinstance(result, ChainError):
            raise result
        return result

    def read_batch(self, reply: Reply, ids: Sequence[object]) -> list[Any]:
        """Results of a batch in the order of `ids`; a refused call has its ChainError.

        Raises:
            BatchTooLarge: One refusal for the batch as a whole.
            ChainError: The endpoint is not available, limits our rate, or answered nonsense.
        """
        answers = self._decode(reply)
        if isinstance(answers, list) and len(answers) == 1 < len(ids):
            answers = answers[0]  # some wrap the one refusal of a whole batch in a list
        if not isinstance(answers, list):
            error = self._result(reply, answers)
            if not isinstance(error, ChainError):
                raise InvalidAnswer("one answer to a batch of calls")
            if isinstance(error, BatchTooLarge):
                self.max_batch = max(1, len(ids) // 2)
            if reply.status >= 500 or isinstance(error, _NOT_ABOUT_SIZE):
                raise error
            raise BatchTooLarge(str(error))
        by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
        return [self._result(reply, by_id.get(request_id)) for request_id in ids]

    def _decode(self, reply: Reply) -> Any:
        try:
            return orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            if reply.status != 200:
                raise self._refusal(reply, None) from None
            raise InvalidAnswer(f"{len(reply.body)} bytes that are not JSON") from None

    def _result(self, reply: Reply, answer: Any) -> Any:
        """The result, or as a value the ChainError that the answer stands for."""
        if not isinstance(answer, dict):
            return InvalidAnswer("no answer to this call")
        if answer.get("error") is None and "result" in answer:
            return answer["result"]
        return self._refusal(reply, answer.get("error"))

    def _refusal(self, reply: Reply, error: Any) -> ChainError:
        if error is None and reply.status == 200:
            return InvalidAnswer("an answer with neither result nor error")
        if isinstance(error, dict):
            code, message = error.get("code"), str(error.get("message", ""))
        else:
            code, message = None, str(error or f"HTTP {reply.status}")
        classified = classify(reply.status, code if isinstance(code, int) else None, message)
        classified.reword(self._redact(message))
        if isinstance(classified, RateLimited):
            classified.retry_after_seconds = reply.retry_after_seconds
        return classified

    def _redact(self, message: str) -> str:
        for secret in self._secrets:
            message = message.replace(secret, "***")
        return _URL.sub("<url>", message)[:_MAX_SHOWN]


def _secret_parts(url: str) -> tuple[str, ...]:
    """Everything of a URL that may be a key, longest first."""
    parts = urlsplit(url)
    candidates = [*parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    candidates += [parts.username or "", parts.password or ""]
    return tuple(sorted((part for part in candidates if len(part) >= 6), key=len, reverse=True))


def _retry_after_seconds(response: aiohttp.ClientResponse) -> float | None:
    """Seconds that an endpoint wants to be left alone: a number of them, or a date."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None
