"""A set of partitions as ordinals: runs where they are contiguous, a bitmap where they are scattered."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, starmap
from typing import TYPE_CHECKING

from gapless.partitions.ordinals import bitmaps
from gapless.partitions.ordinals.runs import Run, difference, intersection, union

if TYPE_CHECKING:
    from pyroaring import BitMap64

__all__ = ["OrdinalSet"]

_FEW = 500  # runs; an algebra on more is faster on bitmaps, see docs/decisions/0006


class OrdinalSet:
    """An immutable set of 0-based positions in a partitions definition.

    A million contiguous partitions cost as much as one, and scattered ones a bit each. Which of the two forms a set
    has follows from its members alone: a bitmap where they make up more than 500 runs, and a bitmap can hold them.

    Args:
        runs: Half-open ``(first, end)`` pairs, ascending, disjoint and not touching.

    Raises:
        ValueError: If `runs` are not so; build from arbitrary parts with `of`, `of_runs`, `span` and ``|``.
    """

    __slots__ = ("_bitmap", "_runs")

    _bitmap: BitMap64 | None
    _runs: Sequence[Run] | None  # those of a bitmap are listed when they are first asked for

    def __init__(self, runs: Sequence[Run] = ()) -> None:
        previous = -1
        for a, b in runs:
            if a <= previous or b <= a:
                raise ValueError(f"runs of ordinals must be ascending, disjoint, apart and not negative: {(a, b)}")
            previous = b
        self._settle(runs)

    def _settle(self, runs: Sequence[Run]) -> None:
        self._bitmap = bitmaps.of_runs(runs) if len(runs) > _FEW else None
        self._runs = tuple(runs) if self._bitmap is None else None

    @classmethod
    def _of(cls, runs: Sequence[Run]) -> OrdinalSet:
        """`runs` known to be well formed; skips the check, which would double the cost of the algebra."""
        made = object.__new__(cls)
        if len(runs) > _FEW:
            made._settle(runs)
        else:
            made._bitmap, made._runs = None, tuple(runs)
        return made

    @classmethod
    def _of_bitmap(cls, bitmap: BitMap64) -> OrdinalSet:
        if bitmaps.number_of_runs(bitmap) <= _FEW or len(bitmap) > bitmaps.MOST:
            return cls._of(bitmaps.runs_of(bitmap))
        made = object.__new__(cls)
        made._bitmap, made._runs = bitmap, None
        return made

    def _as_bitmap(self) -> BitMap64 | None:
        return bitmaps.of_runs(self.runs) if self._bitmap is None else self._bitmap

    @classmethod
    def empty(cls) -> OrdinalSet:
        """No ordinals."""
        return cls._of(())

    @classmethod
    def of(cls, ordinals: Iterable[int]) -> OrdinalSet:
        """These ordinals, in any order, repeated or not."""
        members = list(ordinals)
        bitmap = bitmaps.of_members(members) if len(members) > _FEW else None
        return cls.of_runs((n, n + 1) for n in members) if bitmap is None else cls._of_bitmap(bitmap)

    @classmethod
    def span(cls, start: int, end: int) -> OrdinalSet:
        """All ordinals in the half-open ``[start, end)``; empty if `end` is not after `start`."""
        return cls([(start, end)]) if start < end else cls.empty()

    @classmethod
    def of_runs(cls, runs: Iterable[Run]) -> OrdinalSet:
        """The union of half-open runs in any order, overlapping or empty."""
        runs = [run for run in runs if run[0] < run[1]]
        bitmap = bitmaps.of_runs(runs) if len(runs) > _FEW else None
        if bitmap is not None:
            return cls._of_bitmap(bitmap)
        merged = union(runs)
        if merged and merged[0][0] < 0:
            raise ValueError(f"an ordinal is not negative: {merged[0][0]}")
        return cls._of(merged)

    def __or__(self, other: OrdinalSet) -> OrdinalSet:
        if self._bitmap is not None or other._bitmap is not None:
            ours, theirs = self._as_bitmap(), other._as_bitmap()
            if ours is not None and theirs is not None:
                return OrdinalSet._of_bitmap(ours | theirs)
        return OrdinalSet._of(union([*self.runs, *other.runs]))

    def __and__(self, other: OrdinalSet) -> OrdinalSet:
        if other._is_around(self):
            return self
        if self._is_around(other):
            return other
        if self._bitmap and other._bitmap:
            return OrdinalSet._of_bitmap(self._bitmap & other._bitmap)
        if self._bitmap:
            return OrdinalSet._of_bitmap(bitmaps.within(self._bitmap, other.runs))
        if other._bitmap:
            return other & self
        return OrdinalSet._of(intersection(self.runs, other.runs))

    def _is_around(self, other: OrdinalSet) -> bool:
        """Whether this is a single run, and all of `other` lies in it: most dimensions of most questions are so."""
        if self._bitmap is not None or len(self.runs) != 1:
            return False
        ((first, end),) = self.runs
        return not other or (first <= other.first() and other.last() < end)

    def __sub__(self, other: OrdinalSet) -> OrdinalSet:
        if self._bitmap and other._bitmap:
            return OrdinalSet._of_bitmap(self._bitmap - other._bitmap)
        if self._bitmap:
            return OrdinalSet._of_bitmap(bitmaps.without(self._bitmap, other.runs))
        if other._bitmap:
            ours = self._as_bitmap()
            if ours is not None:
                return OrdinalSet._of_bitmap(ours - other._bitmap)
        return OrdinalSet._of(difference(self.runs, other.runs))

    def __contains__(self, ordinal: object) -> bool:
        if not isinstance(ordinal, int):
            return False
        if self._bitmap:
            return 0 <= ordinal < bitmaps.BOUND and ordinal in self._bitmap
        place = bisect_right(self.runs, ordinal, key=_first) - 1
        return place >= 0 and ordinal < self.runs[place][1]

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return bool(self._bitmap or self._runs)

    def __iter__(self) -> Iterator[int]:
        """Ascending."""
        return iter(self._bitmap) if self._bitmap else chain.from_iterable(starmap(range, self.runs))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrdinalSet):
            return NotImplemented
        if self._bitmap and other._bitmap:
            return self._bitmap == other._bitmap
        return not self._bitmap and not other._bitmap and self._runs == other._runs

    def __hash__(self) -> int:
        return hash(bitmaps.to_bytes(self._bitmap) if self._bitmap else self._runs)

    def __reduce__(self) -> tuple[object, ...]:
        if self._bitmap:
            return OrdinalSet.from_bytes, (self.to_bytes(), bitmaps.BOUND)
        return OrdinalSet, (self.runs,)

    @property
    def runs(self) -> Sequence[Run]:
        """Half-open ``(first, end)`` pairs, ascending, disjoint and not touching."""
        if self._runs is None and self._bitmap is not None:
            self._runs = bitmaps.runs_of(self._bitmap)
        return self._runs or ()

    @property
    def size(self) -> int:
        """How many ordinals; what `len` says, which Python bounds by 2**63."""
        return len(self._bitmap) if self._bitmap else sum(b - a for a, b in self.runs)

    def flat(self) -> OrdinalSet:
        """Itself; see `ProductSet.flat`."""
        return self

    def first(self) -> int:
        """The smallest ordinal.

        Raises:
            IndexError: The set is empty.
        """
        return self._bitmap.min() if self._bitmap else self.runs[0][0]

    def last(self) -> int:
        """The largest ordinal.

        Raises:
            IndexError: The set is empty.
        """
        return self._bitmap.max() if self._bitmap else self.runs[-1][1] - 1

    def rank(self, ordinal: int) -> int:
        """How many members are smaller than `ordinal`, which need not be one."""
        if self._bitmap:
            return self._bitmap.rank(min(ordinal, bitmaps.BOUND) - 1) if ordinal > 0 else 0
        return sum(min(b, ordinal) - a for a, b in self.runs if a < ordinal)

    def at(self, place: int) -> int:
        """The member at a 0-based place in ascending order; negative places count from the end.

        Raises:
            IndexError: There is no such place.
        """
        size = self.size
        left = place if place >= 0 else place + size
        if not 0 <= left < size:
            raise IndexError(f"there is no place {place} in a set of {size}")
        if self._bitmap:
            return self._bitmap[left]
        for a, b in self.runs:
            if left < b - a:
                break
            left -= b - a
        return a + left

    def head(self, count: int) -> OrdinalSet:
        """The `count` smallest, or all if there are fewer."""
        if count <= 0:
            return OrdinalSet.empty()
        return self if count >= self.size else self & OrdinalSet.span(0, self.at(count))

    def tail(self, count: int) -> OrdinalSet:
        """The `count` largest, or all if there are fewer."""
        if count <= 0:
            return OrdinalSet.empty()
        return self if count >= self.size else self & OrdinalSet.span(self.at(-count), self.last() + 1)

    def shifted(self, by: int) -> OrdinalSet:
        """Each ordinal moved up by `by`, or down if that is negative.

        Raises:
            ValueError: One would become negative.
        """
        if self and self.first() + by < 0:
            raise ValueError(f"an ordinal is not negative: {self.first() + by}")
        if self._bitmap and self.last() + by < bitmaps.BOUND:
            return OrdinalSet._of_bitmap(self._bitmap.shift(by))
        return OrdinalSet._of([(a + by, b + by) for a, b in self.runs])

    def chunks(self, size: int) -> Iterator[OrdinalSet]:
        """Contiguous pieces of at most `size` ordinals, ascending; a piece never bridges a gap.

        Raises:
            ValueError: `size` is not positive.
        """
        if size < 1:
            raise ValueError(f"a chunk holds at least one partition, not {size}")
        for a, b in self.runs:
            for start in range(a, b, size):
                yield OrdinalSet._of(((start, min(b, start + size)),))

    def to_bytes(self) -> bytes:
        """The set in the portable Roaring format (64 bits): the form to store a scattered set in.

        Equal sets give equal bytes.

        Raises:
            ValueError: The set is beyond that format: an ordinal from 2**63, or more than 2**32 of them.
        """
        bitmap = self._as_bitmap()
        if bitmap is None:
            raise ValueError(f"a set as bytes has at most {bitmaps.MOST} members, each below {bitmaps.BOUND}")
        return bitmaps.to_bytes(bitmap)

    @classmethod
    def from_bytes(cls, data: bytes, limit: int) -> OrdinalSet:
        """The set that `to_bytes` wrote. Costs what `data` is long, whatever it holds.

        Args:
            data: Bytes of any origin.
            limit: A bound that every ordinal must be below.

        Raises:
            ValueError: The bytes are not such a set, or an ordinal is not below `limit`.
        """
        made = cls._of_bitmap(bitmaps.from_bytes(data))
        if made and made.last() >= limit:
            raise ValueError(f"an ordinal is beyond its bound: {made.last()}, not below {limit}")
        return made

    def __repr__(self) -> str:
        spans = ", ".join(str(a) if b == a + 1 else f"{a}..{b - 1}" for a, b in self.runs[:8])
        return f"OrdinalSet({spans}{', …' if len(self.runs) > 8 else ''})"


def _first(run: Run) -> int:
    return run[0]
