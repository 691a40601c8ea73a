"""What endpoints have shown to accept, remembered between processes by the digest of their URL."""

from collections.abc import Sequence
from typing import Any

from common.chain.endpoint import Endpoint
from common.chain.kept import Kept, Kind
from common.chain.log_ranges import Steps
from common.chain.store.packing import filter_digest
from common.chain.types import LogFilter

ENDPOINT = Kind("endpoint", may_change=True)
"""Caps of an endpoint by the digest of its URL; forgotten after a while, since plans change."""
STEPS = Kind("logSteps", may_change=True)
"""Blocks to ask for at once, by filter."""
_WORTH_KEEPING = 1.5
"""Steps that differ by less from what is kept are not written again."""


async def recall_endpoints(endpoints: Sequence[Endpoint], kept: Kept) -> None:
    """Lets endpoints begin with what they have shown to other processes."""
    unknown = {each.digest: each for each in endpoints if each.remembered is None}
    found = await kept.find_facts(ENDPOINT, unknown)
    for digest, endpoint in unknown.items():
        if digest in found:
            endpoint.recall(found[digest])
        endpoint.remembered = endpoint.learnt()


async def remember_endpoints(endpoints: Sequence[Endpoint], kept: Kept) -> None:
    """Keeps what has been learnt since it was last kept."""
    changed: dict[str, Any] = {
        each.digest: each.learnt() for each in endpoints if each.learnt() != each.remembered
    }
    await kept.keep_facts(ENDPOINT, changed, dict.fromkeys(changed, 0))
    for endpoint in endpoints:
        endpoint.remembered = endpoint.learnt()


async def recall_steps(steps: Steps, wanted: LogFilter, kept: Kept) -> None:
    """Lets a filter that this process has not read yet begin with the steps of another one."""
    if steps.remembered_blocks is not None:
        return
    digest = filter_digest(wanted)
    found = (await kept.find_facts(STEPS, [digest])).get(digest)
    if found is not None:
        steps.blocks, steps.refused = found
    steps.remembered_blocks = steps.blocks


async def remember_steps(steps: Steps, wanted: LogFilter, kept: Kept) -> None:
    """Keeps the steps of a filter if they have changed much."""
    before, after = sorted((steps.remembered_blocks or 1, steps.blocks))
    if after < before * _WORTH_KEEPING:
        return
    digest = filter_digest(wanted)
    await kept.keep_facts(STEPS, {digest: [steps.blocks, steps.refused]}, {digest: 0})
    steps.remembered_blocks = steps.blocks
