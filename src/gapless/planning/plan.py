"""A plan: which partitions will be made, in which order, and why. What `plan` prints is what a run executes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.partitions import OrdinalSet, PartitionsDefinition, PartitionSet
from gapless.planning.reason import Reason

__all__ = ["Plan", "PlanStep"]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What a plan does with one asset.

    Attributes:
        asset: The asset that is made.
        definition: Its partitions definition; None if it is unpartitioned (its only ordinal is then 0).
        partitions: What will be made.
        reasons: Why, as disjoint sets that together are `partitions`.
        blocked: What cannot be made now, by ordinal, and why; disjoint from `partitions`. Its recorded state is kept.
        impossible: Of these, what reads partitions that upstream does not have and never will.
        batch_size: Most partitions that one call of the function makes; None for a whole contiguous range.
    """

    asset: AssetKey
    definition: PartitionsDefinition | None
    partitions: OrdinalSet
    reasons: tuple[tuple[Reason, OrdinalSet], ...]
    blocked: Mapping[int, str] = field(default_factory=dict)
    batch_size: int | None = 1
    impossible: OrdinalSet = OrdinalSet.empty()

    def key_at(self, ordinal: int) -> str | None:
        """The partition key of `ordinal`; None if the asset is unpartitioned."""
        return None if self.definition is None else self.definition.key_at(ordinal)

    def keys_of(self, ordinals: OrdinalSet) -> list[str | None]:
        if self.definition is None:
            return [None] * len(ordinals)
        return list(self.definition.keys_of(ordinals))

    def key_ranges(self, ordinals: OrdinalSet) -> list[tuple[str | None, str | None]]:
        """Contiguous ranges as (first, last) keys, both inclusive; of several dimensions, corners of rectangles."""
        if self.definition is None:
            return [(None, None)] if ordinals else []
        return list(PartitionSet.of_ordinals(self.definition, ordinals).ranges())

    def batches(self) -> Iterator[OrdinalSet]:
        """What each call of the function makes: contiguous, in partition order.

        Of several dimensions: contiguous in the last one, with one key of each of the others.
        """
        dimensions = list(self.definition.dimensions.values()) if self.definition is not None else []
        rows = _rows(self.partitions, dimensions[-1].room) if dimensions else (self.partitions,)
        for row in rows:
            if self.batch_size is None:
                yield from (OrdinalSet.span(start, end) for start, end in row.runs)
            else:
                yield from row.chunks(self.batch_size)

    def reason_of(self, ordinal: int) -> Reason:
        """Why `ordinal`, which is in `partitions`, is made."""
        return next(reason for reason, ordinals in self.reasons if ordinal in ordinals)


def _rows(ordinals: OrdinalSet, length: int) -> Iterator[OrdinalSet]:
    """`ordinals`, cut at the multiples of `length`."""
    for start, end in ordinals.runs:
        while start < end:
            cut = min(end, start - start % length + length)
            yield OrdinalSet.span(start, cut)
            start = cut


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be made, in dependency order.

    Attributes:
        steps: One for each asset with something to make or something blocked; upstream first.
        now: The instant that it was planned for: partitions that end later do not exist yet.
        read_at: When the recorded states were read: what another run has made since need not be made again.
        failed_left_out: By asset, how many failed partitions were in view but not asked for.
        expired_left_out: By asset, how many expired partitions all were asked for without naming them.
    """

    steps: tuple[PlanStep, ...]
    now: datetime
    read_at: datetime
    failed_left_out: Mapping[AssetKey, int] = field(default_factory=dict)
    expired_left_out: Mapping[AssetKey, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of (asset, partition)s that will be made."""
        return sum(len(step.partitions) for step in self.steps)

    @property
    def total_blocked(self) -> int:
        return sum(len(step.blocked) for step in self.steps)

    def step(self, asset: AssetKey) -> PlanStep | None:
        return next((step for step in self.steps if step.asset == asset), None)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values; sets as inclusive key ranges, so that its size follows the ranges."""
        return {
            "now": self.now.isoformat(),
            "total": self.total,
            "steps": [
                {
                    "asset": step.asset.to_user_string(),
                    "partitions": len(step.partitions),
                    "ranges": [list(ends) for ends in step.key_ranges(step.partitions)],
                    "reasons": [
                        {
                            "reason": reason.value,
                            "partitions": len(ordinals),
                            "ranges": [list(ends) for ends in step.key_ranges(ordinals)],
                        }
                        for reason, ordinals in step.reasons
                    ],
                    "blocked": [
                        {"partition": step.key_at(ordinal), "reason": why} for ordinal, why in step.blocked.items()
                    ],
                    "batch_size": step.batch_size,
                }
                for step in self.steps
            ],
        }
