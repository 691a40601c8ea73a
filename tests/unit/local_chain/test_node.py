"""What is said when the other side is no development node."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local_chain.errors import NodeUnreachableError
from local_chain.node import Node


class Answering(BaseHTTPRequestHandler):
    """Answers every request by the status and the text that its path spells: /200/text."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        _, status, text = self.path.split("/", 2)
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("/404/secret-key", "answers HTTP 404 to JSON-RPC: is it anvil"),
        ("/200/secret-key", r"no JSON-RPC answer .* \(JSONDecodeError\)"),
        ("/200/{}", "does not answer JSON-RPC batches"),
    ],
)
def test_a_server_that_is_no_node_is_named_without_its_path(
    server: str, answer: str, told: str
) -> None:
    with Node(server + answer) as node, pytest.raises(NodeUnreachableError, match=told) as error:
        node.call("eth_chainId")
    assert server.removeprefix("http://") in str(error.value)
    assert "secret-key" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8545", "ws://127.0.0.1:8545/key", "http://127.0.0.1:key/", ""]
)
def test_what_is_no_http_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(NodeUnreachableError, match="expected one like http") as e:
        Node(url)
    assert "key" not in str(e.value)


def test_an_empty_batch_asks_nobody() -> None:
    with Node("http://127.0.0.1:1") as node:
        assert node.batch([]) == []
