"""Entry point of the wallet worker."""

from common.actions.wallet_snapshot import WALLET_SNAPSHOT
from common.worker import run_worker
from wallet_worker.handler import take_snapshot


def main() -> None:
    """Run the worker until SIGTERM."""
    run_worker(WALLET_SNAPSHOT, take_snapshot)


if __name__ == "__main__":
    main()
