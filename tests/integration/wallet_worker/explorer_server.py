"""A block explorer's account API, as Etherscan documents it, over records that a test gives it.

Answers, errors and limits: Etherscan, API reference ("Get normal transactions by address", "Get
internal transactions by address", "Get beacon chain withdrawals by address", "Common error
messages"): text for every number, status "0" with an empty list when there is nothing, and with
words in `result` for an error; page times offset may not exceed 10,000.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aiohttp import web

KEY = "EXPLORERKEY0123456789"
NOTHING = {"status": "0", "message": "No transactions found", "result": []}


def refusal(words: str) -> dict[str, str]:
    """An error as the explorer words it."""
    return {"status": "0", "message": "NOTOK", "result": words}


class ExplorerServer:
    """Serves `records` by action, newest or oldest first, page by page.

    Attributes:
        url: Where it listens.
        records: By action, oldest first; hashes as the chain has them.
        head: Newest block that it knows; None makes it a server that does not say.
        queries: Every query received.
        calls: Number of them by action.
        calls_per_second: More in one second are refused.
        broken: Words that stand in for any answer, while there are some left.
    """

    def __init__(self, chain_id: int) -> None:
        self.url = ""
        self.records: dict[str, list[dict[str, str]]] = {"txlist": [], "txlistinternal": []}
        self.head: int | None = 10**9
        self.queries: list[dict[str, str]] = []
        self.calls: Counter[str] = Counter()
        self.calls_per_second = 1_000
        self.broken: list[str] = []
        self._chain_id = chain_id
        self._recent: list[float] = []

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request; errors too have HTTP status 200."""
        query = dict(request.query)
        self.queries.append(query)
        self.calls[query.get("action", "")] += 1
        return web.json_response(self._answer(query))

    def _answer(self, query: Mapping[str, str]) -> Any:
        now = time.monotonic()
        self._recent = [each for each in self._recent if now - each < 1] + [now]
        if len(self._recent) > self.calls_per_second:
            return refusal(f"Max calls per sec rate limit reached ({self.calls_per_second}/sec)")
        if self.broken:
            return refusal(self.broken.pop(0))
        if query.get("apikey") != KEY:
            return refusal("Invalid API Key (#err2)|" + str(query.get("apikey")))
        if query.get("chainid") != str(self._chain_id):
            return refusal("Missing or unsupported chainid parameter (required for v2 api)")
        if query.get("action") == "eth_blockNumber" and self.head is not None:
            return {"jsonrpc": "2.0", "id": 83, "result": hex(self.head)}
        if query.get("module") != "account" or query.get("action") not in self.records:
            return refusal("Error! Missing Or invalid Action name")
        return self._page(query)

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        page, offset = int(query["page"]), int(query["offset"])
        if page * offset > 10_000:
            return refusal(
                "Result window is too large, PageNo x Offset size must be less than or equal to"
                " 10000"
            )
        first, last = int(query["startblock"]), int(query["endblock"])
        found = [
            each
            for each in self.records[query["action"]]
            if first <= int(each["blockNumber"]) <= last
        ]
        found.sort(key=lambda each: int(each["blockNumber"]), reverse=query["sort"] == "desc")
        shown = found[(page - 1) * offset : page * offset]
        return {"status": "1", "message": "OK", "result": shown} if shown else NOTHING
