"""Points of several dimensions: what a definition of them can do, whatever Dagster calls it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import islice
from math import prod
from types import MappingProxyType
from typing import Self

from gapless.errors import UnknownPartitionError, shown
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.combinations import Combinations, read_combinations
from gapless.partitions.dimensions.dimension import (
    check_found_keys,
    read_dimensions,
    unknown_dimension,
)
from gapless.partitions.dimensions.mistyped_key import points_meant
from gapless.partitions.key_text import read_keys
from gapless.partitions.multi_key import DELIMITER, MultiPartitionKey
from gapless.partitions.ordered_keys import DynamicPartitionsStore
from gapless.partitions.ordinals import OrdinalSet, ProductSet, number_of, point_of
from gapless.partitions.sets.partition_set import PartitionSet

__all__ = ["Multidimensional"]


class Multidimensional(PartitionsDefinition):
    """The algebra of `MultiPartitionsDefinition`; built by it only."""

    def __init__(
        self, partitions_defs: Mapping[str, PartitionsDefinition], *, combinations: object | None = None
    ) -> None:
        dimensions = read_dimensions(partitions_defs)
        self._dimensions = MappingProxyType(dimensions)
        self._names = tuple(dimensions)
        self._rooms = tuple(dimension.room for dimension in dimensions.values())
        self._combinations = None if combinations is None else read_combinations(combinations, dimensions)
        self._known: _Existing | None = None

    @property
    def dimensions(self) -> Mapping[str, PartitionsDefinition]:
        return self._dimensions

    def dimension(self, name: str) -> PartitionsDefinition:
        """The definition of one dimension.

        Raises:
            PartitionsDefinitionError: No dimension has that name.
        """
        if name not in self._dimensions:
            raise unknown_dimension(name, self._dimensions, "what is asked for")
        return self._dimensions[name]

    @property
    def combinations(self) -> Combinations | None:
        """Which combinations of the dimensions' keys exist; None for all."""
        return self._combinations

    @property
    def rooms(self) -> tuple[int, ...]:
        return self._rooms

    @property
    def is_time(self) -> bool:
        return False

    @property
    def room(self) -> int:
        return prod(self._rooms)

    # What exists.

    def _existing(self, now: datetime) -> _Existing:
        sides = tuple(dimension.existing(now) for dimension in self._dimensions.values())
        known = self._known
        if known is None or known.sides != sides:
            self._known = known = _Existing(sides, self.among(sides))
        return known

    def among(self, sides: Sequence[OrdinalSet]) -> ProductSet:
        return ProductSet.box(self._rooms, sides) if self._combinations is None else self._combinations.among(sides)

    def product(self, now: datetime) -> ProductSet:
        """All partitions that exist at `now`, as boxes."""
        return self._existing(now).points

    def existing(self, now: datetime) -> OrdinalSet:
        return self._existing(now).flat

    def count(self, now: datetime) -> int:
        return self._existing(now).count

    def exists(self, ordinal: int, now: datetime) -> bool:
        point = self.point(ordinal)
        here = zip(self._dimensions.values(), point, strict=True)
        return all(dimension.exists(n, now) for dimension, n in here) and self._combines(point)

    def _combines(self, point: Sequence[int]) -> bool:
        return self._combinations is None or self._combinations.has_point(point)

    def where(self, now: datetime, /, **keys: str | Iterable[str]) -> PartitionSet:
        """The partitions that exist at `now` and have these keys: ``where(now, region="eu", date=["2024-01-05"])``.

        Raises:
            PartitionsDefinitionError: A name that no dimension has.
            UnknownPartitionError: A key that does not exist at `now` in its dimension.
        """
        points = self.product(now)
        for name, wanted in keys.items():
            dimension = self.dimension(name)
            given = [wanted] if isinstance(wanted, str) else read_keys(wanted)
            side = OrdinalSet.of(self._ordinal_in(name, dimension, key, now) for key in given)
            points = points.where(self._names.index(name), side)
        return PartitionSet(self, points)

    def _ordinal_in(self, name: str, dimension: PartitionsDefinition, key: str, now: datetime) -> int:
        try:
            return dimension.validate_key(key, now)
        except UnknownPartitionError as unknown:
            unknown.reason = f"the dimension {name!r} has no such key"
            raise

    # Ordinals and keys.

    def point(self, ordinal: int) -> tuple[int, ...]:
        """The ordinals, one for each dimension, that make up an ordinal."""
        return point_of(self._rooms, ordinal)

    def key_at(self, ordinal: int) -> MultiPartitionKey:
        parts = (each.key_at(n) for each, n in zip(self._dimensions.values(), self.point(ordinal), strict=True))
        return MultiPartitionKey.of_text(self._names, DELIMITER.join(parts))

    def keys_of(self, ordinals: OrdinalSet) -> list[str]:
        return [MultiPartitionKey.of_text(self._names, key) for key in self._texts(ordinals)]

    def _texts(self, ordinals: OrdinalSet) -> Iterator[str]:
        """The keys, row by row of the last dimension; what occurs in many of them is written once."""
        *slower, fastest = self._dimensions.values()
        stride = self._rooms[-1]
        written: list[dict[int, str]] = [{} for _ in slower]
        rows: dict[tuple[int, int], list[str]] = {}
        for first, end in ordinals.runs:
            for row in range(first // stride, -(-end // stride)):
                stretch = max(first - row * stride, 0), min(end - row * stride, stride)
                if stretch not in rows:
                    rows[stretch] = fastest.keys_of(OrdinalSet.span(*stretch))
                parts: list[str] = []
                for dimension, known, n in zip(slower, written, self.point(row * stride), strict=False):
                    if n not in known:
                        known[n] = dimension.key_at(n)
                    parts.append(known[n])
                head = DELIMITER.join(parts) + DELIMITER
                yield from [head + key for key in rows[stretch]]

    def _parts(self, key: str) -> list[str] | None:
        parts = key.split(DELIMITER) if isinstance(key, str) else []
        return parts if len(parts) == len(self._names) else None

    def ordinal_of(self, key: str) -> int | None:
        parts = self._parts(key)
        if parts is None:
            return None
        point: list[int] = []
        for part, dimension in zip(parts, self._dimensions.values(), strict=True):
            ordinal = dimension.ordinal_of(part)
            if ordinal is None:
                return None
            point.append(ordinal)
        return number_of(self._rooms, point) if self._combines(point) else None

    def ordinals_of(self, keys: Iterable[str]) -> OrdinalSet:
        split = [parts for parts in map(self._parts, keys) if parts is not None]
        numbers: list[int | None] = [0] * len(split)
        columns = zip(*split, strict=True) if split else ()
        for dimension, room, column in zip(self._dimensions.values(), self._rooms, columns, strict=False):
            known = {part: dimension.ordinal_of(part) for part in set(column)}
            ordinals = [known[part] for part in column]
            numbers = [
                None if number is None or ordinal is None else number * room + ordinal
                for number, ordinal in zip(numbers, ordinals, strict=True)
            ]
        found = (number for number in numbers if number is not None)
        return OrdinalSet.of(
            found if self._combinations is None else (n for n in found if self._combines(self.point(n)))
        )

    def between(self, first: int, last: int) -> OrdinalSet:
        """A range is a rectangle: from one corner to the other in each dimension; of it, the combinations there are."""
        corners = zip(self._dimensions.values(), self.point(first), self.point(last), strict=True)
        return self.among([dimension.between(a, b) for dimension, a, b in corners]).flat()

    # Dynamic dimensions.

    @property
    def dynamic_names(self) -> frozenset[str]:
        return frozenset().union(*(dimension.dynamic_names for dimension in self._dimensions.values()))

    @property
    def dynamic_keys(self) -> Mapping[str, tuple[str, ...]]:
        return {name: keys for each in self._dimensions.values() for name, keys in each.dynamic_keys.items()}

    def resolved(self, store: DynamicPartitionsStore) -> Self:
        """This definition with the keys of its dynamic dimensions as they are in `store` now.

        Raises:
            PartitionsDefinitionError: One of those keys cannot be a part of a key.
        """
        if not self.dynamic_names:
            return self
        found = {name: dimension.resolved(store) for name, dimension in self._dimensions.items()}
        for name, dimension in found.items():
            if dimension.dynamic_names:
                check_found_keys(name, dimension)
        return type(self)(found, combinations=self._combinations)

    # Words.

    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        points = points_meant(key, self._dimensions, self.product(now), now, limit)
        return tuple(self.key_at(number_of(self._rooms, point)) for point in islice(points, limit))

    def unknown(self, key: str, now: datetime, asset: str | None = None) -> UnknownPartitionError:
        error = super().unknown(key, now, asset)
        parts = self._parts(key)
        if parts is None:
            found = len(key.split(DELIMITER))
            error.reason = (
                f"it has {found} part{'s' * (found != 1)}, and a key has {len(self._names)},"
                f" {DELIMITER.join(self._names)}"
            )
            return error
        for part, (name, dimension) in zip(parts, self._dimensions.items(), strict=True):
            ordinal = dimension.ordinal_of(part)
            if ordinal is None or not dimension.exists(ordinal, now):
                error.reason = f"the dimension {name!r} has no key {shown(part)}"
                error.to_add = dimension.unknown(part, now).to_add
                return error
        error.reason = "its parts exist, but this combination of them does not"
        return error

    def describe(self) -> str:
        product = " × ".join(f"{name} ({dimension.describe()})" for name, dimension in self._dimensions.items())
        return product if self._combinations is None else f"{product}, {self._combinations.describe()}"

    def describe_extent(self, now: datetime) -> str:
        parts = [f"{name}: {dimension.describe_extent(now)}" for name, dimension in self._dimensions.items()]
        if self._combinations is not None:
            parts.append(self._combinations.describe())
        return "; ".join(parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Multidimensional):
            return NotImplemented
        return self is other or (
            dict(self._dimensions) == dict(other._dimensions)  # a proxy compares by identity
            and self._combinations == other._combinations
        )

    def __hash__(self) -> int:
        return hash((tuple(self._dimensions.items()), self._combinations))

    def __repr__(self) -> str:
        return self._text(map(repr, self._dimensions.values()))

    @property
    def said(self) -> str:
        return self._text(dimension.said for dimension in self._dimensions.values())

    def _text(self, dimensions: Iterable[str]) -> str:
        shown = ", ".join(f"{name!r}: {text}" for name, text in zip(self._dimensions, dimensions, strict=True))
        combinations = "" if self._combinations is None else f", combinations={self._combinations!r}"
        return f"MultiPartitionsDefinition({{{shown}}}{combinations})"

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), dict(self._dimensions), self._combinations)


class _Existing:
    """What exists while the dimensions' keys are these; each form is made when it is first asked for.

    Attributes:
        sides: What exists in each dimension.
        points: The partitions.
    """

    def __init__(self, sides: tuple[OrdinalSet, ...], points: ProductSet) -> None:
        self.sides, self.points = sides, points

    @cached_property
    def flat(self) -> OrdinalSet:
        """The ordinals."""
        return self.points.flat()

    @cached_property
    def count(self) -> int:
        """How many there are."""
        return self.points.size


def _restored(
    cls: type[Multidimensional], dimensions: Mapping[str, PartitionsDefinition], combinations: Combinations | None
) -> Multidimensional:
    return cls(dimensions, combinations=combinations)
