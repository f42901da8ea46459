"""Replacing stretches of a file while every byte between them stays as it is."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

Parts = Iterator[bytes | memoryview]
"""Stretches of a file."""


class Edit(NamedTuple):
    """One stretch to replace: bytes `start` up to `end` become `new` (start == end inserts)."""

    start: int
    end: int
    new: bytes

    @property
    def growth(self) -> int:
        """By how many bytes the file gets longer (negative: shorter)."""
        return len(self.new) - (self.end - self.start)


def splice(data: bytes, edits: Iterable[Edit]) -> bytes:
    """Apply edits that do not overlap; insertions at one place keep their order.

    Raises:
        ValueError: Two edits overlap.
    """
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.end))
    if any(one.end > two.start for one, two in pairwise(ordered)):
        raise ValueError("edits overlap")
    view = memoryview(data)
    pieces: list[bytes | memoryview] = []
    position = 0
    for edit in ordered:
        pieces += view[position : edit.start], edit.new
        position = edit.end
    pieces.append(view[position:])
    return b"".join(pieces)


def moved(position: int, edits: Sequence[Edit]) -> int:
    """Where a byte that no edit replaces lies afterwards."""
    return position + sum(edit.growth for edit in edits if edit.end <= position)
