"""The rule that ties the partitions of a downstream asset to those of an upstream one.

An unpartitioned asset has no definition (None); its only ordinal is 0. The ordinals of definitions with several
dimensions come and go as flat sets, by number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any

from gapless.errors import DefinitionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dynamic import DynamicKeysOfNow
from gapless.partitions.loading_context import current, current_store
from gapless.partitions.mappings.mapped import MappedUpstream, UpstreamPartitionsResult
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordered_keys import DynamicPartitionsStore
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.sets.moments import HeldKeys
from gapless.partitions.sets.partition_set import PartitionSet

__all__ = ["PartitionMapping", "described"]

_ALL = WaitPolicy.all()


def described(definition: PartitionsDefinition | None) -> str:
    """A definition in words, of an unpartitioned asset too."""
    return "not partitioned" if definition is None else definition.describe()


class PartitionMapping(ABC):
    """Which upstream partitions a downstream partition reads, followed in both directions.

    Subclasses of a project's own implement `upstream`, `downstream` and `validate`; a rule that is a function of one
    key is less work as a `FunctionPartitionMapping`.

    Attributes:
        wait_for: How much of what a partition reads must be there before it is made.
    """

    wait_for: WaitPolicy = _ALL

    def __post_init__(self) -> None:
        # Called by dataclasses; those with one of their own call this one too.
        given: Any = self.wait_for
        if not isinstance(given, WaitPolicy):
            count = given if isinstance(given, int) and given > 0 else 1
            raise DefinitionError(
                f"{type(self).__name__}: wait_for is {given!r}, not a WaitPolicy",
                f"Write wait_for=WaitPolicy.at_least({count}), WaitPolicy.all() or WaitPolicy.existing().",
            )

    @abstractmethod
    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        """What these downstream partitions read.

        Args:
            downstream: Their ordinals; flat numbers where there are dimensions, 0 where downstream is not partitioned.
            down_def: None if downstream is not partitioned.
            up_def: None if upstream is not partitioned; what is read of it is then ordinal 0, or nothing.
            now: Decides what exists.
        """

    @abstractmethod
    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        """Which existing downstream partitions read any of these upstream ones.

        Args:
            upstream: Their ordinals; flat numbers where there are dimensions, 0 where upstream is not partitioned.
            down_def: None if downstream is not partitioned; its only ordinal is 0.
            up_def: None if upstream is not partitioned.
            now: Decides what exists.
        """

    @abstractmethod
    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        """Why the mapping cannot tie these definitions, a clause; None if it can.

        Args:
            up_def: None if upstream is not partitioned.
            down_def: None if downstream is not partitioned.
        """

    @property
    def reads_only_earlier(self) -> bool:
        """Whether what is read always lies before: an asset may then read itself."""
        return False

    def __repr__(self) -> str:
        """As it would be written; what is left at its default is left out."""
        known = getattr(self, "__dataclass_fields__", {}).values()
        given = (each.name for each in known if each.init and getattr(self, each.name, None) != each.default)
        return f"{type(self).__name__}({', '.join(f'{name}={self._shown(name)}' for name in given)})"

    def _shown(self, name: str) -> str:
        return repr(getattr(self, name))

    # What follows has Dagster's names.

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: PartitionSet | None,
        downstream_partitions_def: PartitionsDefinition | None,
        upstream_partitions_def: PartitionsDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        """What these downstream partitions read; None stands for an unpartitioned asset.

        A set of another version of the definition, or of other dynamic keys, is read by its keys.

        Raises:
            UnknownPartitionError: The definition has not all partitions of the set.
            InvocationError: The set is of a definition whose keys mean something else.
        """
        now, subset = current(current_time), downstream_partitions_subset
        keys = _Keys(subset, dynamic_partitions_store)
        up_def = keys.of(upstream_partitions_def)
        down_def = downstream_partitions_def and keys.of(downstream_partitions_def)
        asked = OrdinalSet.span(0, 1) if subset is None else _all_of(subset, down_def, now)
        mapped = self.upstream(asked, down_def, up_def, now)
        found = PartitionSet.of_ordinals(up_def, mapped.partitions)
        return UpstreamPartitionsResult(found, mapped.nonexistent, mapped.nonexistent_count)

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: PartitionSet,
        upstream_partitions_def: PartitionsDefinition,
        downstream_partitions_def: PartitionsDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> PartitionSet:
        """Which downstream partitions read any of these upstream ones.

        A set of another version of the definition, or of other dynamic keys, is read by its keys; nothing reads those
        that the definition does not have.

        Raises:
            InvocationError: The set is of a definition whose keys mean something else.
        """
        keys = _Keys(upstream_partitions_subset, dynamic_partitions_store)
        up_def, down_def = keys.of(upstream_partitions_def), keys.of(downstream_partitions_def)
        there = upstream_partitions_subset.carried_to(up_def).partitions
        found = self.downstream(there.flat(), down_def, up_def, current(current_time))
        return PartitionSet.of_ordinals(down_def, found)

    def validate_partition_mapping(
        self,
        upstream_partitions_def: PartitionsDefinition | None,
        downstream_partitions_def: PartitionsDefinition | None,
    ) -> None:
        """Refuses definitions that the mapping cannot tie.

        Raises:
            DefinitionError: It cannot; names both, and why.
        """
        reason = self.validate(upstream_partitions_def, downstream_partitions_def)
        if reason is not None:
            raise self._untied(upstream_partitions_def, downstream_partitions_def, reason)

    def _untied(
        self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None, reason: str | None
    ) -> DefinitionError:
        return DefinitionError(
            f"{type(self).__name__} cannot tie upstream ({described(up_def)}) to downstream ({described(down_def)}):"
            f" {reason}"
        )


class _Keys:
    """The dynamic keys of one moment: those in the store, or those of the set where nobody says where they are."""

    def __init__(self, subset: PartitionSet | None, store: DynamicPartitionsStore | None) -> None:
        found = current_store(store)
        self._store = None if found is None else DynamicKeysOfNow(found)
        self._held = {} if subset is None else subset.definition.dynamic_keys

    def of(self, definition: PartitionsDefinition) -> PartitionsDefinition:
        """The definition with its keys, if anybody has them."""
        if not definition.dynamic_names:
            return definition
        if self._store is not None:
            return definition.resolved(self._store)
        if not definition.dynamic_keys and definition.dynamic_names <= self._held.keys():
            return definition.resolved(HeldKeys(self._held))
        return definition


def _all_of(subset: PartitionSet, definition: PartitionsDefinition | None, now: datetime) -> OrdinalSet:
    """The set in this definition, which has to have all of its partitions."""
    if definition is None:
        return subset.flat()
    carried = subset.carried_to(definition)
    gone = carried.nonexistent
    if not gone:
        return carried.partitions.flat()
    error = definition.unknown(gone.ranges[0].start, now)
    why = (
        f"the set is of another version of the definition, and {gone.count} of its partitions"
        f" {'is' if gone.count == 1 else 'are'} not in the one that was passed"
    )
    error.reason = f"{error.reason}; {why}" if error.reason else why
    raise error
