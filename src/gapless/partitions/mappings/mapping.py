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
from gapless.partitions.loading_context import current, current_store
from gapless.partitions.mappings.mapped import MappedUpstream, UpstreamPartitionsResult
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordered_keys import DynamicPartitionsStore
from gapless.partitions.ordinals import OrdinalSet
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
        """What these downstream partitions read."""

    @abstractmethod
    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        """Which existing downstream partitions read any of these upstream ones."""

    @abstractmethod
    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        """Why the mapping cannot tie these definitions, a clause; None if it can."""

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
        """What these downstream partitions read; None stands for an unpartitioned asset."""
        up_def = _with_keys(upstream_partitions_def, dynamic_partitions_store)
        down_def = downstream_partitions_def and _with_keys(downstream_partitions_def, dynamic_partitions_store)
        asked = OrdinalSet.span(0, 1) if downstream_partitions_subset is None else downstream_partitions_subset.flat()
        mapped = self.upstream(asked, down_def, up_def, current(current_time))
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
        """Which downstream partitions read any of these upstream ones."""
        up_def = _with_keys(upstream_partitions_def, dynamic_partitions_store)
        down_def = _with_keys(downstream_partitions_def, dynamic_partitions_store)
        found = self.downstream(upstream_partitions_subset.flat(), down_def, up_def, current(current_time))
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
            raise DefinitionError(
                f"{type(self).__name__} cannot tie upstream ({described(upstream_partitions_def)}) to downstream"
                f" ({described(downstream_partitions_def)}): {reason}"
            )


def _with_keys(definition: PartitionsDefinition, store: DynamicPartitionsStore | None) -> PartitionsDefinition:
    found = current_store(store) if definition.dynamic_names else None
    return definition if found is None else definition.resolved(found)
