"""A report that rests on a digest is the one that reading every transfer gives."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.actions.analyze_coin_flows import CoinFlowOptions, CoinFlowThresholds
from common.chain.transfers import Erc20Transfer
from common.chain.types import ZERO_ADDRESS, Address, Block, TokenMetadata
from common.labels.label import Label
from common.models import from_millis
from common.results.envelope import Reason
from token_worker.analysis import activity, digesting, report, search, transfer_alerts
from token_worker.analysis.digest import Digest
from token_worker.analysis.digesting import make_digest
from token_worker.analysis.report import report_findings, report_flows
from token_worker.analysis.search import find_everything, search_circles
from token_worker.analysis.table import EVIDENCE_CAP, TransferTable
from token_worker.analysis.trends import PreviousReport
from token_worker.history.digest_packing import pack_digest, unpack_digest
from token_worker.models import TokenFlowReading

TOKEN = Address("0x7fa7677c6708f0cd07724d61bfdc6be6bb15d2e7")
DEAD = Address("0x" + "0" * 36 + "dead")
PEOPLE = [Address(f"0x{digit * 40}") for digit in "123456"]
ALIKE = [Address("0xabcd" + digit * 32 + "ef01") for digit in "78"]
LABELS = {PEOPLE[0]: Label("exchange", "Kraken 1"), PEOPLE[1]: Label("exchange", "Bitfinex 2")}
START = 1_700_000_000
CROWD = EVIDENCE_CAP + 4
UNIT = 10**40  # so that sums leave every machine word behind

FAKE = Reason(code="counterfeit_symbol", detail="its symbol 'USDC' is the symbol of another one")

THRESHOLDS = {
    "batchRecipients": 2,
    "batchSpamRecipients": 3,
    "poisoningZeroTransfers": 2,
    "poisoningFakeTransfers": 2,
    "poisoningDustTransfers": 2,
    "dormantDays": 0.2,
    "dormantSupplyPct": 5.0,
    "circularResidualPct": 20.0,
    "activityMinTransfers": 1,
    "activityZScore": 1.0,
    "activitySpikePct": 50.0,
    "whaleMovementPct": 20.0,
}

Row = tuple[int, Address, Address, int]
"""Place of the transaction in its block, sender, recipient and amount."""
Blocks = list[tuple[int, list[Row]]]
"""Seconds since the block before, and its transfers."""

PERSON = st.sampled_from([*PEOPLE, *ALIKE, DEAD, TOKEN, ZERO_ADDRESS])
GAP = st.sampled_from([1, 60, 600, 1_700, 3_600, 40_000, 90_000, 700_000, 2_000_000])
AMOUNT = st.sampled_from([0, 0, 1, 50, 50, 100, 100, 1_000])
ALL = -1
"""An amount: whatever the sender has."""


def _noise(gaps: list[int], rows: list[Row]) -> Blocks:
    return [(gap, [row]) for gap, row in zip(gaps, rows, strict=False)]


def _ring(gap: int, amount: int, people: list[Address], loose: int) -> Blocks:
    """Everything goes round once, and a little more."""
    hops = zip(people, [*people[1:], people[0]], strict=True)
    ring: Blocks = [(gap, [(0, sender, recipient, amount)]) for sender, recipient in hops]
    return [(5, [(0, ZERO_ADDRESS, people[0], amount)]), *ring, *ring[:loose]]


def _bait(gap: int, victim: Address, real: Address, dust: int) -> Blocks:
    fake = ALIKE[1 - ALIKE.index(real)]
    return [
        (5, [(0, ZERO_ADDRESS, victim, 50_001)]),
        (gap, [(0, victim, real, 50_000)]),
        (gap, [(0, victim, fake, dust)]),
    ]


def _batch(gap: int, sender: Address, recipients: list[Address], amount: int) -> Blocks:
    served: list[Row] = [(0, sender, recipient, amount) for recipient in recipients]
    return [(gap, [(0, ZERO_ADDRESS, sender, 1_000)]), (5, served)]


def _some_people(count: int) -> st.SearchStrategy[list[Address]]:
    return st.permutations(PEOPLE).map(lambda order: order[:count])


def _crowd(gap: int, senders: list[Address], recipient: Address, growing: bool) -> Blocks:
    """More transfers within a minute than an alert shows, the largest first or last."""
    amounts = range(3, 3 + CROWD) if growing else range(3 + CROWD, 3, -1)
    served: list[Row] = [
        (n, senders[n % len(senders)], recipient, amount) for n, amount in enumerate(amounts)
    ]
    return [(gap, [(0, ZERO_ADDRESS, sender, 500) for sender in senders]), (5, served)]


def _small_fish(gap: int, people: list[Address]) -> Blocks:
    """Rests and moves of little, which count only once most of the supply is gone."""
    small, other, large = people
    return [
        (5, [(0, ZERO_ADDRESS, small, 60), (1, ZERO_ADDRESS, large, 50_000)]),
        (gap, [(0, small, other, 30)]),
    ]


def _collapse(gap: int, people: list[Address]) -> Blocks:
    """Those who burn all they have."""
    return [(gap, [(0, person, ZERO_ADDRESS, ALL) for person in people])]


def _slices(gap: int, people: list[Address]) -> Blocks:
    """Large transfers that are little of what their sender has, and so nothing but large."""
    sender, recipient = people
    mint: Blocks = [(5, [(0, ZERO_ADDRESS, sender, 10**6)])]
    return [*mint, *_noise([5, gap, 5], [(0, sender, recipient, 10**5)] * 3)]


def _hand_over(gap: int, people: list[Address]) -> Blocks:
    """All that one has goes through other hands, and nothing is minted or burned."""
    hops = pairwise(people)
    return [(gap, [(0, sender, recipient, ALL)]) for sender, recipient in hops]


def _funds(**amounts: int) -> tuple[int, list[Row]]:
    """Mints to people by number."""
    return 5, [
        (n, ZERO_ADDRESS, PEOPLE[int(who.strip("p"))], amount)
        for n, (who, amount) in enumerate(amounts.items())
    ]


QUIET = [2_000_000, 1, 1, 2_000_000]
NEXT_WEEK = 92_800  # seconds from START to the next multiple of a week
WEEK = 604_800


def _last_of_many(sender: Address, recipient: Address) -> Blocks:
    """More than an alert shows, a last small one days later, and then quiet on this side."""
    crowd: list[Row] = [(0, sender, recipient, 40 - n) for n in range(CROWD)]
    return [
        _funds(p2=10_000, p3=10_000, p0=10_000),
        (2_000_000, crowd),
        (200_000, [(0, sender, recipient, 1)]),
        *_noise(QUIET, [(0, PEOPLE[3], PEOPLE[4], 1)] * 4),
    ]


def _only_large() -> Blocks:
    """Among the largest transfers, but neither a whale's movement nor anything else."""
    slices: Blocks = [(9_000, [(0, PEOPLE[2], PEOPLE[3], 10**5)]) for _ in range(3)]
    return [_funds(p2=10**6), *slices, *_noise(QUIET, [(0, PEOPLE[3], PEOPLE[4], 1)] * 4)]


