"""What every service process does first and last: logs, traces, signals, event loop."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any

from common.health import Check, HealthServer
from common.logging import configure_logging
from common.settings import ServiceSettings, process_name
from common.telemetry import tracing

logger = logging.getLogger(__name__)

NEW_OBJECTS = 10_000
"""How many more objects than before make Python look for cycles among them. Its own 700 are less
than one batch of runs, and looking takes a fifth of a busy worker's time."""


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
    settle_collector()
    with tracing(name, process_name(), settings.otel_exporter_otlp_endpoint):
        asyncio.run(_run(name, main))


def settle_collector() -> None:
    """Have cycles looked for less often, and not among what is there: what was imported stays.

    Looking through it again and again delays firings.
    """
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])


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


async def run_together(
    stop: asyncio.Event,
    work: Mapping[str, Coroutine[Any, Any, None]],
    beside: Mapping[str, Coroutine[Any, Any, None]],
) -> None:
    """Run everything until all of `work` has ended, then end what runs `beside` it.

    The first failure of any part sets `stop`, so that nothing goes on half: a process that lacks a
    part must end, and be started again, rather than look alive.

    Args:
        stop: Tells `work` to end soon.
        work: By name, what ends by itself after `stop` is set.
        beside: By name, what serves the work and runs until cancelled.

    Raises:
        Exception: Of the first part that failed.
    """

    def stop_on_failure(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            failures.append(task)
            stop.set()

    def start(name: str, part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(part, name=name)
        task.add_done_callback(stop_on_failure)
        return task

    failures: list[asyncio.Task[None]] = []
    serving = [start(name, part) for name, part in beside.items()]
    working = [start(name, part) for name, part in work.items()]
    try:
        await asyncio.wait(working)
    finally:
        await end_tasks([*working, *serving])
    for task in failures:
        task.result()


async def end_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, again and again until they have ended.

    Once is not enough on Python 3.11: `asyncio.wait_for`, through which redis-py sends, swallows a
    cancellation that arrives together with its result (python/cpython#86296).
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)


async def wait_for(stop: asyncio.Event, seconds: float) -> bool:
    """Wait until `stop` is set, at most `seconds`; tell whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return stop.is_set()
    return True
