"""The worker runtime: everything a worker does that does not depend on its action."""

from common.worker.process import run_worker

__all__ = ["run_worker"]
