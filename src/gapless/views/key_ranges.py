"""Sets of partitions as the ranges of keys that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from gapless.partitions import OrdinalSet, PartitionsDefinition, PartitionSet, ProductSet

__all__ = ["KeyRange", "key_ranges"]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Partitions that follow one another; of several dimensions, a rectangle.

    Attributes:
        first, last: Keys, both inclusive, or two corners; None for the whole of an unpartitioned asset.
        count: How many there are from first to last.
    """

    first: str | None
    last: str | None
    count: int

    def __str__(self) -> str:
        if self.first is None:
            return "(unpartitioned)"
        return self.first if self.count == 1 else f"{self.first}..{self.last}"

    def to_json(self) -> dict[str, Any]:
        return {"first": self.first, "last": self.last, "count": self.count}


def key_ranges(definition: PartitionsDefinition | None, ordinals: OrdinalSet) -> tuple[KeyRange, ...]:
    """`ordinals` as ranges; only their ends are looked up."""
    if definition is None:
        return (KeyRange(None, None, 1),) if ordinals else ()
    if definition.dimensions:
        return tuple(_rectangles(PartitionSet.of_ordinals(definition, ordinals)))
    return tuple(KeyRange(definition.key_at(a), definition.key_at(b - 1), b - a) for a, b in ordinals.runs)


def _rectangles(partitions: PartitionSet) -> Iterator[KeyRange]:
    if not isinstance(partitions.ordinals, ProductSet):
        return
    boxes = (product(*(side.runs for side in box)) for box in partitions.ordinals.boxes())
    counts = (prod(b - a for a, b in sides) for box in boxes for sides in box)
    for ends, count in zip(partitions.ranges(), counts, strict=True):
        yield KeyRange(ends.start, ends.end, count)
