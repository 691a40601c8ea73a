"""What handlers ask for by type."""

from typing import Annotated

from fastapi import Depends, Request

from gateway.connections import Connections


async def _connections(request: Request) -> Connections:
    connections: Connections = request.app.state.connections
    return connections


async def ready_connections(request: Request) -> Connections:
    """Return connections with a database that was prepared.

    `Ready` asks for them; a busy route asks itself, which spares FastAPI's resolution.

    Raises:
        ProblemError: The database is not prepared yet.
    """
    connections = await _connections(request)
    connections.check_database()
    return connections


AnyConnections = Annotated[Connections, Depends(_connections)]
"""The connections as they are, for health checks."""

Ready = Annotated[Connections, Depends(ready_connections)]
"""Connections with a database that was prepared; a 503 problem before that."""
