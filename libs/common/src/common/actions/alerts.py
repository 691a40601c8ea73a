"""Deterministic identity of alerts."""

import hashlib


def alert_id(chain_id: int, alert_type: str, subject: str, *evidence_keys: object) -> str:
    """Return 32 hex digits that depend only on what was seen on which chain.

    Args:
        chain_id: EIP-155 id of the chain.
        alert_type: The alert's type, such as `LARGE_TRANSFER`.
        subject: Address (and token id) it is about.
        evidence_keys: What tells this occurrence from others of its kind, such as a transaction
            hash and log index, or the start of an activity bucket. Order matters.
    """
    parts = [str(chain_id), alert_type, subject, *map(str, evidence_keys)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
