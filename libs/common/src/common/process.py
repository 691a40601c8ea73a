"""What every service process does first and last: logs, traces, signals, event loop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping

from common.health import Check, HealthServer
from common.logging import configure_logging
from common.settings import ServiceSettings, process_name
from common.telemetry import tracing

logger = logging.getLogger(__name__)


def run_service(
    name: str, settings: ServiceSettings, main: Callable[[asyncio.Event], Awaitable[None]]
) -> None:
    """Run `main` until it returns.

    Args:
        name: Service name in logs and traces.
        settings: What the service read from its environment.
        main: Receives an event that SIGTERM or SIGINT sets; it should return soon after. When it
            raises, the process ends with a traceback and a non-zero code, to be started again.
    """
    configure_logging(name, settings.log_level, settings.log_format)
    with tracing(name, process_name(), settings.otel_exporter_otlp_endpoint):
        asyncio.run(_run(name, main))


async def _run(name: str, main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    logger.info("started", extra={"instance": process_name()})
    await main(stop)
    logger.info("stopped")


async def serve_health(
    settings: ServiceSettings, live: Mapping[str, Check], ready: Mapping[str, Check]
) -> None:
    """Serve `/livez`, `/readyz` and `/metrics` until cancelled, if a port is configured."""
    if settings.health_port is not None:
        await HealthServer(live, ready).serve(settings.health_host, settings.health_port)


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Wait until `stop` is set, at most `seconds`; tell whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return stop.is_set()
    return True
