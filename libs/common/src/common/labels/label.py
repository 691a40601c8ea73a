"""One label, and the kinds there are."""

import re
from dataclasses import dataclass
from typing import Final, Literal

LabelKind = Literal["exchange", "bridge", "mixer", "pool"]
KINDS: Final[tuple[LabelKind, ...]] = ("exchange", "bridge", "mixer", "pool")


@dataclass(frozen=True)
class Label:
    """What is known of an address from outside the chain."""

    kind: LabelKind
    name: str

    @property
    def owner(self) -> str:
        """The name without the number or purpose of this one wallet."""
        return re.sub(r"\s+\d+$", "", self.name.split(":")[0]).strip()
