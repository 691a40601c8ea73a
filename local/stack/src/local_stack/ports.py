"""Free TCP ports on the loopback interface, and who holds one that is not free."""

import random
import socket

import psutil

# Below the range from which Linux takes ports of outgoing connections: a server that is stopped
# and started again finds its port free.
FIRST_PORT, LAST_PORT = 20_000, 32_000

_handed_out: set[int] = set()


def find_free_port() -> int:
    """Return a port that nobody listens on and that was not returned before by this process."""
    while True:
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311  # no secret
        if port not in _handed_out and is_free(port):
            _handed_out.add(port)
            return port


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> str | None:
    """Return `<program> (process <pid>)` of who listens on this port, None when not to be seen."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
            if connection.pid is None:
                return None
            return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None
