"""A set of partitions as ranges of keys, each of which is written when somebody looks at it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice, product
from math import prod
from typing import overload

from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.multi_key import DELIMITER, MultiPartitionKey
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.ordinals.runs import Run

__all__ = ["KeyRanges", "NamedRuns", "keys_in", "named", "ranges_of"]

_BATCH = 1000  # runs whose keys are written together
_PIECE = 10_000  # keys that are written together
_DENSE = 8  # keys to a run, up to which writing all keys of a span costs less than asking for each run
_SHOWN = 5  # ranges in a repr


@dataclass(frozen=True, slots=True)
class NamedRuns(Sequence[PartitionKeyRange]):
    """Runs of numbers, with the names of the numbers.

    Attributes:
        runs: Half-open ``(first, end)`` pairs, ascending.
        name: What a number is called.
        names: The names of a set of numbers, ascending, in bulk; None if there is no faster way than `name`.
        shift: Is added to a number before it is named.
    """

    runs: Sequence[Run]
    name: Callable[[int], str]
    names: Callable[[OrdinalSet], list[str]] | None = None
    shift: int = 0

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(b - a for a, b in self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def _range(self, run: Run) -> PartitionKeyRange:
        start = self.name(run[0] + self.shift)
        return PartitionKeyRange(start, start if run[1] == run[0] + 1 else self.name(run[1] - 1 + self.shift))

    @overload
    def __getitem__(self, place: int) -> PartitionKeyRange: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PartitionKeyRange]: ...
    def __getitem__(self, place: int | slice) -> PartitionKeyRange | Sequence[PartitionKeyRange]:
        if isinstance(place, slice):
            return NamedRuns(self.runs[place], self.name, self.names, self.shift)
        return self._range(self.runs[place])

    def __iter__(self) -> Iterator[PartitionKeyRange]:
        runs = iter(self.runs)
        while batch := list(islice(runs, _BATCH)):
            first, end = batch[0][0], batch[-1][1]
            if self.names is None or end - first > _DENSE * len(batch):
                yield from map(self._range, batch)
                continue
            names = self.names(OrdinalSet.span(first + self.shift, end + self.shift))
            yield from (PartitionKeyRange(names[a - first], names[b - 1 - first]) for a, b in batch)


class KeyRanges(Sequence[PartitionKeyRange]):
    """Ranges of keys, both ends inclusive; of several dimensions, rectangles from one corner to the other.

    Compares by its items, with any list or tuple of ranges too.

    Args:
        boxes: For each box its side in each dimension; the ranges of a box are all combinations of those of its sides.
        dimensions: The names of the dimensions, in key order; empty if there is one side without a name.
    """

    __slots__ = ("_boxes", "_dimensions", "_ends")

    def __init__(self, boxes: Iterable[Sequence[NamedRuns]], dimensions: Iterable[str] = ()) -> None:
        self._boxes = tuple(boxes)
        self._dimensions = tuple(dimensions)
        self._ends = list(accumulate(prod(map(len, box)) for box in self._boxes))

    def _corners(self, sides: Sequence[PartitionKeyRange]) -> PartitionKeyRange:
        if not self._dimensions:
            return sides[0]
        starts, ends = zip(*sides, strict=True)
        return PartitionKeyRange(self._key(starts), self._key(ends))

    def _key(self, parts: Iterable[str]) -> str:
        return MultiPartitionKey.of_text(self._dimensions, DELIMITER.join(parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> PartitionKeyRange: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PartitionKeyRange]: ...
    def __getitem__(self, place: int | slice) -> PartitionKeyRange | Sequence[PartitionKeyRange]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        place += len(self) if place < 0 else 0
        if not 0 <= place < len(self):
            raise IndexError(f"there is no range {place} of {len(self)}")
        n = bisect_right(self._ends, place)
        place -= self._ends[n - 1] if n else 0
        sides: list[PartitionKeyRange] = []
        for side in reversed(self._boxes[n]):
            place, of_side = divmod(place, len(side))
            sides.append(side[of_side])
        return self._corners(sides[::-1])

    def __iter__(self) -> Iterator[PartitionKeyRange]:
        for box in self._boxes:
            yield from box[0] if not self._dimensions else map(self._corners, product(*box))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(ours == theirs for ours, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it equals lists, which have no hash

    def __repr__(self) -> str:
        more = ", …" if len(self) > _SHOWN else ""
        return f"[{', '.join(map(repr, islice(self, _SHOWN)))}{more}]"


def named(definition: OrderedKeys, ordinals: OrdinalSet) -> NamedRuns:
    """The runs of a set, with the definition's keys."""
    return NamedRuns(ordinals.runs, definition.key_at, definition.keys_of if definition.is_time else None)


def ranges_of(definition: OrderedKeys, ordinals: OrdinalSet | ProductSet) -> KeyRanges:
    """The ranges of a set: its boxes are listed, and nothing is written before it is looked at."""
    if isinstance(ordinals, OrdinalSet):
        return KeyRanges([[named(definition, ordinals)]] if ordinals else [])
    dimensions = definition.dimensions
    boxes = ([*map(named, dimensions.values(), box)] for box in ordinals.boxes())
    return KeyRanges(boxes, dimensions)


def keys_in(definition: OrderedKeys, ordinals: OrdinalSet | ProductSet) -> Iterator[str]:
    """The keys of a set, ascending by ordinal; few of them are written ahead."""
    runs = iter(ordinals.runs)
    while batch := list(islice(runs, _BATCH)):
        first, end = batch[0][0], batch[-1][1]
        if definition.is_time and len(batch) > 1 and end - first <= _DENSE * len(batch):
            keys = definition.keys_of(OrdinalSet.span(first, end))
            yield from chain.from_iterable(keys[a - first : b - first] for a, b in batch)
            continue
        few = OrdinalSet(batch)
        for piece in [few] if len(few) <= _PIECE else few.chunks(_PIECE):
            yield from definition.keys_of(piece)
