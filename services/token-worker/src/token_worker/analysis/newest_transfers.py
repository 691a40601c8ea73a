"""The newest transfers of addresses as evidence, also where they are in no table any more."""

from collections.abc import Iterable
from itertools import islice

from common.results.alerts import Evidence
from token_worker.analysis.ledger import Ledger
from token_worker.analysis.table import EVIDENCE_CAP, LOG_INDEX_BITS, LOG_INDEX_MASK


def newest_transfers(ledger: Ledger, addresses: Iterable[str]) -> list[Evidence]:
    """Return the newest transfer of each of the first addresses that are in any transfer."""
    codes = (code for address in addresses if (code := ledger.code(address)) >= 0)
    return [_newest_of(ledger, code) for code in islice(codes, EVIDENCE_CAP)]


def _newest_of(ledger: Ledger, code: int) -> Evidence:
    position = int(ledger.last_positions[code])
    return Evidence(
        transaction_hash="0x" + ledger.last_hashes[code].tobytes().hex(),
        log_index=position & LOG_INDEX_MASK,
        block_number=position >> LOG_INDEX_BITS,
    )
