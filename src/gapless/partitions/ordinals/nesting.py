"""Nested runs: a dimension is cut into runs, and each says which set of the dimensions after it goes with it.

The last dimension is a plain `OrdinalSet`, those before it are a `Level` each. Rests are shared: as many runs as need
the same rest point to the one, so what is worked out for a pair of rests is worked out once.
"""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from gapless.partitions.ordinals.ordinal_set import OrdinalSet
from gapless.partitions.ordinals.runs import Run

__all__ = ["AND", "OR", "SUB", "Level", "Node", "Operation", "along", "combined", "nested"]

Node: TypeAlias = "OrdinalSet | Level"
Row: TypeAlias = "tuple[int, int, Node]"  # ordinals from, until (exclusive), and what goes with each of them


class Level:
    """A set of points that have a dimension and more after it. Immutable.

    A point has a number: its ordinal in this dimension times `stride`, plus the number of what is after it.

    Attributes:
        stride: How many numbers one ordinal spans: the product of the rooms of the dimensions after this one.
        rows: Ascending and disjoint. Neighbours that touch differ in their rest, and no rest is empty; so equal sets
            have equal rows.
    """

    __slots__ = ("_hash", "_size", "rows", "stride")

    def __init__(self, stride: int, rows: Sequence[Row]) -> None:
        self.stride = stride
        self.rows = tuple(rows)
        self._size: int | None = None
        self._hash: int | None = None

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def size(self) -> int:
        """How many points."""
        if self._size is None:
            self._size = sum((b - a) * rest.size for a, b, rest in self.rows)
        return self._size

    def __iter__(self) -> Iterator[int]:
        """Numbers, ascending."""
        for a, b, rest in self.rows:
            for ordinal in range(a, b):
                base = ordinal * self.stride
                for number in rest:
                    yield base + number

    def rest_at(self, ordinal: int) -> Node | None:
        """What goes with one ordinal; None if nothing does."""
        place = bisect_right(self.rows, ordinal, key=_first) - 1
        return self.rows[place][2] if place >= 0 and ordinal < self.rows[place][1] else None

    def first(self) -> int:
        """The smallest number.

        Raises:
            IndexError: The set is empty.
        """
        a, _, rest = self.rows[0]
        return a * self.stride + rest.first()

    def last(self) -> int:
        """The largest number.

        Raises:
            IndexError: The set is empty.
        """
        _, b, rest = self.rows[-1]
        return (b - 1) * self.stride + rest.last()

    def rank(self, number: int) -> int:
        """How many members are smaller than `number`, which need not be one."""
        ordinal, inside = divmod(number, self.stride)
        smaller = 0
        for a, b, rest in self.rows:
            if ordinal < a:
                break
            smaller += (min(b, ordinal) - a) * rest.size
            if ordinal < b:
                smaller += rest.rank(inside)
        return smaller

    def at(self, place: int) -> int:
        """The number at a 0-based place in ascending order; negative places count from the end.

        Raises:
            IndexError: There is no such place.
        """
        left = place if place >= 0 else place + self.size
        for a, b, rest in self.rows if left >= 0 else ():
            if left < (b - a) * rest.size:
                ordinal, inside = divmod(left, rest.size)
                return (a + ordinal) * self.stride + rest.at(inside)
            left -= (b - a) * rest.size
        raise IndexError(f"there is no place {place} in a set of {self.size}")

    def flat(self) -> OrdinalSet:
        """The numbers. Costs their runs: one for each ordinal, unless all of the rest goes with it."""
        return OrdinalSet.of_runs(_numbers(self, {}))

    def __eq__(self, other: object) -> bool:
        return _equal(self, other, set()) if isinstance(other, Level) else NotImplemented

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self.rows)
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return Level, (self.stride, self.rows)


def _first(row: Row) -> int:
    return row[0]


def _equal(ours: Node, theirs: Node, known: set[tuple[int, int]]) -> bool:
    if not (isinstance(ours, Level) and isinstance(theirs, Level)):
        return ours == theirs
    pair = (id(ours), id(theirs))
    if ours is theirs or pair in known:
        return True
    if len(ours.rows) != len(theirs.rows) or hash(ours) != hash(theirs):
        return False
    if all(
        a == c and b == d and _equal(mine, yours, known)
        for (a, b, mine), (c, d, yours) in zip(ours.rows, theirs.rows, strict=True)
    ):
        known.add(pair)
    return pair in known


def _numbers(node: Node, known: dict[int, Sequence[Run]]) -> Sequence[Run]:
    if isinstance(node, OrdinalSet):
        return node.runs
    if id(node) not in known:
        stride = node.stride
        runs: list[Run] = []
        for a, b, rest in node.rows:
            inside = _numbers(rest, known)
            if inside[0] == (0, stride):
                runs.append((a * stride, b * stride))
            else:
                runs.extend((n * stride + c, n * stride + d) for n in range(a, b) for c, d in inside)
        known[id(node)] = runs
    return known[id(node)]


@dataclass(frozen=True, slots=True)
class Operation:
    """Union, intersection or difference.

    Attributes:
        ours: Whether a point only of the first set is in the result.
        theirs: Whether a point only of the second set is.
        both: Whether a point of both is.
        leaves: The operation on sets of the last dimension.
    """

    ours: bool
    theirs: bool
    both: bool
    leaves: Callable[[OrdinalSet, OrdinalSet], OrdinalSet]


