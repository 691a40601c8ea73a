"""Texts that occur again and again in answers, each read once."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ReadOnce(dict[str, T]):
    """What each text means by text: `read` is asked when one is first looked up.

    What equal texts are read as is one object from then on.
    """

    def __init__(self, read: Callable[[str], T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> T:
        value = self[text] = self._read(text)
        return value
