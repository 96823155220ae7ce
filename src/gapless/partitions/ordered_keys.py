"""Partition keys in an order: what sets, selections and mappings need to know of a definition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, Self

from gapless.errors import UnknownPartitionError
from gapless.partitions.ordinals import OrdinalSet

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
        """
        ordinal = self.ordinal_of(key)
        if ordinal is None or not self.exists(ordinal, now):
            raise UnknownPartitionError(asset, key, self.nearest_keys(key, now), self.describe_extent(now))
        return ordinal

    def between(self, first: int, last: int) -> OrdinalSet:
        """A range of partitions, both ends inclusive, whether or not they exist; empty if it runs backwards."""
        return OrdinalSet.span(first, last + 1)

    def labelled(self, text: str) -> OrdinalSet | None:
        """The partitions whose label begins with a stretch of civil time: ``2024-01`` is all of January.

        None where labels are not civil time, or `text` is not. Bounded by the definition, not by what exists.
        """
        return None

    @property
    def dimensions(self) -> Mapping[str, OrderedKeys]:
        """What a partition is told by, by name, in key order; empty if it is told by its one key."""
        return {}

    @property
    def dynamic_names(self) -> frozenset[str]:
        """The names of the dynamic partitions whose keys have to be looked up before anything can be asked."""
        return frozenset()

    def resolved(self, store: DynamicPartitionsStore) -> Self:
        """This definition with the keys of its dynamic partitions as they are in `store` now."""
        return self


def existing(definition: OrderedKeys | None, now: datetime) -> OrdinalSet:
    """All partitions of an asset that exist at `now`; of one that is not partitioned (None) its only ordinal, 0."""
    return OrdinalSet.span(0, 1) if definition is None else definition.existing(now)
