"""Many records made at once, without the garbage collector's detours."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collection() -> Iterator[None]:
    """Pauses the collector while many lasting objects are made, by code that awaits nothing.

    Each hundred thousand new objects make it walk all that live, in vain: parsing an answer of
    100,000 logs takes about a third of the time without it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
