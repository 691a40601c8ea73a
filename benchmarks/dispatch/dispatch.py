"""Figures of scheduling and dispatching, one JSON line each.

    python -m benchmarks.dispatch.dispatch                      # all, an hour
    python -m benchmarks.dispatch.dispatch whole_life kill9     # some

`--peer DIR` names a copy of the BullMQ + MongoDB application (`app.mjs`, after `npm install`),
which then takes turns with ours. A figure that fails is printed as such, and the next one is
measured.
"""

import argparse
import sys
from collections.abc import Callable

from benchmarks.dispatch.backlog import backlog
from benchmarks.dispatch.creation import create
from benchmarks.dispatch.lateness import herd, lateness, overload, pickup
from benchmarks.dispatch.recovery import kill9
from benchmarks.dispatch.report import emit
from benchmarks.dispatch.size import memory, stored
from benchmarks.dispatch.throughput import whole_life

FIGURES: dict[str, Callable[[argparse.Namespace], None]] = {
    each.__name__: each
    for each in (
        whole_life,
        lateness,
        herd,
        overload,
        pickup,
        kill9,
        create,
        stored,
        memory,
        backlog,
    )
}


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figures", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--runs", type=int, default=3, help="rounds of a figure that is repeated")
    parser.add_argument("--seconds", type=float, default=20, help="how long firings are watched")
    parser.add_argument("--aof", action="store_true", help="Redis with an append-only file")
    parser.add_argument("--jobs", type=int, default=10_000, help="of whole_life")
    parser.add_argument("--replicas", nargs="*", default=["1x1"], help="schedulers x workers")
    parser.add_argument("--peer", help="directory of the peer of whole_life")
    parser.add_argument("--workers", type=int, default=1, help="of herd")
    parser.add_argument("--stored", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--minutes", type=float, default=30, help="of memory")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="due runs that wait")
    parser.add_argument("--requests", type=int, default=3_000, help="of a round of create")
    parser.add_argument("--in-flight", type=int, nargs="*", default=[1, 16, 64], help="of create")
    options = parser.parse_args()
    options.replicas = [tuple(map(int, each.split("x"))) for each in options.replicas]
    failed = 0
    for name in options.figures or FIGURES:
        try:
            FIGURES[name](options)
        except Exception as error:  # noqa: BLE001  # the other figures do not depend on it
            emit(name, failed=f"{type(error).__name__}: {error}"[:2_000])
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
