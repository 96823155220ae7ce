"""A set of partitions as runs of ordinals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["OrdinalSet"]

Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OrdinalSet:
    """An immutable set of 0-based positions in a partitions definition.

    Its size is the number of runs, not of ordinals: a million contiguous partitions cost as much as one.

    Attributes:
        runs: Half-open ``(first, end)`` pairs, ascending, disjoint and not touching.

    Raises:
        ValueError: If `runs` are not so; build from arbitrary parts with `of`, `span` and ``|``.
    """

    runs: tuple[Run, ...] = ()

    def __post_init__(self) -> None:
        previous = -1
        for a, b in self.runs:
            if a <= previous or b <= a:
                raise ValueError(f"runs of ordinals must be ascending, disjoint, apart and not negative: {(a, b)}")
            previous = b

    @classmethod
    def _made(cls, runs: Iterable[Run]) -> OrdinalSet:
        """`runs` known to be well formed; skips the check, which would double the cost of the algebra."""
        made = object.__new__(cls)
        object.__setattr__(made, "runs", tuple(runs))
        return made

    @classmethod
    def empty(cls) -> OrdinalSet:
        """No ordinals."""
        return cls._made(())

    @classmethod
    def of(cls, ordinals: Iterable[int]) -> OrdinalSet:
        """These ordinals, in any order, repeated or not."""
        runs: list[Run] = []
        first = end = -1
        for n in sorted(set(ordinals)):
            if n < 0:
                raise ValueError(f"an ordinal is not negative: {n}")
            if n == end:
                end += 1
                continue
            if first >= 0:
                runs.append((first, end))
            first, end = n, n + 1
        if first >= 0:
            runs.append((first, end))
        return cls._made(runs)

    @classmethod
    def span(cls, start: int, end: int) -> OrdinalSet:
        """All ordinals in the half-open ``[start, end)``; empty if `end` is not after `start`."""
        if end <= start:
            return cls._made(())
        if start < 0:
            raise ValueError(f"an ordinal is not negative: {start}")
        return cls._made(((start, end),))

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> OrdinalSet:
        """The union of half-open runs in any order, overlapping or empty."""
        merged: list[Run] = []
        for a, b in sorted(runs):
            if b <= a:
                continue
            if a < 0:
                raise ValueError(f"an ordinal is not negative: {a}")
            if merged and a <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
            else:
                merged.append((a, b))
        return cls._made(merged)

    def __or__(self, other: OrdinalSet) -> OrdinalSet:
        if not self.runs or not other.runs:
            return self if not other.runs else other
        return OrdinalSet.of_runs(self.runs + other.runs)

    def __and__(self, other: OrdinalSet) -> OrdinalSet:
        runs: list[Run] = []
        ours, theirs = self.runs, other.runs
        i = j = 0
        while i < len(ours) and j < len(theirs):
            a, b = max(ours[i][0], theirs[j][0]), min(ours[i][1], theirs[j][1])
            if a < b:
                runs.append((a, b))
            if ours[i][1] <= theirs[j][1]:
                i += 1
            else:
                j += 1
        return OrdinalSet._made(runs)

    def __sub__(self, other: OrdinalSet) -> OrdinalSet:
        runs: list[Run] = []
        theirs = other.runs
        j = 0
        for a, b in self.runs:
            while j < len(theirs) and theirs[j][1] <= a:
                j += 1
            start, k = a, j
            while k < len(theirs) and theirs[k][0] < b:
                if start < theirs[k][0]:
                    runs.append((start, theirs[k][0]))
                start = theirs[k][1]
                k += 1
            if start < b:
                runs.append((start, b))
            j = max(j, k - 1)
        return OrdinalSet._made(runs)

    def __contains__(self, ordinal: object) -> bool:
        if not isinstance(ordinal, int):
            return False
        i = bisect_right(self.runs, ordinal, key=lambda run: run[0]) - 1
        return i >= 0 and ordinal < self.runs[i][1]

    def __len__(self) -> int:
        return sum(b - a for a, b in self.runs)

    def __bool__(self) -> bool:
        return bool(self.runs)

    def __iter__(self) -> Iterator[int]:
        """Ascending."""
        for a, b in self.runs:
            yield from range(a, b)

    def flat(self) -> OrdinalSet:
        """Itself; see `ProductSet.flat`."""
        return self

    def first(self) -> int:
        """The smallest ordinal.

        Raises:
            IndexError: The set is empty.
        """
        return self.runs[0][0]

    def last(self) -> int:
        """The largest ordinal.

        Raises:
            IndexError: The set is empty.
        """
        return self.runs[-1][1] - 1

    def head(self, count: int) -> OrdinalSet:
        """The `count` smallest, or all if there are fewer."""
        runs: list[Run] = []
        for a, b in self.runs:
            if count <= 0:
                break
            runs.append((a, min(b, a + count)))
            count -= b - a
        return OrdinalSet._made(runs)

    def tail(self, count: int) -> OrdinalSet:
        """The `count` largest, or all if there are fewer."""
        runs: list[Run] = []
        for a, b in reversed(self.runs):
            if count <= 0:
                break
            runs.append((max(a, b - count), b))
            count -= b - a
        return OrdinalSet._made(reversed(runs))

    def chunks(self, size: int) -> Iterator[OrdinalSet]:
        """Contiguous pieces of at most `size` ordinals, ascending; a piece never bridges a gap.

        Raises:
            ValueError: `size` is not positive.
        """
        if size < 1:
            raise ValueError(f"a chunk holds at least one partition, not {size}")
        for a, b in self.runs:
            for start in range(a, b, size):
                yield OrdinalSet._made(((start, min(b, start + size)),))

    def __repr__(self) -> str:
        spans = ", ".join(str(a) if b == a + 1 else f"{a}..{b - 1}" for a, b in self.runs[:8])
        return f"OrdinalSet({spans}{', …' if len(self.runs) > 8 else ''})"
