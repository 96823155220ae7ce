"""The rule that says which partitions exist."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from gapless.errors import UnknownPartitionError
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["PartitionsDefinition", "current"]


class PartitionsDefinition(ABC):
    """Which partitions exist, and in which order.

    Each partition has an *ordinal*, its 0-based position, and a *key*, its canonical name. Algebra works on ordinals.
    Definitions are immutable values: they compare, hash and pickle by what they say.
    """

    @property
    @abstractmethod
    def is_time(self) -> bool:
        """True if each partition covers a time window."""

    @abstractmethod
    def extent(self, now: datetime) -> int:
        """How many partitions exist at `now`: the ordinals ``0`` to ``extent - 1``.

        A naive `now` is in the definition's own timezone.
        """

    @abstractmethod
    def key_at(self, ordinal: int) -> str:
        """The key of an ordinal, of one that exists only in the future too.

        Raises:
            IndexError: There never is such a partition.
        """

    @abstractmethod
    def ordinal_of(self, key: str) -> int | None:
        """The ordinal of exactly this key; None if it is not one.

        Strict: ``2024-1-5`` is not ``2024-01-05``. A future key resolves; compare with `extent`.
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
        if ordinal is None or ordinal >= self.extent(now):
            raise UnknownPartitionError(asset, key, self.nearest_keys(key, now), self.describe_extent(now))
        return ordinal

    # What follows has Dagster's names. `current_time` is the one place below the engine where the clock may be read.

    def get_partition_keys(self, current_time: datetime | None = None) -> Sequence[str]:
        """All keys, in order. Costs what the definition holds."""
        return self.keys_of(OrdinalSet.span(0, self.extent(current(current_time))))

    def get_num_partitions(self, current_time: datetime | None = None) -> int:
        """How many partitions exist."""
        return self.extent(current(current_time))

    def get_first_partition_key(self, current_time: datetime | None = None) -> str | None:
        """The first key; None if no partition exists."""
        return self.key_at(0) if self.extent(current(current_time)) else None

    def get_last_partition_key(self, current_time: datetime | None = None) -> str | None:
        """The last key; None if no partition exists."""
        extent = self.extent(current(current_time))
        return self.key_at(extent - 1) if extent else None

    def has_partition_key(self, partition_key: str, current_time: datetime | None = None) -> bool:
        """Whether this is exactly the key of a partition that exists."""
        ordinal = self.ordinal_of(partition_key)
        return ordinal is not None and ordinal < self.extent(current(current_time))

    def filter_valid_partition_keys(self, partition_keys: set[str], current_time: datetime | None = None) -> set[str]:
        """Those of `partition_keys` that exist."""
        extent = self.extent(current(current_time))
        ordinals = ((key, self.ordinal_of(key)) for key in partition_keys)
        return {key for key, ordinal in ordinals if ordinal is not None and ordinal < extent}

    def get_partition_keys_in_range(self, partition_key_range: PartitionKeyRange) -> Sequence[str]:
        """The keys from start to end, both inclusive, in the definition's order; none if they are reversed.

        Raises:
            UnknownPartitionError: An end is not a key.
        """
        first, last = (self._bound(key) for key in partition_key_range)
        return self.keys_of(OrdinalSet.span(first, last + 1))

    def _bound(self, key: str) -> int:
        ordinal = self.ordinal_of(key)
        if ordinal is None:
            now = datetime.now(UTC)
            raise UnknownPartitionError(None, key, self.nearest_keys(key, now), self.describe_extent(now))
        return ordinal


def current(current_time: datetime | None) -> datetime:
    """`current_time`, or the clock for None: only for methods that have Dagster's names."""
    return datetime.now(UTC) if current_time is None else current_time
