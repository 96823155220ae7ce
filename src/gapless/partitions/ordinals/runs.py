"""Runs of contiguous ordinals: half-open ``(first, end)`` pairs."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

__all__ = ["Run", "Runs", "difference", "intersection", "union"]

Run = tuple[int, int]


class Runs(Sequence[Run]):
    """Very many runs, ascending, disjoint and not touching. Compares and hashes as the tuple of its pairs does.

    Only the bounds are kept: a million pairs would take ten times the room, and longer to make than an algebra on them.

    Attributes:
        firsts: The first ordinal of each run.
        ends: The first ordinal after each run.
    """

    __slots__ = ("ends", "firsts")

    def __init__(self, firsts: array[int], ends: array[int]) -> None:
        self.firsts = firsts
        self.ends = ends

    def __len__(self) -> int:
        return len(self.firsts)

    @overload
    def __getitem__(self, place: int) -> Run: ...
    @overload
    def __getitem__(self, place: slice) -> Runs: ...
    def __getitem__(self, place: int | slice) -> Run | Runs:
        if isinstance(place, slice):
            return Runs(self.firsts[place], self.ends[place])
        return self.firsts[place], self.ends[place]

    def __iter__(self) -> Iterator[Run]:
        return zip(self.firsts, self.ends, strict=True)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Runs):
            return self.firsts == other.firsts and self.ends == other.ends
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Runs({', '.join(map(str, self[:8]))}{', …' if len(self) > 8 else ''})"


def union(runs: Iterable[Run]) -> list[Run]:
    """All runs together; they may be in any order and overlap. None is empty."""
    merged: list[Run] = []
    first = end = 0
    for a, b in sorted(runs):
        if merged and a <= end:
            if b > end:
                end = b
                merged[-1] = (first, end)
        else:
            first, end = a, b
            merged.append((a, b))
    return merged


def intersection(ours: Sequence[Run], theirs: Sequence[Run]) -> list[Run]:
    """What lies in runs of both; each ascending, disjoint and not touching, as is the result."""
    runs: list[Run] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        (a, b), (c, d) = ours[i], theirs[j]
        if a < d and c < b:
            runs.append((max(a, c), min(b, d)))
        if b <= d:
            i += 1
        else:
            j += 1
    return runs


def difference(ours: Sequence[Run], theirs: Sequence[Run]) -> list[Run]:
    """What lies in `ours` and not in `theirs`; each ascending, disjoint and not touching, as is the result."""
    runs: list[Run] = []
    j = 0
    for a, b in ours:
        while j < len(theirs) and theirs[j][0] < b:
            c, d = theirs[j]
            if a < c:
                runs.append((a, c))
            a = max(a, d)
            if d > b:  # it may reach into our next run
                break
            j += 1
        if a < b:
            runs.append((a, b))
    return runs
