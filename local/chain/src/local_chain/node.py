"""Synchronous JSON-RPC client of a development node (anvil), in batches."""

import json
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from local_chain.errors import NodeUnreachableError, RpcError

CONNECTIONS = {"http": HTTPConnection, "https": HTTPSConnection}


class Node:
    """One anvil, spoken to over HTTP. Use it as a context manager, it keeps a connection open.

    Raises:
        NodeUnreachableError: This is no HTTP URL.
    """

    def __init__(self, rpc_url: str, *, timeout_seconds: float = 30.0) -> None:
        # The URL of a node may carry a key, so an error names its host and port only.
        try:
            parts = urlsplit(rpc_url)
            connect = CONNECTIONS[parts.scheme]
            self._connection = connect(parts.hostname or "", parts.port, timeout=timeout_seconds)
        except (KeyError, ValueError):
            raise NodeUnreachableError(
                "the RPC URL is none: expected one like http://127.0.0.1:8545"
            ) from None
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self._where = f"{self._connection.host}:{self._connection.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one call.

        Raises:
            NodeUnreachableError: The node does not answer JSON-RPC.
            RpcError: The node answered with an error.
        """
        return self.batch([(method, list(params))])[0]

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Return the results of several calls in the order given.

        anvil works on them concurrently: none of them may rely on another.

        Raises:
            NodeUnreachableError: The node does not answer JSON-RPC.
            RpcError: The node answered one of the calls with an error.
        """
        if not calls:
            return []
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
        headers = {"Content-Type": "application/json"}
        try:
            self._connection.request("POST", self._path, json.dumps(body).encode(), headers)
            with self._connection.getresponse() as response:
                content = response.read()
            if response.status != 200:
                raise NodeUnreachableError(
                    f"{self._where} answers HTTP {response.status} to JSON-RPC: is it anvil?"
                )
            answer = json.loads(content)
        except (OSError, HTTPException, ValueError) as error:
            raise NodeUnreachableError(
                f"no JSON-RPC answer from {self._where} ({type(error).__name__}): "
                "start anvil there, or give the right --rpc-url"
            ) from None
        if not isinstance(answer, list):
            raise NodeUnreachableError(
                f"{self._where} does not answer JSON-RPC batches: is it anvil?"
            )
        return answer
