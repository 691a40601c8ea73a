"""Entry point of the wallet worker."""

from functools import partial

from common.actions.wallet_snapshot import WALLET_SNAPSHOT
from common.settings import load_settings
from common.worker import run_worker
from wallet_worker.handler import snapshot_with
from wallet_worker.settings import WalletWorkerSettings
from wallet_worker.sources import SourcesByChain


def main() -> None:
    """Run the worker until SIGTERM."""
    settings = load_settings(WalletWorkerSettings)
    sources = SourcesByChain(explorer_apis=settings.explorer_apis)
    run_worker(WALLET_SNAPSHOT, partial(snapshot_with, sources))


if __name__ == "__main__":
    main()
