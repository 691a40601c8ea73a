"""Arithmetic of block ranges, both ends included. No I/O."""

from collections.abc import Iterable

from common.chain.kept import Piece


def without_overlap(pieces: Iterable[Piece], first: int, last: int) -> list[Piece]:
    """The pieces within `first..last`, ascending, each shortened by what others hold already.

    Two runs that read at the same time may keep a block twice: it is found once.
    """
    found: list[Piece] = []
    following = first
    for piece in sorted(pieces):
        begin, end = max(piece.first, following), min(piece.last, last)
        if begin <= end:
            found.append(Piece(begin, end, piece.name))
            following = end + 1
    return found
