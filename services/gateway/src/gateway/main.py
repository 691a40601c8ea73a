"""The composition root of the gateway."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from common.process import run_service
from common.settings import load_settings
from gateway.connections import Connections
from gateway.error_handlers import install_error_handlers
from gateway.middleware import QUIET_PATHS, BodyLimit, RequestLog
from gateway.openapi import DESCRIPTION, PROBLEM_RESPONSES, install_openapi
from gateway.routes import ROUTERS
from gateway.routes.docs import SWAGGER_UI, SWAGGER_UI_PATH
from gateway.settings import BODY_LIMIT_BYTES, GatewaySettings

logger = logging.getLogger(__name__)

SHUTDOWN_SECONDS: Final = 3
BACKLOG: Final = 2048
STARTUP_FAILED: Final = 3


def create_app(settings: GatewaySettings) -> FastAPI:
    """Return the API; its connections are opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Connections(settings) as app.state.connections:
            yield

    app = FastAPI(
        title="Job Runner",
        version=version("job-runner-gateway"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own page loads its files from another host
        redoc_url=None,
        responses=PROBLEM_RESPONSES,
        generate_unique_id_function=lambda route: route.name,
        telemetry={
            "operation_spans": False,
            "auto_configure": False,
            "exclude": lambda scope: scope.get("path") in QUIET_PATHS,
        },
    )
    for router in ROUTERS:
        app.include_router(router)
    app.mount(SWAGGER_UI_PATH, StaticFiles(directory=SWAGGER_UI))
    install_openapi(app)
    install_error_handlers(app)
    app.add_middleware(BodyLimit, limit_bytes=BODY_LIMIT_BYTES)
    app.add_middleware(RequestLog)
    return app


def main() -> None:
    """Serve the API until SIGTERM or SIGINT; requests under way get three seconds to end."""
    settings = load_settings(GatewaySettings)
    with listen(settings.host, settings.port) as listener:
        run_service("gateway", settings, lambda stop: _serve(settings, listener, stop))


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        SystemExit: The address cannot be had; says why and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: without it, answers on
    # a connection that is kept open wait 40 ms for the client's delayed acknowledgement
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SystemExit(
            f"gateway: cannot listen on {host}:{port} ({error.strerror}): "
            "stop what uses it, or set PORT to another port"
        ) from error
    return listener


async def _serve(settings: GatewaySettings, listener: socket.socket, stop: asyncio.Event) -> None:
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        server_header=False,
    )
    server = uvicorn.Server(config)
    host, port, *_ = listener.getsockname()
    logger.info("listening", extra={"url": f"http://{host}:{port}"})
    await server.serve(sockets=[listener])
    if not server.started:
        raise SystemExit(STARTUP_FAILED)
    stop.set()


if __name__ == "__main__":
    main()
