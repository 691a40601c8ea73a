"""How large the transfers are."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from common.results.coin_flows import SizeBin, SizeDistribution
from token_worker.analysis.exact import BIG_ENDIAN_LIMB, ByteArray, sum_all, to_bytes
from token_worker.analysis.table import TransferTable


@dataclass(frozen=True, eq=False)
class Sizes:
    """All amounts in order, and the sums of those with equally many decimal digits.

    Attributes:
        ordered: Each amount as its bytes, the highest first, so that their order is that of the
            amounts. All have the same length.
        sums: Raw sum of the amounts by number of decimal digits; zero has none.
    """

    ordered: ByteArray
    sums: Counter[int]

    @classmethod
    def of(cls, table: TransferTable) -> "Sizes":
        """Return the sizes of some transfers."""
        sizes = cls(np.sort(to_bytes(table.limbs)), Counter())
        for digits, start, end in sizes.bins():
            limbs = sizes.ordered[start:end].view(BIG_ENDIAN_LIMB).reshape(end - start, -1)
            sizes.sums[digits] = sum_all(limbs[:, ::-1])
        return sizes

    def followed_by(self, newer: "Sizes") -> "Sizes":
        """Return the sizes of these transfers and of others."""
        width = max(self.ordered.itemsize, newer.ordered.itemsize)
        older, later = _widened(self.ordered, width), _widened(newer.ordered, width)
        return Sizes(np.insert(older, np.searchsorted(older, later), later), self.sums + newer.sums)

    def __len__(self) -> int:
        return int(self.ordered.size)

    def __getitem__(self, place: int) -> int:
        """Return the amount at a place of the ascending order."""
        return int.from_bytes(self.ordered[place].ljust(self.ordered.itemsize, b"\0"), "big")

    def count_from(self, least: int) -> int:
        """Return how many transfers are of at least so much."""
        if least.bit_length() > 8 * self.ordered.itemsize:
            return 0
        wanted = np.bytes_(least.to_bytes(self.ordered.itemsize, "big"))
        return len(self) - int(np.searchsorted(self.ordered, wanted))

    def bins(self) -> list[tuple[int, int, int]]:
        """Return number of decimal digits, first place and end of each bin that is not empty."""
        count, found, start, digits = len(self), [], 0, 0
        while start < count:
            end = count - self.count_from(10**digits)
            if end > start:
                found.append((digits, start, end))
            start, digits = end, digits + 1
        return found


def describe_sizes(sizes: Sizes) -> SizeDistribution:
    """Return mean, median, percentiles and histogram of raw amounts, all exact integers.

    Percentiles are by nearest rank, see `common.statistics.percentile`.
    """
    count = len(sizes)
    if not count:
        return SizeDistribution(
            mean_raw=None,
            median_raw=None,
            p90_raw=None,
            p95_raw=None,
            p99_raw=None,
            max_raw=None,
            histogram=[],
        )

    def percentile(percent: int) -> str:
        return str(sizes[-(-count * percent // 100) - 1])

    return SizeDistribution(
        mean_raw=str(sum(sizes.sums.values()) // count),
        median_raw=str((sizes[(count - 1) // 2] + sizes[count // 2]) // 2),
        p90_raw=percentile(90),
        p95_raw=percentile(95),
        p99_raw=percentile(99),
        max_raw=str(sizes[count - 1]),
        histogram=[
            SizeBin(
                lower_raw=str(10 ** (digits - 1) if digits else 0),
                upper_raw=str(10**digits),
                count=end - start,
                volume_raw=str(sizes.sums[digits]),
            )
            for digits, start, end in sizes.bins()
        ],
    )


def _widened(ordered: ByteArray, width: int) -> ByteArray:
    if ordered.itemsize == width:
        return ordered
    digits = ordered.view(np.uint8).reshape(len(ordered), -1)
    wide = np.pad(digits, ((0, 0), (width - digits.shape[1], 0)))
    return wide.reshape(-1).view(f"S{width}")
