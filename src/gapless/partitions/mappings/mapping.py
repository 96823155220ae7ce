"""Which upstream partitions a downstream partition reads, followed in both directions.

An unpartitioned asset has no definition (None); its only ordinal is 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gapless.errors import DefinitionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.ordered_keys import existing
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.window import TimeWindow
from gapless.partitions.windowed import Windowed

__all__ = [
    "AllPartitionMapping",
    "IdentityPartitionMapping",
    "LastPartitionMapping",
    "MappedUpstream",
    "PartitionMapping",
    "TimeWindowPartitionMapping",
    "infer_mapping",
]

_NAMED = 10  # nonexistent partitions that a result names


@dataclass(frozen=True, slots=True)
class MappedUpstream:
    """What downstream partitions read of one upstream asset.

    Attributes:
        partitions: Upstream ordinals, all of which exist.
        nonexistent: Keys of upstream partitions that are required but do not exist, at most the first ten of them.
        nonexistent_count: How many of them there are.
        nonexistent_ranges: All of them as (first, last) keys, both inclusive; at most the first ten ranges.
    """

    partitions: OrdinalSet
    nonexistent: tuple[str, ...] = ()
    nonexistent_count: int = 0
    nonexistent_ranges: tuple[tuple[str, str], ...] = ()


class PartitionMapping(ABC):
    """The rule that ties the partitions of a downstream asset to those of an upstream one."""

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


def _named(definition: PartitionsDefinition | None) -> str:
    return "not partitioned" if definition is None else definition.describe()


@dataclass(frozen=True, slots=True)
class IdentityPartitionMapping(PartitionMapping):
    """Each downstream partition reads the upstream partition with the same key."""

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        there = existing(up_def, now)
        if down_def is None or up_def is None:
            return MappedUpstream(downstream & there)
        if down_def == up_def:
            lost = downstream - there
            ranges = tuple((down_def.key_at(a), down_def.key_at(b - 1)) for a, b in lost.runs[:_NAMED])
            return MappedUpstream(downstream & there, tuple(down_def.keys_of(lost.head(_NAMED))), len(lost), ranges)
        keys = down_def.keys_of(downstream)
        found = up_def.ordinals_of(keys) & there
        if len(found) == len(keys):
            return MappedUpstream(found)
        missing = [key for key in keys if (n := up_def.ordinal_of(key)) is None or not up_def.exists(n, now)]
        named = tuple(missing[:_NAMED])
        return MappedUpstream(found, named, len(missing), tuple((key, key) for key in named))

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        there = existing(down_def, now)
        if down_def is None or up_def is None or down_def == up_def:
            return upstream & there
        return down_def.ordinals_of(up_def.keys_of(upstream)) & there

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if (up_def is None) != (down_def is None):
            return "only one of them is partitioned, so their keys cannot be the same"
        if up_def is None or down_def is None or up_def == down_def:
            return None
        if up_def.is_time != down_def.is_time:
            return "one has time windows and the other has not, so their keys are not the same"
        if isinstance(up_def, Windowed) and isinstance(down_def, Windowed):
            # Keys that happen to look alike must not tie windows that differ.
            if (up_def.timezone, up_def.cron_schedule) != (down_def.timezone, down_def.cron_schedule):
                return "their time windows differ, so the same key means different times"
            return None
        shared = up_def.ordinals_of(down_def.get_partition_keys())
        return None if shared else "they have no key in common"


@dataclass(frozen=True, slots=True)
class AllPartitionMapping(PartitionMapping):
    """Each downstream partition reads every upstream partition that exists."""

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


@dataclass(frozen=True, slots=True)
class LastPartitionMapping(PartitionMapping):
    """Each downstream partition reads the last upstream partition that exists."""

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


@dataclass(frozen=True, slots=True)
class TimeWindowPartitionMapping(PartitionMapping):
    """Each downstream partition reads every upstream partition whose time window overlaps its own.

    Attributes:
        start_offset: Moves the start of what is read by so many *downstream* windows; -1 reads one earlier too.
        end_offset: Moves its end likewise; 1 reads one later too.
        allow_nonexistent_upstream_partitions: Whether windows that upstream does not have are passed over in silence.
            What only an offset pushes over the first or last upstream partition always is.
    """

    start_offset: int = 0
    end_offset: int = 0
    allow_nonexistent_upstream_partitions: bool = False

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        down, up = _windowed(down_def), _windowed(up_def)
        extent = up.extent(now)
        spans = list(self._spans(downstream, down, up, extent))
        found = OrdinalSet.of_runs((max(a, 0), min(b, extent)) for a, b in spans)
        if self.allow_nonexistent_upstream_partitions:
            return MappedUpstream(found)
        lost: list[int] = []
        ranges: list[tuple[str, str]] = []
        count = 0
        outside = sorted({run for a, b in spans for run in ((a, min(b, 0)), (max(a, extent), b)) if run[0] < run[1]})
        until = None
        for a, b in outside:  # neighbours may require the same coarse window
            a = a if until is None else max(a, until)
            until = b if until is None else max(b, until)
            count += max(0, b - a)
            if a < b and len(ranges) < _NAMED:
                ranges.append((up.unbounded_key(a), up.unbounded_key(b - 1)))
            lost.extend(range(a, min(b, a + _NAMED - len(lost))))
        return MappedUpstream(found, tuple(up.unbounded_key(n) for n in lost), count, tuple(ranges))

    def _spans(self, downstream: OrdinalSet, down: Windowed, up: Windowed, extent: int) -> Iterator[tuple[int, int]]:
        """Upstream ordinals that each run of downstream ones reads, half-open, outside of upstream's definition too."""
        if self.start_offset > self.end_offset:
            return
        first = up.boundary(0) if extent else None
        last = up.boundary(extent) if extent else None
        for a, b in downstream.runs:
            start, end = down.boundary(a + self.start_offset), down.boundary(b + self.end_offset)
            # An offset never pushes over the edge of what upstream has.
            if first is not None and last is not None:
                if self.start_offset < 0:
                    start = max(start, first, key=datetime.timestamp)
                elif self.start_offset > 0:
                    start = min(start, last, key=datetime.timestamp)
                if self.end_offset < 0:
                    end = max(end, first, key=datetime.timestamp)
                elif self.end_offset > 0:
                    end = min(end, last, key=datetime.timestamp)
            if start.timestamp() < end.timestamp():
                yield up.overlapping_unbounded(TimeWindow(start, end))

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        down, up = _windowed(down_def), _windowed(up_def)
        extent = down.extent(now)
        if self.start_offset > self.end_offset:
            return OrdinalSet.empty()
        runs = []
        for a, b in upstream.runs:
            first, end = down.overlapping_unbounded(TimeWindow(up.boundary(a), up.boundary(b)))
            runs.append((max(first - self.end_offset, 0), min(end - self.start_offset, extent)))
        return OrdinalSet.of_runs(runs)

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if not isinstance(up_def, Windowed) or not isinstance(down_def, Windowed):
            return "both must have time windows"
        if up_def.timezone != down_def.timezone:
            return f"their timezones differ ({up_def.timezone} upstream, {down_def.timezone} downstream)"
        if self.start_offset > self.end_offset:
            return f"start_offset {self.start_offset} is after end_offset {self.end_offset}, so nothing would be read"
        return None


def _windowed(definition: PartitionsDefinition | None) -> Windowed:
    if not isinstance(definition, Windowed):
        raise DefinitionError(
            f"TimeWindowPartitionMapping ties time windows, and an asset is {_named(definition)}",
            "Use AllPartitionMapping or LastPartitionMapping.",
        )
    return definition


def infer_mapping(up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> PartitionMapping:
    """The mapping of a dependency that declares none.

    Everything if one side is not partitioned; by time if both have windows; by key otherwise.

    Raises:
        DefinitionError: That would not fit; names both definitions and the mappings that would.
    """
    mapping: PartitionMapping
    if up_def is None or down_def is None:
        mapping = AllPartitionMapping()
    elif isinstance(up_def, Windowed) and isinstance(down_def, Windowed):
        mapping = TimeWindowPartitionMapping()
    else:
        mapping = IdentityPartitionMapping()
    reason = mapping.validate(up_def, down_def)
    if reason is not None:
        raise DefinitionError(
            f"no partition mapping ties upstream ({_named(up_def)}) to downstream ({_named(down_def)}) by itself:"
            f" {reason}",
            "Declare one: partition_mapping=AllPartitionMapping() reads every upstream partition,"
            " LastPartitionMapping() the last one.",
        )
    return mapping
