"""What downstream partitions read of one upstream asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.sets.partition_set import PartitionSet

__all__ = ["NAMED", "MappedUpstream", "UpstreamPartitionsResult"]

NAMED = 10  # nonexistent partitions, and ranges of them, that a result names


@dataclass(frozen=True, slots=True)
class MappedUpstream:
    """What downstream partitions read of one upstream asset.

    Attributes:
        partitions: Upstream ordinals, all of which exist.
        nonexistent: Keys of upstream partitions that are required but do not exist, at most the first ten of them. Of
            an upstream with several dimensions, ``date=2024-01-05`` for all that have this key.
        nonexistent_count: How many of them there are.
        nonexistent_ranges: All of them as (first, last), both inclusive and written as in `nonexistent`; at most the
            first ten ranges.
        later: Whether there are any, and all of them will exist one day.
    """

    partitions: OrdinalSet
    nonexistent: tuple[str, ...] = ()
    nonexistent_count: int = 0
    nonexistent_ranges: tuple[tuple[str, str], ...] = ()
    later: bool = False

    @classmethod
    def of_ordinals(cls, required: OrdinalSet, up_def: OrderedKeys, there: OrdinalSet) -> MappedUpstream:
        """The `required` partitions of upstream, of which those `there` exist."""
        absent = required - there
        if not absent:
            return cls(required)
        ranges = tuple((up_def.key_at(a), up_def.key_at(b - 1)) for a, b in absent.runs[:NAMED])
        return cls(required & there, tuple(up_def.keys_of(absent.head(NAMED))), len(absent), ranges, later=True)

    @classmethod
    def of_keys(cls, required: Iterable[str], up_def: OrderedKeys, now: datetime) -> MappedUpstream:
        """The upstream partitions of the `required` keys; what is no key at all is nonexistent too."""
        there = up_def.existing(now)
        ordinals = {key: up_def.ordinal_of(key) for key in required}
        absent = [key for key, n in ordinals.items() if n is None or n not in there]
        found = OrdinalSet.of(n for n in ordinals.values() if n is not None and n in there)
        if not absent:
            return cls(found)
        named = tuple(absent[:NAMED])
        later = all(ordinals[key] is not None for key in absent)
        return cls(found, named, len(absent), tuple((key, key) for key in named), later)

    @classmethod
    def of_dimensions(cls, partitions: OrdinalSet, mapped: Mapping[str, MappedUpstream]) -> MappedUpstream:
        """`partitions`, and of those that do not exist what is said by dimensions of upstream."""
        lacking = {name: each for name, each in mapped.items() if each.nonexistent_count}
        if not lacking:
            return cls(partitions)
        keys = [f"{name}={key}" for name, each in lacking.items() for key in each.nonexistent]
        ranges = [
            (f"{name}={first}", f"{name}={last}")
            for name, each in lacking.items()
            for first, last in each.nonexistent_ranges
        ]
        return cls(
            partitions,
            tuple(keys[:NAMED]),
            sum(each.nonexistent_count for each in lacking.values()),
            tuple(ranges[:NAMED]),
            all(each.later for each in lacking.values()),
        )


@dataclass(frozen=True, slots=True)
class UpstreamPartitionsResult:
    """What Dagster's method says of upstream partitions.

    Attributes:
        partitions_subset: Those that are read and exist.
        required_but_nonexistent_partition_keys: Those that are required and do not exist, at most the first ten of
            them. They are keys, because what lies outside of a definition cannot be in a set of it.
        required_but_nonexistent_count: How many of them there are.
    """

    partitions_subset: PartitionSet
    required_but_nonexistent_partition_keys: tuple[str, ...] = ()
    required_but_nonexistent_count: int = 0

    @property
    def required_but_nonexistent_subset(self) -> tuple[str, ...]:
        """The same as `required_but_nonexistent_partition_keys`."""
        return self.required_but_nonexistent_partition_keys
