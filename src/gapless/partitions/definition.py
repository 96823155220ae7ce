"""The rule that says which partitions exist, with the methods that Dagster's definitions have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

from gapless.errors import UnknownPartitionError
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.loading_context import current, current_store
from gapless.partitions.ordered_keys import DynamicPartitionsStore, OrderedKeys
from gapless.partitions.partition_set import PartitionSet

__all__ = ["PartitionsDefinition"]


class PartitionsDefinition(OrderedKeys):
    """Which partitions exist, and in which order.

    Definitions are immutable values: they compare, hash and pickle by what they say.

    The methods here have Dagster's names. Where they need the time or the keys of dynamic partitions and no argument
    says them, they take those of `partition_loading_context`, or the clock.
    """

    def _with_keys(self, store: DynamicPartitionsStore | None = None) -> Self:
        """This definition with its dynamic keys, if it can be told where they are."""
        found = current_store(store) if self.dynamic_names else None
        return self if found is None else self.resolved(found)

    def get_partition_keys(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """All keys, in order. Costs what the definition holds."""
        this = self._with_keys(dynamic_partitions_store)
        return this.keys_of(this.existing(current(current_time)))

    def get_num_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> int:
        """How many partitions exist."""
        return self._with_keys(dynamic_partitions_store).count(current(current_time))

    def get_first_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str | None:
        """The first key; None if no partition exists."""
        this = self._with_keys(dynamic_partitions_store)
        existing = this.existing(current(current_time))
        return this.key_at(existing.first()) if existing else None

    def get_last_partition_key(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> str | None:
        """The last key; None if no partition exists."""
        this = self._with_keys(dynamic_partitions_store)
        existing = this.existing(current(current_time))
        return this.key_at(existing.last()) if existing else None

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        """Whether this is exactly the key of a partition that exists."""
        this = self._with_keys(dynamic_partitions_store)
        ordinal = this.ordinal_of(partition_key)
        return ordinal is not None and this.exists(ordinal, current(current_time))

    def filter_valid_partition_keys(
        self,
        partition_keys: set[str],
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> set[str]:
        """Those of `partition_keys` that exist."""
        this, now = self._with_keys(dynamic_partitions_store), current(current_time)
        ordinals = ((key, this.ordinal_of(key)) for key in partition_keys)
        return {key for key, ordinal in ordinals if ordinal is not None and this.exists(ordinal, now)}

    def get_partition_keys_in_range(
        self,
        partition_key_range: PartitionKeyRange,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> Sequence[str]:
        """The keys from start to end, both inclusive, in the definition's order; none if they are reversed.

        Raises:
            UnknownPartitionError: An end is not a key.
        """
        this = self._with_keys(dynamic_partitions_store)
        first, last = (this._bound(key) for key in partition_key_range)
        return this.keys_of(this.between(first, last))

    def _bound(self, key: str) -> int:
        ordinal = self.ordinal_of(key)
        if ordinal is None:
            now = current(None)
            raise UnknownPartitionError(None, key, self.nearest_keys(key, now), self.describe_extent(now))
        return ordinal

    def empty_subset(self) -> PartitionSet:
        """The set without partitions."""
        return PartitionSet.empty(self._with_keys())

    def subset_with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionSet:
        """The set of these partitions; what is not a key is dropped."""
        return PartitionSet.of_keys(self._with_keys(), partition_keys)

    def subset_with_all_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionSet:
        """The set of all partitions that exist."""
        return PartitionSet.existing(self._with_keys(dynamic_partitions_store), current(current_time))
