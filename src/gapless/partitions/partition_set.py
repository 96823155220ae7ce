"""An immutable set of partitions of one definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gapless.errors import InvocationError
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.product import ProductSet

__all__ = ["PartitionSet"]


@dataclass(frozen=True, slots=True)
class PartitionSet:
    """Partitions of one definition, whether or not they exist by now.

    Attributes:
        definition: What they are partitions of.
        ordinals: Which; a `ProductSet` (by number) where the definition has dimensions.
    """

    definition: OrderedKeys
    ordinals: OrdinalSet | ProductSet

    @classmethod
    def empty(cls, definition: OrderedKeys) -> PartitionSet:
        """No partitions."""
        return cls.of_ordinals(definition, OrdinalSet.empty())

    @classmethod
    def of_ordinals(cls, definition: OrderedKeys, ordinals: OrdinalSet) -> PartitionSet:
        """The partitions of these ordinals."""
        rooms = [dimension.room for dimension in definition.dimensions.values()]
        return cls(definition, ProductSet.of_numbers(rooms, ordinals) if rooms else ordinals)

    @classmethod
    def of_keys(cls, definition: OrderedKeys, keys: Iterable[str]) -> PartitionSet:
        """The partitions of these keys; what is not a key is dropped."""
        return cls.of_ordinals(definition, definition.ordinals_of(keys))

    @classmethod
    def existing(cls, definition: OrderedKeys, now: datetime) -> PartitionSet:
        """All partitions that exist at `now`."""
        return cls.of_ordinals(definition, definition.existing(now))

    def flat(self) -> OrdinalSet:
        """The ordinals as the engine takes them."""
        return self.ordinals.flat()

    def _matched(self, other: PartitionSet) -> PartitionSet:
        if self.definition is not other.definition and self.definition != other.definition:
            raise InvocationError(
                f"sets of two definitions cannot be combined: {self.definition.describe()},"
                f" and {other.definition.describe()}",
                "Map one to the other with a partition mapping",
            )
        return other

    def __or__(self, other: PartitionSet) -> PartitionSet:
        return PartitionSet(self.definition, self.ordinals | self._matched(other).ordinals)  # type: ignore[operator]  # one definition, one form

    def __and__(self, other: PartitionSet) -> PartitionSet:
        return PartitionSet(self.definition, self.ordinals & self._matched(other).ordinals)  # type: ignore[operator]  # one definition, one form

    def __sub__(self, other: PartitionSet) -> PartitionSet:
        return PartitionSet(self.definition, self.ordinals - self._matched(other).ordinals)  # type: ignore[operator]  # one definition, one form

    def complement(self, now: datetime) -> PartitionSet:
        """The partitions that exist at `now` and are not in the set."""
        return PartitionSet.existing(self.definition, now) - self

    def __contains__(self, key: object) -> bool:
        ordinal = self.definition.ordinal_of(key) if isinstance(key, str) else None
        return ordinal is not None and ordinal in self.ordinals

    def __len__(self) -> int:
        return len(self.ordinals)

    def __bool__(self) -> bool:
        return bool(self.ordinals)

    def __iter__(self) -> Iterator[str]:
        """Keys, in the definition's order."""
        for piece in self.flat().chunks(1000):
            yield from self.definition.keys_of(piece)

    @property
    def first(self) -> str | None:
        """The first key; None if the set is empty."""
        return self.definition.key_at(self.ordinals.first()) if self else None

    @property
    def last(self) -> str | None:
        """The last key; None if the set is empty."""
        return self.definition.key_at(self.ordinals.last()) if self else None

    def ranges(self) -> Sequence[PartitionKeyRange]:
        """The set as contiguous ranges of keys, both ends inclusive."""
        key_at = self.definition.key_at
        return [PartitionKeyRange(key_at(a), key_at(b - 1)) for a, b in self.flat().runs]
