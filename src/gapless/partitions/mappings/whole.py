"""Mappings that read the same of upstream for every downstream partition: all of it, or its end."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.mappings.mapped import MappedUpstream
from gapless.partitions.mappings.mapping import PartitionMapping
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordered_keys import existing
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["AllPartitionMapping", "LastPartitionMapping"]


@dataclass(frozen=True, slots=True, repr=False)
class AllPartitionMapping(PartitionMapping):
    """Each downstream partition reads every upstream partition that exists.

    Attributes:
        wait_for: By default whatever is there: a table of ten years is not useless for one missing day.
    """

    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.existing()  # noqa: RUF009  a value

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        return MappedUpstream(existing(up_def, now) if downstream else OrdinalSet.empty())

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        return existing(down_def, now) if upstream else OrdinalSet.empty()

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        return None


@dataclass(frozen=True, slots=True, repr=False)
class LastPartitionMapping(PartitionMapping):
    """Each downstream partition reads the last upstream partition that exists.

    Attributes:
        wait_for: How much of what a partition reads must be there before it is made; by default all.
    """

    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        return MappedUpstream(existing(up_def, now).tail(1) if downstream else OrdinalSet.empty())

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        last = existing(up_def, now).tail(1)
        return existing(down_def, now) if last & upstream else OrdinalSet.empty()

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        return None
