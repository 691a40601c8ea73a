"""How the gateway listens."""

import socket

import pytest

from gateway.main import listen


def test_a_port_in_use_is_told_in_one_line_with_the_way_out() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            listen("127.0.0.1", port)

    assert ended.value.code == (
        f"gateway: cannot listen on 127.0.0.1:{port} (Address already in use): "
        "stop what uses it, or set PORT to another port"
    )


def test_the_socket_names_its_protocol_so_that_answers_are_sent_without_delay() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
