"""What handlers ask for by type."""

from typing import Annotated

from fastapi import Depends, Request

from gateway.connections import Connections


async def _connections(request: Request) -> Connections:
    connections: Connections = request.app.state.connections
    return connections


AnyConnections = Annotated[Connections, Depends(_connections)]
"""The connections as they are, for health checks."""


async def _ready_connections(connections: AnyConnections) -> Connections:
    connections.check_database()
    return connections


Ready = Annotated[Connections, Depends(_ready_connections)]
"""Connections with a database that was prepared; a 503 problem before that."""
