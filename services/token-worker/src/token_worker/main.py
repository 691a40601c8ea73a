"""The token worker's process."""

from common.actions.analyze_coin_flows import ANALYZE_COIN_FLOWS
from common.worker import run_worker
from token_worker.handler import analyze_coin_flows


def main() -> None:
    """Run the worker until SIGTERM."""
    run_worker(ANALYZE_COIN_FLOWS, analyze_coin_flows)


if __name__ == "__main__":
    main()
