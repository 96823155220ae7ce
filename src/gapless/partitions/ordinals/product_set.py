"""A set of partitions of several dimensions, as nested runs.

What a set of one dimension is to runs, this is to boxes: the first dimension is cut into runs, and each run says which
set of the remaining dimensions goes with it. A product of ten million partitions, or a slice of it by any dimension,
is a handful of runs; its size follows the irregularities, not the partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod

from gapless.partitions.ordinals.nesting import AND, OR, SUB, Level, Node, Operation, along, combined, nested
from gapless.partitions.ordinals.ordinal_set import OrdinalSet
from gapless.partitions.ordinals.runs import Run

__all__ = ["ProductSet", "number_of", "point_of"]


def point_of(rooms: Sequence[int], number: int) -> tuple[int, ...]:
    """The ordinals, one for each dimension, that make up a number.

    Args:
        rooms: For each dimension a bound that its ordinals stay below.
        number: From 0 to before the product of the rooms.
    """
    ordinals: list[int] = []
    for room in reversed(rooms[1:]):
        number, ordinal = divmod(number, room)
        ordinals.append(ordinal)
    return (number, *reversed(ordinals))


def number_of(rooms: Sequence[int], point: Iterable[int]) -> int:
    """The number that the ordinals, one for each dimension, make up; see `point_of`."""
    number = 0
    for room, ordinal in zip(rooms, point, strict=True):
        number = number * room + ordinal
    return number


@dataclass(frozen=True, slots=True, repr=False)
class ProductSet:
    """An immutable set of points of a product, in lexicographic order, the last dimension fastest.

    A point has one ordinal for each dimension, and a number: the point read in mixed radix, so that numbers ascend in
    the order of the points. Iteration, ``in``, `rank`, `at` and `runs` speak of numbers, as an `OrdinalSet` does.

    Attributes:
        rooms: For each dimension a bound that its ordinals stay below; fixed, so that numbers never change.
        root: The nested runs. Equal sets are nested alike.
    """

    rooms: tuple[int, ...]
    root: Node

    @classmethod
    def empty(cls, rooms: Sequence[int]) -> ProductSet:
        """No points."""
        return cls(tuple(rooms), nested(_strides(rooms), ()))

    @classmethod
    def box(cls, rooms: Sequence[int], sides: Sequence[OrdinalSet]) -> ProductSet:
        """All points whose ordinal lies in the side of each dimension.

        Raises:
            ValueError: There is not a side for each dimension, or one reaches beyond its room.
        """
        for room, side in zip(rooms, sides, strict=True):
            if side and side.last() >= room:
                raise ValueError(f"an ordinal is beyond its dimension: {side.last()}, not below {room}")
        if not all(sides):
            return cls.empty(rooms)
        node: Node = sides[-1]
        for stride, side in zip(reversed(_strides(rooms)), reversed(sides[:-1]), strict=True):
            node = Level(stride, [(a, b, node) for a, b in side.runs])
        return cls(tuple(rooms), node)

    @classmethod
    def of_numbers(cls, rooms: Sequence[int], numbers: OrdinalSet) -> ProductSet:
        """The points of these numbers.

        Raises:
            ValueError: A number is that of no point.
        """
        if numbers and numbers.last() >= prod(rooms):
            raise ValueError(f"a number is beyond the product: {numbers.last()}, not below {prod(rooms)}")
        return cls(tuple(rooms), nested(_strides(rooms), numbers.runs))

    @classmethod
    def along(cls, rooms: Sequence[int], places: Sequence[int], numbers: Iterable[int]) -> ProductSet:
        """All points that agree, in some dimensions, with one of these numbers; in the others they are free.

        Args:
            rooms: Of all dimensions.
            places: Which dimensions they agree in, ascending; at least one.
            numbers: Of points of those dimensions alone, in any order, repeated or not.
        """
        return cls(tuple(rooms), along(rooms, _strides(rooms), places, list(numbers)))

    @classmethod
    def union(cls, rooms: Sequence[int], sets: Iterable[ProductSet]) -> ProductSet:
        """All points of all `sets`. Halves are joined first, so that many small sets do not rebuild a large one."""
        pending = list(sets) or [cls.empty(rooms)]
        while len(pending) > 1:
            odd = pending[-1:] if len(pending) % 2 else []
            pending = [a | b for a, b in zip(pending[::2], pending[1::2], strict=False)] + odd
        return pending[0]

    def __or__(self, other: ProductSet) -> ProductSet:
        return self._combined(OR, other)

    def __and__(self, other: ProductSet) -> ProductSet:
        return self._combined(AND, other)

    def __sub__(self, other: ProductSet) -> ProductSet:
        return self._combined(SUB, other)

    def _combined(self, operation: Operation, other: ProductSet) -> ProductSet:
        if self.rooms != other.rooms:
            raise ValueError(f"sets of two products cannot be combined: {self.rooms} and {other.rooms}")
        return ProductSet(self.rooms, combined(operation, self.root, other.root))

    def point(self, number: int) -> tuple[int, ...]:
        """The ordinals, one for each dimension, that make up a number."""
        return point_of(self.rooms, number)

    def number(self, point: Iterable[int]) -> int:
        """The number that the ordinals, one for each dimension, make up."""
        return number_of(self.rooms, point)

    def has_point(self, point: Sequence[int]) -> bool:
        """Whether the point of these ordinals is in the set."""
        node = self.root
        for ordinal in point[:-1]:
            rest = node.rest_at(ordinal) if isinstance(node, Level) else None
            if rest is None:
                return False
            node = rest
        return point[-1] in node

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number >= 0 and self.has_point(self.point(number))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return bool(self.root)

    def __iter__(self) -> Iterator[int]:
        """Numbers, ascending; made one at a time."""
        return iter(self.root)

    @property
    def size(self) -> int:
        """How many points; what `len` says, which Python bounds by 2**63."""
        return self.root.size

    @property
    def runs(self) -> Sequence[Run]:
        """The numbers as half-open ``(first, end)`` pairs, ascending, disjoint and not touching; see `flat`."""
        return self.flat().runs

    def flat(self) -> OrdinalSet:
        """The numbers as an `OrdinalSet`. Costs its runs: one for each row that is cut by a slower dimension."""
        return self.root.flat()

    def first(self) -> int:
        """The smallest number.

        Raises:
            IndexError: The set is empty.
        """
        return self.root.first()

    def last(self) -> int:
        """The largest number.

        Raises:
            IndexError: The set is empty.
        """
        return self.root.last()

    def rank(self, number: int) -> int:
        """How many members are smaller than `number`, which need not be one."""
        return self.root.rank(number)

    def at(self, place: int) -> int:
        """The number at a 0-based place in ascending order; negative places count from the end.

        Raises:
            IndexError: There is no such place.
        """
        return self.root.at(place)

    def head(self, count: int) -> ProductSet:
        """The points of the `count` smallest numbers, or all if there are fewer."""
        return self if count >= self.size else self._within(0, self.at(max(0, count)))

    def tail(self, count: int) -> ProductSet:
        """The points of the `count` largest numbers, or all if there are fewer."""
        if count <= 0:
            return ProductSet.empty(self.rooms)
        return self if count >= self.size else self._within(self.at(-count), self.last() + 1)

    def _within(self, first: int, end: int) -> ProductSet:
        return self & ProductSet.of_numbers(self.rooms, OrdinalSet.span(first, end))

    def side(self, dimension: int) -> OrdinalSet:
        """The ordinals that occur in one dimension."""
        nodes: dict[int, Node] = {id(self.root): self.root}
        for _ in range(dimension):
            rows = (row for node in nodes.values() if isinstance(node, Level) for row in node.rows)
            nodes = {id(rest): rest for _, _, rest in rows}
        return OrdinalSet.of_runs(run for node in nodes.values() for run in _extent(node))

    def where(self, dimension: int, side: OrdinalSet) -> ProductSet:
        """The points whose ordinal in one dimension is one of `side`."""
        sides = [OrdinalSet.span(0, room) for room in self.rooms]
        sides[dimension] &= side
        return self & ProductSet.box(self.rooms, sides)

    def boxes(self) -> Iterator[tuple[OrdinalSet, ...]]:
        """Disjoint boxes that together are the set: for each, the ordinals of each dimension."""
        return _boxes(self.root)

    @property
    def box_count(self) -> int:
        """How many `boxes` there are, without making them."""
        return _box_count(self.root)

    def __repr__(self) -> str:
        shown = [" × ".join(str(side)[len("OrdinalSet") :] for side in box) for box in islice(self.boxes(), 4)]
        return f"ProductSet({' + '.join(shown[:3])}{' + …' if len(shown) > 3 else ''})"


def _strides(rooms: Sequence[int]) -> list[int]:
    return [prod(rooms[i:]) for i in range(1, len(rooms))]


def _extent(node: Node) -> Iterable[Run]:
    return ((a, b) for a, b, _ in node.rows) if isinstance(node, Level) else node.runs


def _boxes(node: Node) -> Iterator[tuple[OrdinalSet, ...]]:
    if isinstance(node, OrdinalSet):
        if node:
            yield (node,)
        return
    together: dict[Node, list[Run]] = {}
    for a, b, rest in node.rows:
        together.setdefault(rest, []).append((a, b))
    for rest, runs in together.items():
        side = OrdinalSet.of_runs(runs)
        for box in _boxes(rest):
            yield (side, *box)


def _box_count(node: Node) -> int:
    if isinstance(node, OrdinalSet):
        return 1 if node else 0
    return sum(map(_box_count, {rest for _, _, rest in node.rows}))