OR = Operation(ours=True, theirs=True, both=True, leaves=operator.or_)
AND = Operation(ours=False, theirs=False, both=True, leaves=operator.and_)
SUB = Operation(ours=True, theirs=False, both=False, leaves=operator.sub)


def combined(operation: Operation, ours: Node, theirs: Node) -> Node:
    """The result of an operation on two sets of the same dimensions."""
    return _combined(operation, ours, theirs, {})


def _combined(operation: Operation, ours: Node, theirs: Node, known: dict[tuple[int, int], Node]) -> Node:
    if ours is theirs and operation.both:
        return ours
    pair = (id(ours), id(theirs))
    found = known.get(pair)
    if found is None:
        if isinstance(ours, OrdinalSet) and isinstance(theirs, OrdinalSet):
            found = operation.leaves(ours, theirs)
        elif isinstance(ours, Level) and isinstance(theirs, Level):
            found = Level(ours.stride, _swept(operation, ours.rows, theirs.rows, known))
        else:
            raise TypeError("sets of different dimensions cannot be combined")
        known[pair] = found
    return found


def _swept(
    operation: Operation, ours: Sequence[Row], theirs: Sequence[Row], known: dict[tuple[int, int], Node]
) -> list[Row]:
    end = max(rows[-1][1] for rows in (ours, theirs, [(0, 0)]) if rows)
    mine, yours = iter(ours), iter(theirs)
    after: Row = (end, end, OrdinalSet.empty())  # stands behind the last row of each
    (a, b, rest), (c, d, other) = next(mine, after), next(yours, after)
    rows: list[Row] = []
    while a < end or c < end:
        if a < c:
            until = b if b < c else c
            if operation.ours:
                _add(rows, a, until, rest)
            a = until
        elif c < a:
            until = d if d < a else a
            if operation.theirs:
                _add(rows, c, until, other)
            c = until
        else:
            until = b if b < d else d
            _add(rows, a, until, _combined(operation, rest, other, known))
            a = c = until
        if a == b:
            a, b, rest = next(mine, after)
        if c == d:
            c, d, other = next(yours, after)
    return rows


def _add(rows: list[Row], a: int, b: int, rest: Node) -> None:
    """Append a row to rows before it, which stay as few as they can be."""
    if not rest:
        return
    if rows and rows[-1][1] == a and rows[-1][2] == rest:
        rows[-1] = (rows[-1][0], b, rest)
    else:
        rows.append((a, b, rest))


def nested(strides: Sequence[int], runs: Iterable[Run]) -> Node:
    """The set of the numbers in `runs`: ascending, disjoint and not touching.

    Args:
        strides: For each dimension but the last, how many numbers one of its ordinals spans.
        runs: Half-open ``(first, end)`` pairs of numbers.
    """
    return _nested(tuple(strides), tuple(runs), {})


def _nested(strides: tuple[int, ...], runs: tuple[Run, ...], known: dict[tuple[int, tuple[Run, ...]], Node]) -> Node:
    if (len(strides), runs) in known:
        return known[len(strides), runs]
    found: Node
    if strides:
        inside: dict[tuple[int, int], list[Run]] = {}
        for first, end in runs:
            for a, b, c, d in _cut(first, end, strides[0]):
                inside.setdefault((a, b), []).append((c, d))
        rows: list[Row] = []
        for (a, b), rest in inside.items():
            _add(rows, a, b, _nested(strides[1:], tuple(rest), known))
        found = Level(strides[0], rows)
    else:
        found = OrdinalSet(runs)
    known[len(strides), runs] = found
    return found


def _cut(first: int, end: int, stride: int) -> Iterator[tuple[int, int, int, int]]:
    """The run as ``(a, b, c, d)``: with each ordinal from `a` until `b` go the numbers from `c` until `d`."""
    (a, c), (b, d) = divmod(first, stride), divmod(end, stride)
    if a == b:
        yield a, a + 1, c, d
        return
    if c:
        yield a, a + 1, c, stride
        a += 1
    if a < b:
        yield a, b, 0, stride
    if d:
        yield b, b + 1, 0, d


def along(rooms: Sequence[int], strides: Sequence[int], places: Sequence[int], numbers: list[int]) -> Node:
    """All points that agree, in some dimensions, with one of these numbers; in the others they are free.

    Args:
        rooms: For each dimension, what its ordinals stay below.
        strides: For each dimension but the last, how many numbers one of its ordinals spans.
        places: Which dimensions they agree in, ascending; at least one.
        numbers: Of points of those dimensions alone, in any order, repeated or not.
    """
    return _along(0, rooms, strides, places, numbers)


def _along(at: int, rooms: Sequence[int], strides: Sequence[int], places: Sequence[int], numbers: list[int]) -> Node:
    """The set of the dimensions from `at` on; `places` and `numbers` are of those."""
    free = at not in places
    if at == len(strides):
        return OrdinalSet.span(0, rooms[at] if numbers else 0) if free else OrdinalSet.of(numbers)
    if free:
        rest = _along(at + 1, rooms, strides, places, numbers)
        return Level(strides[at], [(0, rooms[at], rest)] if rest else [])
    inside: dict[int, list[int]] = {}
    stride = prod(rooms[place] for place in places[1:])
    for number in numbers:
        ordinal, inner = divmod(number, stride)
        inside.setdefault(ordinal, []).append(inner)
    rows: list[Row] = []
    for ordinal in sorted(inside):
        _add(rows, ordinal, ordinal + 1, _along(at + 1, rooms, strides, places[1:], inside[ordinal]))
    return Level(strides[at], rows)
