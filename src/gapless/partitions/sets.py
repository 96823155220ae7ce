"""A set of partitions of one definition."""

from __future__ import annotations

from dataclasses import dataclass

from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["PartitionSet"]


@dataclass(frozen=True, slots=True)
class PartitionSet:
    """An immutable set of partitions of one definition.

    Attributes:
        definition: Whose partitions they are.
        ordinals: Which of them.
    """

    definition: PartitionsDefinition
    ordinals: OrdinalSet

    def _other(self, other: PartitionSet) -> OrdinalSet:
        if other.definition != self.definition:
            raise ValueError(
                f"partitions of different definitions do not combine: {self.definition.describe()} and"
                f" {other.definition.describe()}"
            )
        return other.ordinals

    def __or__(self, other: PartitionSet) -> PartitionSet:
        return PartitionSet(self.definition, self.ordinals | self._other(other))

    def __and__(self, other: PartitionSet) -> PartitionSet:
        return PartitionSet(self.definition, self.ordinals & self._other(other))

    def __sub__(self, other: PartitionSet) -> PartitionSet:
        return PartitionSet(self.definition, self.ordinals - self._other(other))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.definition.ordinal_of(key) in self.ordinals

    def __len__(self) -> int:
        return len(self.ordinals)

    def __bool__(self) -> bool:
        return bool(self.ordinals)

    def keys(self) -> list[str]:
        """The keys, in the definition's order."""
        return self.definition.keys_of(self.ordinals)

    def key_ranges(self) -> list[PartitionKeyRange]:
        """The maximal contiguous ranges, inclusive at both ends, in the definition's order."""
        key_at = self.definition.key_at
        return [PartitionKeyRange(key_at(a), key_at(b - 1)) for a, b in self.ordinals.runs]
