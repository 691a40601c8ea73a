"""A node as providers run it: their limits, their words, and what goes wrong with them.

It passes JSON-RPC on to a real node. Limits are small, so that a chain of some hundred blocks
reaches them; codes, messages and HTTP statuses are those that the providers publish or that users
report (geth, reth, Alchemy, Infura, QuickNode, PublicNode, public endpoints of BNB Smart Chain).
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

Call = dict[str, Any]
Refusal = tuple[int, str, int]
"""Code, message and HTTP status; a message may name {limit}, {count}, {first} and {last}."""

ADDRESS_WANTED = (
    -32701,
    "Please specify an address in your request or, to remove restrictions, order a dedicated full"
    " node",
    200,
)


@dataclass(frozen=True)
class Profile:
    """What a provider refuses; a limit of None is none."""

    max_blocks: int | None = None
    blocks_refusal: Refusal = (-32602, "exceed maximum block range {limit}", 200)
    max_logs: int | None = None
    logs_refusal: Refusal = (-32005, "query returned more than {limit} results", 200)
    address_refusal: Refusal | None = None
    max_batch: int | None = None
    batch_refusal: Refusal = (-32600, "batch too large", 200)
    max_call_bytes: int | None = None
    rate_refusal: tuple[int, str] = (429, "Too Many Requests")


PROFILES: Mapping[str, Profile] = {
    "open": Profile(),
    "geth": Profile(max_batch=5),
    "reth": Profile(
        max_blocks=200,
        blocks_refusal=(-32602, "query exceeds max block range {limit}", 200),
        max_logs=4,
        logs_refusal=(
            -32602,
            "query exceeds max results {limit}, retry with the range {first}-{last}",
            200,
        ),
    ),
    "alchemy": Profile(
        max_logs=4,
        logs_refusal=(
            -32602,
            "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block"
            " range and no limit on the response size, or you can request any block range with a"
            " cap of 10K logs in the response. Based on your parameters and the response size"
            " limit, this block range should work: [{first:#x}, {last:#x}]",
            400,
        ),
        max_batch=5,
        batch_refusal=(-32600, "Batch size too large", 400),
        rate_refusal=(429, "Your app has exceeded its compute units per second capacity."),
    ),
    "infura": Profile(
        max_blocks=100,
        blocks_refusal=(-32602, "range {count} exceeds limit of {limit}", 200),
        max_logs=4,
        logs_refusal=(
            -32005,
            "query returned more than {limit} results. Try with this block range"
            " [0x{first:X}, 0x{last:X}].",
            200,
        ),
        rate_refusal=(-32005, "project ID request rate exceeded"),
    ),
    "quicknode": Profile(
        max_blocks=100,
        blocks_refusal=(-32614, "eth_getLogs is limited to a {limit:,} range", 413),
        rate_refusal=(
            -32007,
            "50/second request limit reached - reduce calls per second or upgrade your account",
        ),
    ),
    "publicnode": Profile(
        max_blocks=100,
        blocks_refusal=(-32701, "exceed maximum block range: {limit}", 200),
        address_refusal=ADDRESS_WANTED,
        max_call_bytes=2_000,
    ),
    "bsc-strict": Profile(
        max_blocks=100,
        blocks_refusal=(-32005, "limit exceeded", 200),
        address_refusal=ADDRESS_WANTED,
        max_batch=5,
        max_call_bytes=2_000,
    ),
    "strict-with-wallets": Profile(
        max_blocks=100,
        blocks_refusal=(-32005, "limit exceeded", 200),
        max_logs=4,
        max_batch=3,
        max_call_bytes=2_000,
    ),
}


@dataclass
class Provider:
    """An endpoint before a node.

    Attributes:
        upstream: The node.
        session: Connections to it.
        profile: What is refused.
        faults: Name to n: the fault happens at every n-th occasion, counted from the first.
        seen: Occasions so far, by name of the fault.
        turn: One request is answered at a time.
    """

    upstream: str
    session: aiohttp.ClientSession
    profile: Profile
    faults: Mapping[str, int] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one HTTP request; the calls of a batch are occasions in a row."""
        body = orjson.loads(await request.read())
        if self._hits("timeout_every"):
            await asyncio.sleep(3600)
        async with self.turn:
            return await self._respond(body)

    async def _respond(self, body: Any) -> web.Response:
        if "latency_ms" in self.faults:
            await asyncio.sleep(self.faults["latency_ms"] / 1000)
        if self._hits("http_429_every"):
            code, message = self.profile.rate_refusal
            refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
            return web.json_response(refusal, status=429, headers={"Retry-After": "0"})
        if self._hits("http_503_every"):
            return web.Response(status=503, text="Service Temporarily Unavailable")
        if not isinstance(body, list):
            answer, status = await self._answer(body)
            return web.json_response(answer, status=status)
        if self._hits("batch_single_error_object"):
            return web.json_response(
                _error(None, (-32600, "batch requests are not available", 200))
            )
        most = self.profile.max_batch
        if most is not None and len(body) > most:
            refused = self.profile.batch_refusal
            return web.json_response(_error(None, refused), status=refused[2])
        answers = [(await self._answer(call))[0] for call in body]
        return web.json_response(answers[::-1] if "batch_out_of_order" in self.faults else answers)

    async def _answer(self, call: Call) -> tuple[Call, int]:
        refused = self._refusal(call)
        if refused is not None:
            return _error(call["id"], refused), refused[2]
        answer = await self._forward(call)
        if "result" not in answer:
            return answer, 200
        if call["method"] == "eth_getLogs":
            return self._logs(call, answer)
        if call["method"] == "eth_getTransactionReceipt" and self._hits("null_receipt_every"):
            answer["result"] = None
        if call["method"] == "eth_blockNumber" and self._hits("head_back_every"):
            answer["result"] = hex(int(answer["result"], 16) - 1)
        if call["method"] == "eth_chainId" and "wrong_chain_id" in self.faults:
            answer["result"] = hex(self.faults["wrong_chain_id"])
        return answer, 200

    def _refusal(self, call: Call) -> Refusal | None:
        method, params = call["method"], call["params"]
        if "no_finality_tags" in self.faults and params[:1] in (["finalized"], ["safe"]):
            return -32602, f"{params[0]} block not found", 200
        reads_state = method in ("eth_call", "eth_getBalance", "eth_getTransactionCount")
        if "missing_state" in self.faults and reads_state:
            return -32000, "missing trie node 5fa3 (path ) state 0xab is not available", 200
        most = self.profile.max_call_bytes
        if method == "eth_call" and most is not None and len(params[0]["data"]) > 2 * most:
            return -32000, "out of gas: gas required exceeds allowance", 200
        if method != "eth_getLogs":
            return None
        if self.profile.address_refusal is not None and not params[0].get("address"):
            return self.profile.address_refusal
        first, last = _range(call)
        limit = self.profile.max_blocks
        if limit is not None and last - first + 1 > limit:
            return self._worded(self.profile.blocks_refusal, limit, first, first + limit - 1, last)
        return None

    def _logs(self, call: Call, answer: Call) -> tuple[Call, int]:
        """Logs as the provider gives them: refused, or with a fault."""
        first, last = _range(call)
        logs, most = answer["result"], self.profile.max_logs
        if most is not None and len(logs) > most and first < last:
            middle = first + (last - first) // 2
            refused = self._worded(self.profile.logs_refusal, most, first, middle, last)
            return _error(call["id"], refused), refused[2]
        if logs and self._hits("null_logs_every"):
            answer["result"] = None
        elif logs and self._hits("truncated_logs_every"):
            answer["result"] = logs[: len(logs) * 3 // 4]
        elif logs and self._hits("removed_logs_every"):
            answer["result"] = [*logs, {**logs[-1], "removed": True, "logIndex": "0xfff"}]
        elif "empty_logs" in self.faults:
            answer["result"] = []
        return answer, 200

    def _worded(self, refusal: Refusal, limit: int, first: int, middle: int, last: int) -> Refusal:
        suggested = last if "same_suggestion" in self.faults else middle
        message = refusal[1].format(
            limit=limit, count=last - first + 1, first=first, last=suggested
        )
        return refusal[0], message, refusal[2]

    async def _forward(self, call: Call) -> Call:
        async with self.session.post(self.upstream, json=call) as response:
            answer: Call = orjson.loads(await response.read())
        return answer

    def _hits(self, fault: str) -> bool:
        self.seen[fault] += 1
        return fault in self.faults and self.seen[fault] % self.faults[fault] == 0


def _range(call: Call) -> tuple[int, int]:
    wanted = call["params"][0]
    return int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)


def _error(call_id: object, refusal: Refusal) -> Call:
    error = {"code": refusal[0], "message": refusal[1]}
    return {"jsonrpc": "2.0", "id": call_id, "error": error}