def _a_busy_week() -> Blocks:
    """A spike in the oldest week that is shown, with a last small transfer days later."""
    once: list[Row] = [(0, PEOPLE[2], PEOPLE[3], 1)]
    crowd: list[Row] = [(0, PEOPLE[2], PEOPLE[3], 40 - n) for n in range(CROWD)]
    return [
        _funds(p2=10_000),
        *_noise([NEXT_WEEK + 1_000, *[WEEK] * 8], once * 9),
        (WEEK, crowd),
        *_noise([200_000, WEEK - 200_000, WEEK, 500_000, 1_000], once * 5),
    ]


def _supply_that_vanishes() -> Blocks:
    """What a digest leaves out as too little is much once nearly everything is burned."""
    return [
        _funds(p2=60, p4=50_000),
        (40_000, [(0, PEOPLE[2], PEOPLE[3], 30)]),
        (2_000_000, [(0, PEOPLE[4], PEOPLE[5], 1)]),
        (1, [(0, PEOPLE[4], ZERO_ADDRESS, ALL)]),
    ]


def _circle_over_a_boundary(span: int) -> Blocks:
    """A circle about the boundary of two spans, and a digest that may not call it final yet."""
    begin = NEXT_WEEK + WEEK - span // 2
    ring = pairwise([*PEOPLE[2:5], PEOPLE[2]])
    gaps = [begin + span // 20, span // 3, span // 4]
    later: Blocks = [(span // 5, [(0, PEOPLE[2], PEOPLE[3], 1)]) for _ in range(2)]
    funds = _funds(p2=1_000, p3=1_000, p4=1_000, p5=1_000)
    return [funds, *_noise(gaps, [(0, *hop, 20) for hop in ring]), *later]


def _a_final_circle(age: int) -> Blocks:
    """A circle that a digest holds and that a later search must not begin to see again."""
    ring = pairwise([*PEOPLE[2:5], PEOPLE[2]])
    once: list[Row] = [(0, PEOPLE[2], PEOPLE[5], 1)]
    return [
        _funds(p2=1_000),
        *_noise([NEXT_WEEK, 5, 5], [(0, *hop, 100) for hop in ring]),
        *_noise([age, 1_000], once * 2),
    ]


STORIES: list[tuple[Blocks, int, Reason | None]] = [
    (_last_of_many(ZERO_ADDRESS, PEOPLE[2]), 5, None),
    (_last_of_many(PEOPLE[2], ZERO_ADDRESS), 5, None),
    (_last_of_many(PEOPLE[2], PEOPLE[0]), 5, None),
    (_last_of_many(PEOPLE[0], PEOPLE[2]), 5, FAKE),
    (_only_large(), 5, None),
    (_a_busy_week(), 10_080, None),
    (_supply_that_vanishes(), 60, None),
    (_circle_over_a_boundary(86_400), 60, None),
    (_circle_over_a_boundary(WEEK), 60, None),
    (_a_final_circle(2 * 86_400), 60, None),
    (_a_final_circle(WEEK + WEEK // 3), 60, None),
]
"""What chance rarely comes upon, length of a bucket; the digest is made before the last block."""

BLOCKS = st.lists(
    st.one_of(
        st.builds(
            _noise,
            st.lists(GAP, min_size=4, max_size=4),
            st.lists(st.tuples(st.integers(0, 1), PERSON, PERSON, AMOUNT), min_size=1, max_size=4),
        ),
        st.builds(
            _ring,
            GAP,
            st.sampled_from([50, 100]),
            st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=4, unique=True),
            st.integers(0, 2),
        ),
        st.builds(
            _bait, GAP, st.sampled_from(PEOPLE), st.sampled_from(ALIKE), st.sampled_from([0, 1])
        ),
        st.builds(
            _batch,
            GAP,
            st.sampled_from(PEOPLE),
            st.lists(st.sampled_from(PEOPLE), min_size=2, max_size=5),
            st.sampled_from([0, 1, 50]),
        ),
        st.builds(
            _crowd,
            GAP,
            st.lists(st.sampled_from([*PEOPLE, ZERO_ADDRESS]), min_size=1, max_size=2, unique=True),
            st.sampled_from([*PEOPLE, ZERO_ADDRESS]),
            st.booleans(),
        ),
        st.builds(_small_fish, GAP, _some_people(3)),
        st.builds(_collapse, GAP, _some_people(4)),
        st.builds(_hand_over, GAP, _some_people(4)),
        st.builds(_slices, GAP, _some_people(2)),
    ),
    min_size=3,
    max_size=12,
).map(lambda motifs: [block for motif in motifs for block in motif])


@pytest.fixture(params=["whole lists", "lists cut short"], autouse=True)
def _caps(request: pytest.FixtureRequest) -> Iterator[None]:
    """Once with lists that hold everything, once with lists that leave most of it out."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "lists cut short":
            for module in (digesting, report, search, transfer_alerts):
                patch.setattr(module, "LIST_CAP", 4)
            patch.setattr(report, "ALERT_CAP_PER_TYPE", 3)
            patch.setattr(digesting, "NEWEST_KEPT", 2)
            for module in (activity, digesting):
                patch.setattr(module, "BUCKET_CAP", 3)
        yield


def _history(blocks: Blocks) -> tuple[TransferTable, dict[int, int]]:
    """Transfers of a token that follows ERC-20: nobody sends what it does not have."""
    held: dict[Address, int] = {}
    transfers: list[Erc20Transfer] = []
    times: dict[int, int] = {}
    moment = START
    for number, (seconds, rows) in enumerate(blocks):
        moment += seconds
        times[number] = moment
        for log_index, (transaction, sender, recipient, amount) in enumerate(
            sorted(rows, key=lambda row: row[0])
        ):
            raw = held.get(sender, 0) if amount == ALL else amount * UNIT
            if held.get(sender, 0) < raw:
                sender = ZERO_ADDRESS
            held[sender] = held.get(sender, 0) - raw
            held[recipient] = held.get(recipient, 0) + raw
            transfers.append(
                Erc20Transfer(
                    TOKEN,
                    sender,
                    recipient,
                    raw,
                    number,
                    f"0x{number * 10 + transaction:064x}",
                    transaction,
                    log_index,
                )
            )
    return TransferTable.from_transfers(transfers, times), times


def _reading(
    table: TransferTable, block: int, times: dict[int, int], counterfeit: Reason | None
) -> TokenFlowReading:
    """What a run at a block reads that has nothing to rest on."""
    table = table.until(block)
    held = dict.fromkeys(table.addresses, 0)
    for row in range(len(table)):
        held[table[row].sender] -= table[row].amount
        held[table[row].recipient] += table[row].amount
    supply = -held.pop(ZERO_ADDRESS, 0)
    return TokenFlowReading(
        chain_id=1,
        block=Block(block, f"0x{block:064x}", times[block] + 5, "finalized"),
        token=TokenMetadata(TOKEN, "Flow Token", "FLOW", 2, "ok"),
        total_supply=supply,
        from_block=0,
        truncated=False,
        table=table,
        unread_logs=0,
        window_start=START,
        balances={ZERO_ADDRESS: 0, **held},
        contracts={PEOPLE[2]: True},
        labels=LABELS,
        balances_are_sums=True,
        counterfeit=counterfeit,
    )


def _resting_on(digest: Digest, reading: TokenFlowReading) -> TokenFlowReading:
    """The same reading, of which only the transfers are there that the digest asks for."""
    whole_from = int(np.searchsorted(reading.table.timestamps, digest.whole_from))
    first_new = int(np.searchsorted(reading.table.block_numbers, digest.block_number + 1))
    newest = reading.table.part(min(whole_from, first_new), len(reading.table))
    past = unpack_digest(pack_digest(digest)).joined_to(newest)
    return replace(reading, table=past.kept, past=past, new_from=past.first_new_row())


def _assert_newest_are_kept(digest: Digest, table: TransferTable) -> None:
    """Whose balances are asked for first depends on them, beside the report."""
    newest = table.positions[-digesting.NEWEST_KEPT :]
    assert digest.kept.positions[-digesting.NEWEST_KEPT :].tolist() == newest.tolist()


def _with_stories(test: Callable[..., None]) -> Callable[..., None]:
    for blocks, bucket_minutes, counterfeit in STORIES:
        test = example(blocks, [len(blocks) - 2], bucket_minutes, counterfeit)(test)
    return test


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    BLOCKS,
    st.lists(st.integers(0, 59), min_size=1, max_size=4),
    st.sampled_from([5, 60, 10_080]),
    st.sampled_from([None, FAKE]),
)
@_with_stories
def test_incremental_equals_from_scratch(
    blocks: Blocks, runs: list[int], bucket_minutes: int, counterfeit: Reason | None
) -> None:
    table, times = _history(blocks)
    options = CoinFlowOptions(bucket_minutes=bucket_minutes)
    thresholds = CoinFlowThresholds.model_validate(THRESHOLDS)
    digest: Digest | None = None
    previous: PreviousReport | None = None
    for block in sorted({*(run % len(blocks) for run in runs), len(blocks) - 1}):
        reading = replace(_reading(table, block, times, counterfeit), previous=previous)
        wanted = report_flows(reading, options, thresholds)
        if digest is not None and (reading.total_supply or 0) >= digest.supply_floor:
            reading = _resting_on(digest, reading)
        circles = search_circles(reading, thresholds)
        found = find_everything(reading, options, thresholds, circles)

        assert report_findings(found, options, thresholds) == wanted

        digest = make_digest(found)
        if digest is not None:
            _assert_newest_are_kept(digest, table.until(block))
        moment = from_millis(times[block] * 1000)
        previous = previous or PreviousReport(block, moment, True, frozenset(), {})
