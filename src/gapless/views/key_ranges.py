"""Sets of partitions as the ranges of keys that a person reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gapless.partitions import OrdinalSet, PartitionsDefinition

__all__ = ["KeyRange", "key_ranges"]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Partitions that follow one another.

    Attributes:
        first, last: Keys, both inclusive; None for the whole of an unpartitioned asset.
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
    """`ordinals` as ranges, ascending; only their ends are looked up."""
    if definition is None:
        return (KeyRange(None, None, 1),) if ordinals else ()
    return tuple(KeyRange(definition.key_at(a), definition.key_at(b - 1), b - a) for a, b in ordinals.runs)
