"""The process of the NFT worker."""

from common.actions.analyze_nft_movements import ANALYZE_NFT_MOVEMENTS
from common.worker import run_worker
from nft_worker.handler import analyze_nft_movements


def main() -> None:
    """Run the worker until SIGTERM."""
    run_worker(ANALYZE_NFT_MOVEMENTS, analyze_nft_movements)


if __name__ == "__main__":
    main()
