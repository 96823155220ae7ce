"""How the windows of two definitions lie over each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import repeat

from gapless.partitions.ordinals.runs import Run
from gapless.partitions.windows.windowed import Windowed

__all__ = ["Alignment"]

_FEW = 32  # runs that are cheaper asked one by one
_DENSE = 64  # windows for each run, up to which a table of all windows in between pays
_MOST_KNOWN = 64  # pairs of definitions


class Alignment:
    """For each window of one definition, which windows of another overlap it.

    Ordinals on both sides are unbounded: negative ones are windows before the start, and the end does not count. Both
    ends of what overlaps ascend with the window, so a run of windows that touch is answered by its two ends.
    """

    def __init__(self, one: Windowed, other: Windowed) -> None:
        """Use `between`, which remembers."""
        self._one, self._other = one, other
        self._shift: int | None = None
        if one.numbers_like(other):
            self._shift = other.overlapping_unbounded(one.window_bounds(0, 1))[0]
        self._table: tuple[int, list[int], list[int]] = 0, [], []  # ordinal of the first row, and the two columns

    @classmethod
    def between(cls, one: Windowed, other: Windowed) -> Alignment:
        """How `other` lies over `one`."""
        # By identity: to hash a definition costs as much as the answer. What is known keeps both alive.
        found = _known.get((id(one), id(other)))
        if found is None:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            found = _known[id(one), id(other)] = cls(one, other)
        return found

    @property
    def one_to_one(self) -> bool:
        """Whether both have the same windows, but for where they start and end."""
        return self._shift is not None

    def over(self, first: int, end: int) -> Run:
        """The windows of the other that overlap the time from the start of `first` to the end of ``end - 1``."""
        if self._shift is not None:
            return first + self._shift, end + self._shift
        return self._other.overlapping_unbounded(self._one.window_bounds(first, end))

    def over_runs(self, runs: Sequence[Run]) -> list[Run]:
        """`over` for each of these runs, ascending; many cost little more than the time in between does once."""
        if self._shift is not None:
            return [(a + self._shift, b + self._shift) for a, b in runs]
        if len(runs) <= _FEW:
            return [self.over(a, b) for a, b in runs]
        low, high = runs[0][0], runs[-1][1]
        first, end = self.over(low, high)
        if min(end - first, high - low) > _DENSE * len(runs):
            return [self.over(a, b) for a, b in runs]
        if end - first < high - low:
            # The other's windows are fewer, and know as well what lies over what.
            start, firsts, ends = Alignment.between(self._other, self._one).rows(first - 1, end + 1)
            begun = map(bisect_right, repeat(ends), [a for a, _ in runs])
            done = map(bisect_right, repeat(firsts), [b - 1 for _, b in runs])
            return [(start + a, start + b) for a, b in zip(begun, done, strict=True)]
        start, firsts, ends = self.rows(low, high)
        return [(firsts[a - start], ends[b - 1 - start]) for a, b in runs]

    def rows(self, low: int, high: int) -> tuple[int, list[int], list[int]]:
        """A table over at least ``[low, high)``: its first window, and two columns with what `over` says of each."""
        start, firsts, _ = self._table
        known = start + len(firsts)
        if firsts and start <= low and high <= known:
            return self._table
        low, high = (min(low, start), max(high, known)) if firsts else (low, high)
        rows = self._other.overlapping_spans(self._one.spans(low, high))
        self._table = low, [first for first, _ in rows], [end for _, end in rows]
        return self._table

    def stretches(self, runs: Sequence[Run]) -> Sequence[Run]:
        """These runs, cut where windows do not touch."""
        if not self._one.exclusions:
            return runs
        return [stretch for a, b in runs for stretch in self._one.stretches(a, b)]


_known: dict[tuple[int, int], Alignment] = {}
