"""Create the four example jobs through the REST API.

A wallet every 15 minutes, a token's flows every 30 minutes, an NFT collection every hour, and one
snapshot of the wallet five minutes from now. Needs nothing but Python:

    python3 examples/create_example_jobs.py --gateway http://127.0.0.1:3000
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

WALLET = "0x742d35Cc6634C0532925a3b8D4C9db96C4b4d8b6"
TOKEN = "0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7"  # noqa: S105  # a token contract
COLLECTION = "0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"


def example_jobs(wallet: str, token: str, collection: str) -> Iterator[dict[str, Any]]:
    """Yield the bodies of four `POST /jobs` requests.

    Args:
        wallet: Address of the wallet to look into.
        token: Address of the ERC-20 token to analyse.
        collection: Address of the NFT collection to analyse.
    """
    snapshot = {
        "wallet": wallet,
        "options": {"includeTransactions": True, "includeTokenBalances": True, "includeNFTs": True},
    }
    flows = {"tokenAddress": token, "options": {"transactionLimit": 1000, "includeAlerts": True}}
    movements = {"collectionAddress": collection, "options": {"includeAlerts": True}}
    soon = datetime.now(UTC) + timedelta(minutes=5)
    yield _recurring("wallet_snapshot", snapshot, minutes=15)
    yield _recurring("analyze_coin_flows", flows, minutes=30)
    yield _recurring("analyze_nft_movements", movements, minutes=60)
    yield {
        "action": "wallet_snapshot",
        "payload": snapshot,
        "type": "scheduled",
        "scheduledAt": soon.isoformat(timespec="milliseconds"),
    }


def _recurring(action: str, payload: dict[str, Any], *, minutes: int) -> dict[str, Any]:
    # "retry" is the API's word for a recurring job
    return {"action": action, "payload": payload, "type": "retry", "intervalMinutes": minutes}


def create_job(gateway: str, job: dict[str, Any]) -> dict[str, Any]:
    """Send one job; return it as the gateway stored it.

    Raises:
        urllib.error.HTTPError: The gateway refused it; the answer says why.
        OSError: The gateway does not answer.
    """
    request = urllib.request.Request(  # noqa: S310  # the user names the gateway
        f"{gateway.rstrip('/')}/jobs",
        data=json.dumps(job).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        created: dict[str, Any] = json.load(answer)
    return created


def describe(job: dict[str, Any]) -> str:
    """Return a line for a person."""
    if job["type"] == "scheduled":
        when = f"once, at {job['scheduledAt']}"
    else:
        when = f"every {job['intervalMinutes']:g} min"
    return f"{job['id']}  {job['action']:<22} {when}"


def main() -> None:
    """Create the jobs and print what became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gateway", default="http://127.0.0.1:3000", help="URL of the API")
    parser.add_argument("--wallet", default=WALLET, help=f"default: {WALLET}")
    parser.add_argument("--token", default=TOKEN, help=f"default: {TOKEN}")
    parser.add_argument("--collection", default=COLLECTION, help=f"default: {COLLECTION}")
    parser.add_argument("--json", action="store_true", help="print the jobs as JSON")
    chosen = parser.parse_args()
    try:
        jobs = [
            create_job(chosen.gateway, job)
            for job in example_jobs(chosen.wallet, chosen.token, chosen.collection)
        ]
    except urllib.error.HTTPError as error:
        with error:
            sys.exit(f"the gateway refused a job ({error.code}): {error.read().decode()}")
    except OSError as error:
        sys.exit(f"no gateway answers at {chosen.gateway} ({error}): start it, or use --gateway")
    lines = [json.dumps(jobs, indent=2)] if chosen.json else map(describe, jobs)
    for line in lines:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
