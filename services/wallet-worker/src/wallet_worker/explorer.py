"""Block explorers with an API like Etherscan's: what they list of an account, page by page.

Source of requests and answers: Etherscan, API reference, "Accounts" and "Common error messages";
Blockscout answers the same ones.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import orjson

from common.chain.classification import classify
from common.chain.errors import (
    ChainError,
    EndpointUnavailable,
    InvalidAnswer,
    RateLimited,
    RequestTimedOut,
)
from common.chain.parsing import parse_quantity, shown
from common.chain.spans import request_span
from common.chain.types import Address, RpcStats
from wallet_worker.settings import ExplorerApi

Entry: TypeAlias = Mapping[str, Any]

WINDOW = 10_000
"""Records of one query that can be paged through: page times page size may not be more."""
MAX_ATTEMPTS = 4
FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 30.0
_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_URL = re.compile(r"\bhttps?://\S+")
_MAX_SHOWN = 200


class Explorer:
    """One explorer, asked one call after the other, within its rate; shared by concurrent runs."""

    def __init__(self, api: ExplorerApi, chain_id: int) -> None:
        """Use `api` for the chain with that id."""
        self._api = api
        self._chain_id = chain_id
        self._url = api.url.get_secret_value()
        self._host = urlsplit(self._url).hostname or "no host"
        self._turn = asyncio.Lock()
        self._next_call = 0.0

    @property
    def page_size(self) -> int:
        """Records that one call asks for."""
        return self._api.page_size

    async def fetch_head(self, stats: RpcStats) -> int:
        """Read the newest block that the explorer knows.

        Raises:
            ChainError: It does not answer, or does not say.
        """
        try:
            return parse_quantity(await self._ask(stats, "proxy", "eth_blockNumber", {}))
        except (InvalidAnswer, EndpointUnavailable):  # unknown there: Blockscout's name for it
            return parse_quantity(await self._ask(stats, "block", "eth_block_number", {}))

    async def fetch_newest(
        self, stats: RpcStats, action: str, wallet: Address, first: int, last: int, calls: int
    ) -> tuple[list[Entry], int]:
        """Read what the explorer lists of an account between two blocks, newest first.

        A page may end within a block: the next one begins with that block, so that none is cut.

        Args:
            stats: Where calls are counted.
            action: Such as `txlist`.
            wallet: The account.
            first: First block.
            last: Last block, included.
            calls: Most pages.

        Returns:
            The records; and the block from which on they are all, which is above `first` when
            they fill more pages than allowed, or more than the explorer shows of one block.

        Raises:
            ChainError: It does not answer, or not what was asked.
        """
        found: list[Entry] = []
        end, page = last, 1
        for _ in range(calls):
            query: dict[str, str | int] = {
                "address": wallet,
                "startblock": first,
                "endblock": end,
                "page": page,
                "offset": self.page_size,
                "sort": "desc",
            }
            answer = _entries(await self._ask(stats, "account", action, query), first, end)
            found += answer
            if len(answer) < self.page_size:
                return found, first
            oldest = _block(answer[-1])
            if oldest < end:
                end, page = oldest, 1
                found = [each for each in found if _block(each) > oldest]
            elif (page + 1) * self.page_size <= WINDOW:
                page += 1
            else:
                break
        return [each for each in found if _block(each) > end], end + 1

    async def _ask(
        self, stats: RpcStats, module: str, action: str, query: Mapping[str, str | int]
    ) -> Any:
        params: dict[str, str | int] = {"chainid": self._chain_id, "module": module}
        params |= {"action": action, **query}
        if self._api.key is not None:
            params["apikey"] = self._api.key.get_secret_value()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await self._wait_for_turn()
            try:
                return await self._ask_once(stats, action, params)
            except (RateLimited, RequestTimedOut) as error:
                if attempt == MAX_ATTEMPTS:
                    raise
                stats.retries += 1
                asked_for = error.retry_after_seconds if isinstance(error, RateLimited) else None
                if (asked_for or 0.0) > MAX_WAIT_SECONDS:
                    raise
                await asyncio.sleep(max(asked_for or 0.0, FIRST_WAIT_SECONDS * 2 ** (attempt - 1)))
        raise AssertionError  # the last attempt returns or raises

    async def _ask_once(self, stats: RpcStats, action: str, params: Mapping[str, str | int]) -> Any:
        with request_span(f"explorer {action}", self._host, {}):
            try:
                stats.count(f"explorer_{action}")
                return self._result(*await self._get(stats, params))
            except ChainError as error:
                error.reword(f"{action}: {self._redact(str(error))} [explorer {self._host}]")
                raise

    async def _get(
        self, stats: RpcStats, params: Mapping[str, str | int]
    ) -> tuple[int, bytes, float | None]:
        """Status, body, and how many seconds it wants to be left alone."""
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(self._url, params=params, allow_redirects=False) as response,
            ):
                wait = response.headers.get("Retry-After", "")
                body = await response.read()
                stats.bytes += len(body)
                return response.status, body, float(wait) if wait.isdecimal() else None
        except TimeoutError:
            raise RequestTimedOut(f"no answer in {_TIMEOUT.total:g} s") from None
        except aiohttp.ClientError as error:
            # The text of these errors can hold the URL; their type says enough.
            raise EndpointUnavailable(f"no connection ({type(error).__name__})") from None

    def _result(self, status: int, body: bytes, retry_after: float | None) -> Any:
        """The result; "no transactions found" is an empty list with the status of an error."""
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            if status != 200:
                raise classify(status, None, f"HTTP {status}") from None
            raise InvalidAnswer(f"{len(body)} bytes that are not JSON") from None
        if not isinstance(answer, dict):
            raise InvalidAnswer("not an object")
        result = answer.get("result")
        is_ok = status == 200 and str(answer.get("status", "1")) == "1" and "error" not in answer
        if isinstance(result, list) or (is_ok and result is not None):
            return result
        words = result or answer.get("message") or answer.get("error") or f"HTTP {status}"
        refusal = classify(status, None, str(words))
        if isinstance(refusal, RateLimited):
            refusal.retry_after_seconds = retry_after
        raise refusal

    async def _wait_for_turn(self) -> None:
        async with self._turn:
            wait = self._next_call - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._next_call = time.monotonic() + 1 / self._api.calls_per_second

    def _redact(self, message: str) -> str:
        key = self._api.key.get_secret_value() if self._api.key else ""
        hidden = message.replace(key, "***") if key else message
        return _URL.sub("<url>", hidden)[:_MAX_SHOWN]


def _entries(answer: Any, first: int, last: int) -> list[Entry]:
    if not isinstance(answer, list) or not all(isinstance(each, dict) for each in answer):
        raise InvalidAnswer(f"expected a list of records, got {shown(answer)}")
    blocks = [_block(each) for each in answer]
    if blocks != sorted(blocks, reverse=True) or any(not first <= each <= last for each in blocks):
        raise InvalidAnswer(f"records out of the order or the blocks {first} to {last}")
    return answer


def _block(entry: Entry) -> int:
    number = entry.get("blockNumber")
    if not isinstance(number, str) or not number.isdecimal():
        raise InvalidAnswer(f"a record of block {shown(number)}")
    return int(number)
