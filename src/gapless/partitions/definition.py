"""The rule that says which partitions exist, with the methods that Dagster's definitions have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Self

from gapless.errors import PartitionSetFormatError, UnknownPartitionError
from gapless.partitions.key_range import PartitionKeyRange, ends_of
from gapless.partitions.key_text import check_key, read_keys
from gapless.partitions.loading_context import LoadingContext, check_time, current, current_store
from gapless.partitions.multi_key import MultiPartitionKey
from gapless.partitions.ordered_keys import DynamicPartitionsStore, OrderedKeys
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.pages import PaginatedResults, page_of
from gapless.partitions.sets.partition_set import PartitionSet

__all__ = ["PartitionsDefinition"]

_TAG = "dagster/partition"  # Dagster's name for it


class PartitionsDefinition(OrderedKeys):
    """Which partitions exist, and in which order.

    Definitions are immutable values: they compare, hash and pickle by what they say.

    The methods here have Dagster's names. Where they need the time or the keys of dynamic partitions and no argument
    says them, they take those of `partition_loading_context`, or the clock.
    """

    def select(self, text: str, now: datetime, statuses: Mapping[str, OrdinalSet] | None = None) -> PartitionSet:
        """The partitions that a selection such as ``2024-01-01..`` or ``last 7`` names, of those that exist at `now`.

        Args:
            text: See `gapless.partitions.sets.selection_grammar` for how it is written.
            now: A naive one is in the definition's own timezone.
            statuses: What ``missing``, ``failed``, … mean, by word.

        Raises:
            PartitionSelectionError: It cannot be read, or names what is not there; points at the character.
        """
        check_time("now", now)
        from gapless.partitions.sets.selection import select  # commands without a selection do not pay for its grammar

        return select(self, text, now, statuses)

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
        ordinals = ((key, this.ordinal_of(key)) for key in read_keys(partition_keys))
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
        first, last = map(this._bound, ends_of(partition_key_range))
        return this.keys_of(this.between(first, last))

    def _bound(self, key: str) -> int:
        check_key(key)
        ordinal = self.ordinal_of(key)
        if ordinal is None:
            raise self.unknown(key, current(None))
        return ordinal

    def empty_subset(self) -> PartitionSet:
        """The set without partitions."""
        return PartitionSet.empty(self._with_keys())

    def subset_with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionSet:
        """The set of these partitions, future ones too.

        Raises:
            UnknownPartitionError: One of them is not a key: nothing is dropped silently.
        """
        this = self._with_keys()
        try:
            return PartitionSet.of_keys(this, partition_keys)
        except UnknownPartitionError as error:
            raise this.unknown(error.key, current(None)) from None

    def subset_with_all_partitions(
        self,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionSet:
        """The set of all partitions that exist."""
        return PartitionSet.existing(self._with_keys(dynamic_partitions_store), current(current_time))

    def deserialize_subset(self, serialized: str) -> PartitionSet:
        """The set that its `serialize` wrote. The definition may have changed since, if it still has all of the set.

        Raises:
            PartitionSetFormatError: The text is not of that format, was written for keys of another meaning, or names
                partitions that the definition no longer has. `PartitionSet.from_json` returns the latter.
        """
        return PartitionSet.from_serialized(self._with_keys(), serialized)

    def can_deserialize_subset(
        self,
        serialized: str,
        serialized_partitions_def_unique_id: str | None = None,
        serialized_partitions_def_class_name: str | None = None,
    ) -> bool:
        """Whether `deserialize_subset` would succeed. The text itself tells; the other arguments are not needed."""
        try:
            self.deserialize_subset(serialized)
        except PartitionSetFormatError:
            return False
        return True

    def get_paginated_partition_keys(
        self, context: LoadingContext | None, limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults:
        """Some of the keys, after those of the page before.

        Keys may be added between two pages. Costs what is returned, not what the definition holds.

        Args:
            context: The time and the dynamic partitions; None for those of `partition_loading_context`.
            limit: How many keys at most.
            ascending: In the definition's order; otherwise from the last key on.
            cursor: That of the page before; None for the first page.

        Raises:
            InvocationError: `limit` is not positive, or `cursor` is none, or names a key that is gone.
        """
        this = self._with_keys(None if context is None else context.dynamic_partitions_store)
        now = current(None if context is None else context.effective_dt)
        return page_of(PartitionSet.existing(this, now), limit, ascending, cursor)

    @property
    def said(self) -> str:
        """What the definition says, as text that is the same for all that are equal."""
        return repr(self)

    def get_serializable_unique_identifier(self) -> str:
        """A hash of what the definition says, the same in every process; of dynamic partitions, of their name.

        Functions count by their names: two that share one are not told apart.
        """
        said = re.sub(r" at 0x[0-9a-fA-F]+", "", self.said)  # functions are told by their names
        return hashlib.sha256(said.encode()).hexdigest()

    def get_tags_for_partition_key(self, partition_key: str) -> Mapping[str, str]:
        """The tags of a run that makes this partition: its key, and where there are dimensions, its key in each.

        Raises:
            UnknownPartitionError: It is not a key.
        """
        this = self._with_keys()
        key = this.key_at(this._bound(partition_key))
        parts = key.keys_by_dimension if isinstance(key, MultiPartitionKey) else {}
        return {_TAG: partition_key, **{f"{_TAG}/{name}": part for name, part in parts.items()}}

    def validate_partition_key(self, partition_key: str, context: LoadingContext | None = None) -> None:
        """Refuses a key that does not exist.

        Raises:
            UnknownPartitionError: It does not; names the nearest keys and what exists.
        """
        this = self._with_keys(None if context is None else context.dynamic_partitions_store)
        this.validate_key(partition_key, current(None if context is None else context.effective_dt))

    def validate_partition_definition(self) -> None:
        """Does nothing: a definition that does not hold together cannot be built."""
