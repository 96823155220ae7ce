"""A set of partitions of several dimensions, as nested runs.

What a set of one dimension is to runs, this is to boxes: the first dimension is cut into runs, and each run says which
set of the remaining dimensions goes with it. A product of ten million partitions, or a slice of it by any dimension,
is a handful of runs; its size follows the irregularities, not the partitions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from gapless.partitions.ordinals import OrdinalSet

__all__ = ["ProductSet"]

# The set of the last dimension is an OrdinalSet; that of the ones before it is runs, each with the set of the rest.
Node = Any  # OrdinalSet | tuple[tuple[int, int, Node], ...]; mypy has no recursive union with a class that is sliced
Memo = dict[tuple[int, int], Node]
_EMPTY = OrdinalSet.empty()


@dataclass(frozen=True, slots=True)
class ProductSet:
    """An immutable set of points of a product, in lexicographic order, the last dimension fastest.

    A point has one ordinal for each dimension, and a number: the point read in mixed radix, so that numbers ascend in
    the order of the points. Iteration, ``in`` and `runs` speak of numbers, as an `OrdinalSet` does.

    Attributes:
        rooms: For each dimension a bound that its ordinals stay below; fixed, so that numbers never change.
        root: Nested runs, canonical: neighbours with the same rest are one run, and no rest is empty.
    """

    rooms: tuple[int, ...]
    root: Node

    @classmethod
    def empty(cls, rooms: Sequence[int]) -> ProductSet:
        """No points."""
        return cls(tuple(rooms), _EMPTY if len(rooms) == 1 else ())

    @classmethod
    def box(cls, rooms: Sequence[int], sides: Sequence[OrdinalSet]) -> ProductSet:
        """All points whose ordinal lies in the side of each dimension."""
        if not all(sides):
            return cls.empty(rooms)
        node: Node = sides[-1]
        for side in reversed(sides[:-1]):
            node = tuple((a, b, node) for a, b in side.runs)
        return cls(tuple(rooms), node)

    @classmethod
    def of_numbers(cls, rooms: Sequence[int], numbers: OrdinalSet) -> ProductSet:
        """The points of these numbers."""
        rooms = tuple(rooms)
        return cls(rooms, _nested(rooms, numbers.runs))

    @classmethod
    def union(cls, rooms: Sequence[int], sets: Iterable[ProductSet]) -> ProductSet:
        """All points of all `sets`. Halves are joined first, so that many small sets do not rebuild a large one."""
        pending = list(sets) or [cls.empty(rooms)]
        while len(pending) > 1:
            pending = [
                pending[i] | pending[i + 1] if i + 1 < len(pending) else pending[i] for i in range(0, len(pending), 2)
            ]
        return pending[0]

    def __or__(self, other: ProductSet) -> ProductSet:
        return ProductSet(self.rooms, _combine(_OR, self.root, other.root, {}))

    def __and__(self, other: ProductSet) -> ProductSet:
        return ProductSet(self.rooms, _combine(_AND, self.root, other.root, {}))

    def __sub__(self, other: ProductSet) -> ProductSet:
        return ProductSet(self.rooms, _combine(_SUB, self.root, other.root, {}))

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number >= 0 and self.has_point(self.point(number))

    def point(self, number: int) -> tuple[int, ...]:
        """The ordinals, one for each dimension, that make up a number."""
        ordinals: list[int] = []
        for room in reversed(self.rooms[1:]):
            number, ordinal = divmod(number, room)
            ordinals.append(ordinal)
        return (number, *reversed(ordinals))

    def has_point(self, point: Sequence[int]) -> bool:
        """Whether the point of these ordinals is in the set."""
        node = self.root
        for ordinal in point[:-1]:
            place = bisect_right(node, ordinal, key=_first) - 1
            if place < 0 or ordinal >= node[place][1]:
                return False
            node = node[place][2]
        return point[-1] in node

    def __len__(self) -> int:
        return _size(self.root, {})

    def __bool__(self) -> bool:
        return bool(self.root)

    def __iter__(self) -> Iterator[int]:
        """Numbers, ascending."""
        return (number for a, b in self.runs for number in range(a, b))

    @property
    def runs(self) -> Sequence[tuple[int, int]]:
        """The numbers as half-open ``(first, end)`` pairs, ascending, disjoint and not touching."""
        return self.flat().runs

    def flat(self) -> OrdinalSet:
        """The numbers as an `OrdinalSet`. Costs its runs: one for each row that is cut by a slower dimension."""
        return OrdinalSet.of_runs(_flat(self.root, self.rooms))

    def first(self) -> int:
        """The smallest number.

        Raises:
            IndexError: The set is empty.
        """
        return self._end(0)

    def last(self) -> int:
        """The largest number.

        Raises:
            IndexError: The set is empty.
        """
        return self._end(-1)

    def _end(self, place: int) -> int:
        node, number = self.root, 0
        for room in self.rooms[1:]:
            first, end, node = node[place] if node else _raise_empty()
            number = (number + (first if place == 0 else end - 1)) * room
        return number + int(node.first() if place == 0 else node.last())

    def side(self, dimension: int) -> OrdinalSet:
        """The ordinals that occur in one dimension."""
        nodes = [self.root] if self.root else []
        for _ in range(dimension):
            nodes = list({id(rest): rest for node in nodes for _, _, rest in node}.values())
        if dimension == len(self.rooms) - 1:
            found = _EMPTY
            for node in nodes:
                found |= node
            return found
        return OrdinalSet.of_runs((a, b) for node in nodes for a, b, _ in node)

    def where(self, dimension: int, side: OrdinalSet) -> ProductSet:
        """The points whose ordinal in one dimension is one of `side`."""
        sides = [side if i == dimension else OrdinalSet.span(0, room) for i, room in enumerate(self.rooms)]
        return self & ProductSet.box(self.rooms, sides)

    def boxes(self) -> Iterator[tuple[OrdinalSet, ...]]:
        """Disjoint boxes that together are the set: for each, the ordinals of each dimension."""
        return _boxes(self.root, len(self.rooms)) if self.root else iter(())


def _first(run: tuple[int, int, Node]) -> int:
    return run[0]


def _raise_empty() -> tuple[int, int, Node]:
    raise IndexError("the set is empty")


def _or(ours: Node, theirs: Node) -> Node | None:
    if not ours:
        return theirs
    return ours if not theirs or ours is theirs else None


def _and(ours: Node, theirs: Node) -> Node | None:
    if not ours or ours is theirs:
        return ours
    return theirs if not theirs else None


def _sub(ours: Node, theirs: Node) -> Node | None:
    if not ours or not theirs:
        return ours
    return _nothing(ours) if ours is theirs else None


def _nothing(node: Node) -> Node:
    return _EMPTY if isinstance(node, OrdinalSet) else ()


@dataclass(frozen=True, slots=True)
class _Operation:
    """Union, intersection or difference.

    Attributes:
        shortcut: The result where it needs no look inside; otherwise None.
        leaves: The operation on the sets of the last dimension.
    """

    shortcut: Callable[[Node, Node], Node | None]
    leaves: Callable[[OrdinalSet, OrdinalSet], OrdinalSet]


_OR = _Operation(_or, OrdinalSet.__or__)
_AND = _Operation(_and, OrdinalSet.__and__)
_SUB = _Operation(_sub, OrdinalSet.__sub__)


def _combine(operation: _Operation, ours: Node, theirs: Node, memo: Memo) -> Node:
    found = operation.shortcut(ours, theirs)
    if found is not None:
        return found
    # Rests are shared between runs, so the same pair is met again and again; both live as long as the memo does.
    known = (id(ours), id(theirs))
    if known not in memo:
        if isinstance(ours, OrdinalSet):
            memo[known] = operation.leaves(ours, theirs)
        else:
            memo[known] = _swept(operation, ours, theirs, memo)
    return memo[known]


def _swept(operation: _Operation, ours: Node, theirs: Node, memo: Memo) -> Node:
    nothing = _nothing((ours or theirs)[0][2])
    runs: list[tuple[int, int, Node]] = []
    i = j = at = 0
    while i < len(ours) or j < len(theirs):
        a, b, mine = ours[i] if i < len(ours) else (_FAR, _FAR, nothing)
        c, d, yours = theirs[j] if j < len(theirs) else (_FAR, _FAR, nothing)
        at = max(at, min(a, c))
        until = min(bound for bound in (a, b, c, d) if bound > at)
        rest = _combine(operation, mine if a <= at else nothing, yours if c <= at else nothing, memo)
        if rest:
            if runs and runs[-1][1] == at and (runs[-1][2] is rest or runs[-1][2] == rest):
                runs[-1] = (runs[-1][0], until, runs[-1][2])
            else:
                runs.append((at, until, rest))
        at = until
        i += at >= b
        j += at >= d
    return tuple(runs)


_FAR = 1 << 200  # beyond every ordinal


def _size(node: Node, memo: dict[int, int]) -> int:
    if isinstance(node, OrdinalSet):
        return len(node)
    if id(node) not in memo:
        memo[id(node)] = sum((b - a) * _size(rest, memo) for a, b, rest in node)
    return memo[id(node)]


def _flat(node: Node, rooms: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    if isinstance(node, OrdinalSet):
        yield from node.runs
        return
    stride = prod(rooms[1:])
    for a, b, rest in node:
        rows = list(_flat(rest, rooms[1:]))
        if rows == [(0, stride)]:
            yield a * stride, b * stride
            continue
        for ordinal in range(a, b):
            yield from ((ordinal * stride + c, ordinal * stride + d) for c, d in rows)


def _nested(rooms: tuple[int, ...], runs: Iterable[tuple[int, int]]) -> Node:
    if len(rooms) == 1:
        return OrdinalSet.of_runs(runs)
    stride = prod(rooms[1:])
    rows: list[tuple[int, int, list[tuple[int, int]]]] = []  # a run of ordinals, and what of the rest goes with it

    def add(a: int, b: int, c: int, d: int) -> None:
        if c >= d or a >= b:
            return
        if rows and rows[-1][0] == a and rows[-1][1] == b:
            rows[-1][2].append((c, d))
        else:
            rows.append((a, b, [(c, d)]))

    for first, end in runs:
        (a, c), (b, d) = divmod(first, stride), divmod(end, stride)
        if a == b:
            add(a, a + 1, c, d)
            continue
        if c:
            add(a, a + 1, c, stride)
            a += 1
        add(a, b, 0, stride)
        add(b, b + 1, 0, d)
    shared: dict[tuple[tuple[int, int], ...], Node] = {}
    nested: list[tuple[int, int, Node]] = []
    for a, b, inside in rows:
        known = tuple(inside)
        if known not in shared:
            shared[known] = _nested(rooms[1:], inside)
        rest = shared[known]
        if nested and nested[-1][1] == a and nested[-1][2] == rest:
            nested[-1] = (nested[-1][0], b, nested[-1][2])
        else:
            nested.append((a, b, rest))
    return tuple(nested)


def _boxes(node: Node, depth: int) -> Iterator[tuple[OrdinalSet, ...]]:
    if depth == 1:
        yield (node,)
        return
    together: dict[int, list[tuple[int, int]]] = {}
    rests: dict[int, Node] = {}
    equal: dict[Node, int] = {}
    for a, b, rest in node:
        known = equal.setdefault(rest, id(rest))
        rests[known] = rest
        together.setdefault(known, []).append((a, b))
    for known, runs in together.items():
        side = OrdinalSet.of_runs(runs)
        for box in _boxes(rests[known], depth - 1):
            yield (side, *box)
