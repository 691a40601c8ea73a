"""How an anvil must be started for the scenario to fit on it."""

from datetime import UTC, datetime

from local_chain.addresses import CHAIN_ID

# Any moment long before the traffic: without it anvil dates its first block now, and no history
# fits before it.
GENESIS_TIME = datetime(2025, 1, 1, tzinfo=UTC)

ANVIL_ARGUMENTS = (
    *("--chain-id", str(CHAIN_ID)),
    *("--timestamp", str(int(GENESIS_TIME.timestamp()))),
    *("--slots-in-an-epoch", "1"),  # a block is final when two more follow
    # Enough for the whole history. Without it anvil writes older states, 0.4 MB each, to the
    # home directory and leaves them there.
    *("--prune-history", "500"),
)
