"""Partitions that are told by several dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import prod
from types import MappingProxyType

from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.multi_key import DELIMITER, MultiPartitionKey
from gapless.partitions.ordered_keys import DynamicPartitionsStore
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.product import ProductSet

__all__ = ["MultiPartitionsDefinition"]


class MultiPartitionsDefinition(PartitionsDefinition):
    """The product of any number of dimensions, each static, by time or dynamic.

    A key joins the keys of the dimensions with ``|`` in the order of the dimensions' *names*; the last one varies
    fastest.

    Args:
        partitions_defs: The definition of each dimension, by name.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    def __init__(self, partitions_defs: Mapping[str, PartitionsDefinition]) -> None:
        self._dimensions = MappingProxyType(dict(sorted(partitions_defs.items())))
        self._rooms = tuple(dimension.room for dimension in self._dimensions.values())

    @property
    def dimensions(self) -> Mapping[str, PartitionsDefinition]:
        return self._dimensions

    @property
    def is_time(self) -> bool:
        return False

    @property
    def room(self) -> int:
        return prod(self._rooms)

    def product(self, now: datetime) -> ProductSet:
        """All partitions that exist at `now`, as boxes."""
        return ProductSet.box(self._rooms, [dimension.existing(now) for dimension in self._dimensions.values()])

    def existing(self, now: datetime) -> OrdinalSet:
        return self.product(now).flat()

    def count(self, now: datetime) -> int:
        return len(self.product(now))

    def exists(self, ordinal: int, now: datetime) -> bool:
        return ordinal in self.product(now)

    def point(self, ordinal: int) -> tuple[int, ...]:
        """The ordinals, one for each dimension, that make up an ordinal."""
        ordinals: list[int] = []
        for room in reversed(self._rooms[1:]):
            ordinal, of_dimension = divmod(ordinal, room)
            ordinals.append(of_dimension)
        return (ordinal, *reversed(ordinals))

    def key_at(self, ordinal: int) -> MultiPartitionKey:
        point = zip(self._dimensions.items(), self.point(ordinal), strict=True)
        return MultiPartitionKey({name: dimension.key_at(n) for (name, dimension), n in point})

    def ordinal_of(self, key: str) -> int | None:
        parts = key.split(DELIMITER) if isinstance(key, str) else []
        if len(parts) != len(self._dimensions):
            return None
        ordinal = 0
        for part, dimension, room in zip(parts, self._dimensions.values(), self._rooms, strict=True):
            found = dimension.ordinal_of(part)
            if found is None:
                return None
            ordinal = ordinal * room + found
        return ordinal

    def between(self, first: int, last: int) -> OrdinalSet:
        """A range is a rectangle: from one corner to the other in each dimension."""
        corners = zip(self._dimensions.values(), self.point(first), self.point(last), strict=True)
        return ProductSet.box(self._rooms, [dimension.between(a, b) for dimension, a, b in corners]).flat()

    @property
    def dynamic_names(self) -> frozenset[str]:
        return frozenset().union(*(dimension.dynamic_names for dimension in self._dimensions.values()))

    def resolved(self, store: DynamicPartitionsStore) -> MultiPartitionsDefinition:
        if not self.dynamic_names:
            return self
        return MultiPartitionsDefinition({name: each.resolved(store) for name, each in self._dimensions.items()})

    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        return ()

    def describe(self) -> str:
        return " × ".join(f"{name} ({dimension.describe()})" for name, dimension in self._dimensions.items())

    def describe_extent(self, now: datetime) -> str:
        parts = (f"{name}: {dimension.describe_extent(now)}" for name, dimension in self._dimensions.items())
        return "; ".join(parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MultiPartitionsDefinition):
            return NotImplemented
        return dict(self._dimensions) == dict(other._dimensions)

    def __hash__(self) -> int:
        return hash(tuple(self._dimensions.items()))

    def __reduce__(self) -> tuple[object, ...]:
        return MultiPartitionsDefinition, (dict(self._dimensions),)
