"""Synchronous JSON-RPC client of a development node (anvil), in batches."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from local_chain.errors import NodeUnreachableError, RpcError

# In long batches with mining in between, calls were seen to overtake one another.
CALLS_PER_REQUEST = 30


class Node:
    """One anvil, spoken to over HTTP. Use it as a context manager, it keeps a connection open.

    A batch may set the time of the next block, send its transactions and mine it: anvil works
    through a short batch in the order given, as long as mining is its last call.
    """

    def __init__(self, rpc_url: str, *, timeout_seconds: float = 30.0) -> None:
        self._rpc_url = rpc_url
        self._client = httpx.Client(timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one call.

        Raises:
            NodeUnreachableError: The node does not answer JSON-RPC.
            RpcError: The node answered with an error.
        """
        return self.batch([(method, list(params))])[0]

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Return the results of several calls, executed and answered in the order given.

        Raises:
            NodeUnreachableError: The node does not answer JSON-RPC.
            RpcError: The node answered one of the calls with an error.
        """
        results: list[Any] = []
        for start in range(0, len(calls), CALLS_PER_REQUEST):
            results.extend(self._request(calls[start : start + CALLS_PER_REQUEST]))
        return results

    def _request(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate(calls)
        ]
        answers = {answer["id"]: answer for answer in self._post(body)}
        results = []
        for index, (method, _) in enumerate(calls):
            answer = answers[index]
            if "error" in answer:
                raise RpcError(f"{method} failed: {answer['error'].get('message')!r}")
            results.append(answer.get("result"))
        return results

    def _post(self, body: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # The URL of a node may carry a key, so an error names its host and port only.
        url = httpx.URL(self._rpc_url)
        where = f"{url.host}:{url.port or url.scheme}"
        try:
            response = self._client.post(url, json=body)
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NodeUnreachableError(
                f"no JSON-RPC answer from {where} ({type(error).__name__}): "
                "start anvil there, or give the right --rpc-url"
            ) from None
        if not isinstance(answer, list):
            raise NodeUnreachableError(f"{where} does not answer JSON-RPC batches: is it anvil?")
        return answer
