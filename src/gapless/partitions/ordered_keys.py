"""Partition keys in an order: what sets, selections and mappings need to know of a definition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, Self

from gapless.errors import UnknownPartitionError
from gapless.partitions.key_text import check_key
from gapless.partitions.ordinals import OrdinalSet, ProductSet

__all__ = ["DynamicPartitionsStore", "OrderedKeys", "existing"]


class DynamicPartitionsStore(Protocol):
    """Where the keys of dynamic partitions are kept; the ledger is one."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of that name, in the order in which they were added; empty if nobody has added any."""
        ...


class OrderedKeys(ABC):
    """Which partitions exist, and in which order.

    Each partition has an *ordinal*, a position that never changes as time passes, and a *key*, its canonical name.
    Algebra works on ordinals; keys are written last. Ordinals are ascending in the definition's order, but need not
    be dense: ask `existing`.
    """

    @property
    @abstractmethod
    def is_time(self) -> bool:
        """True if each partition covers a time window, and nothing but the window tells it from others."""

    @property
    @abstractmethod
    def room(self) -> int:
        """A bound: no ordinal is ever this large, whatever comes to exist later."""

    @abstractmethod
    def existing(self, now: datetime) -> OrdinalSet:
        """The ordinals of all partitions that exist at `now`.

        A naive `now` is in the definition's own timezone.
        """

    def product(self, now: datetime) -> ProductSet:
        """As `existing`, as boxes: what is cheap to compute with where there are dimensions."""
        return ProductSet.box([self.room], [self.existing(now)])

    def count(self, now: datetime) -> int:
        """How many partitions exist at `now`."""
        return len(self.existing(now))

    def exists(self, ordinal: int, now: datetime) -> bool:
        """Whether the partition of that ordinal exists at `now`."""
        return ordinal in self.existing(now)

    @abstractmethod
    def key_at(self, ordinal: int) -> str:
        """The key of an ordinal, of one that exists only in the future too.

        Raises:
            IndexError: There never is such a partition.
        """

    @abstractmethod
    def ordinal_of(self, key: str) -> int | None:
        """The ordinal of exactly this key; None if it is not one.

        Strict: ``2024-1-5`` is not ``2024-01-05``. A future key resolves; ask `exists`.
        """

    @abstractmethod
    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        """Existing keys that somebody who wrote `key` may have meant, best first."""

    @abstractmethod
    def describe(self) -> str:
        """The definition in words: ``daily from 2024-01-01``."""

    @abstractmethod
    def describe_extent(self, now: datetime) -> str:
        """Which keys exist at `now`, in words: ``2024-01-01 to 2024-03-31``."""

    def unbounded_key(self, ordinal: int) -> str:
        """As `key_at`, of time windows outside of the definition too: negative before it, and on after its end.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        return self.key_at(ordinal)

    def unbounded_ordinal(self, key: str) -> int | None:
        """As `ordinal_of`, of time windows outside of the definition too; see `unbounded_key`."""
        return self.ordinal_of(key)

    @property
    def unexcluded(self) -> OrderedKeys:
        """This definition with the time windows that its exclusions leave out; itself if it has none."""
        return self

    def to_unexcluded(self, ordinals: OrdinalSet) -> OrdinalSet:
        """The ordinals that these partitions have in `unexcluded`."""
        return ordinals

    def of_unexcluded(self, ordinals: OrdinalSet) -> OrdinalSet:
        """The partitions that have these ordinals in `unexcluded`; those that are excluded are dropped.

        Raises:
            OverflowError: Too far from the start to know what is excluded in between.
        """
        return ordinals

    def key_facts(self) -> Mapping[str, object]:
        """What gives a key its meaning, as JSON values: the same key of equal facts is the same partition.

        Bounds and lists of keys are not among them; they may change while the keys mean what they did.
        """
        if self.dimensions:
            return {"kind": "multi", "dimensions": {name: of.key_facts() for name, of in self.dimensions.items()}}
        if self.dynamic_names:
            return {"kind": "dynamic", "name": ", ".join(sorted(self.dynamic_names))}
        return {"kind": "static"}

    def keys_of(self, ordinals: OrdinalSet) -> list[str]:
        """The keys of these ordinals, ascending by ordinal.

        Raises:
            IndexError: One of them never exists.
        """
        return [self.key_at(n) for n in ordinals]

    def ordinals_of(self, keys: Iterable[str]) -> OrdinalSet:
        """The ordinals of these keys; what is not a key is dropped."""
        found = map(self.ordinal_of, keys)
        return OrdinalSet.of(n for n in found if n is not None)

    def validate_key(self, key: str, now: datetime, asset: str | None = None) -> int:
        """The ordinal of a key that exists at `now`.

        Raises:
            UnknownPartitionError: It does not; names the nearest keys and what exists.
            InvocationError: It is not text.
        """
        check_key(key)
        ordinal = self.ordinal_of(key)
        if ordinal is None or not self.exists(ordinal, now):
            raise self.unknown(key, now, asset)
        return ordinal

    def unknown(self, key: str, now: datetime, asset: str | None = None) -> UnknownPartitionError:
        """The error for a key that does not exist at `now`."""
        return UnknownPartitionError(asset, key, self.nearest_keys(key, now), self.describe_extent(now))

    def between(self, first: int, last: int) -> OrdinalSet:
        """A range of partitions, both ends inclusive, whether or not they exist; empty if it runs backwards."""
        return OrdinalSet.span(first, last + 1)

    def among(self, sides: Sequence[OrdinalSet]) -> ProductSet:
        """The partitions, future ones too, whose ordinal lies in the side of each dimension, in key order."""
        return ProductSet.box(self.rooms, sides)

    def labelled_from(self, text: str, now: datetime | None) -> OrdinalSet | None:
        """The partitions that exist at `now` and are labelled with a stretch of civil time or what comes after it.

        ``2024-01`` is from January on. None where labels are not civil time, or `text` is not.

        Args:
            now: None for all, future ones too.
        """
        return None

    def labelled_until(self, text: str, now: datetime | None) -> OrdinalSet | None:
        """As `labelled_from`, with what comes before it: ``2024-01`` is up to the end of January."""
        return None

    @property
    def dimensions(self) -> Mapping[str, OrderedKeys]:
        """What a partition is told by, by name, in key order; empty if it is told by its one key."""
        return {}

    @property
    def rooms(self) -> tuple[int, ...]:
        """The room of each dimension, in key order; empty if there are none."""
        return tuple(dimension.room for dimension in self.dimensions.values())

    @property
    def times(self) -> tuple[OrderedKeys, ...]:
        """What of it is time: itself if its partitions are windows, otherwise those of its dimensions."""
        return (self,) if self.is_time else tuple(each for each in self.dimensions.values() if each.is_time)

    @property
    def dynamic_names(self) -> frozenset[str]:
        """The names of the dynamic partitions whose keys have to be looked up before anything can be asked."""
        return frozenset()

    @property
    def dynamic_keys(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of its dynamic partitions by name, as `resolved` found them; empty before that."""
        return {}

    def resolved(self, store: DynamicPartitionsStore) -> Self:
        """This definition with the keys of its dynamic partitions as they are in `store` now."""
        return self


def existing(definition: OrderedKeys | None, now: datetime) -> OrdinalSet:
    """All partitions of an asset that exist at `now`; of one that is not partitioned (None) its only ordinal, 0."""
    return OrdinalSet.span(0, 1) if definition is None else definition.existing(now)
