"""A plan as a person reads it: for each asset how many, which and why, and what stands in the way."""

from __future__ import annotations

from dataclasses import dataclass

from gapless.asset_key import AssetKey
from gapless.partitions import OrdinalSet
from gapless.planning.plan import Plan, PlanStep
from gapless.planning.reason import Reason
from gapless.views.key_ranges import KeyRange, key_ranges

__all__ = ["BlockedGroup", "ExplainedReason", "ExplainedStep", "explain"]


@dataclass(frozen=True, slots=True)
class ExplainedReason:
    """Partitions that are made for the same reason."""

    reason: Reason
    ranges: tuple[KeyRange, ...]
    count: int


@dataclass(frozen=True, slots=True)
class BlockedGroup:
    """Partitions that cannot be made for the same lack."""

    why: str
    ranges: tuple[KeyRange, ...]
    count: int


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """What a plan does with one asset.

    Attributes:
        count: Partitions that are made.
        calls: Calls of its function that make them.
    """

    asset: AssetKey
    partitioned: bool
    count: int
    calls: int
    reasons: tuple[ExplainedReason, ...]
    blocked: tuple[BlockedGroup, ...]


def explain(plan: Plan) -> list[ExplainedStep]:
    """The steps of `plan`, upstream first."""
    return [
        ExplainedStep(
            asset=step.asset,
            partitioned=step.definition is not None,
            count=len(step.partitions),
            calls=_calls(step),
            reasons=tuple(
                ExplainedReason(reason, key_ranges(step.definition, ordinals), len(ordinals))
                for reason, ordinals in step.reasons
            ),
            blocked=_blocked(step),
        )
        for step in plan.steps
    ]


def _calls(step: PlanStep) -> int:
    if step.batch_size is None:
        return len(step.partitions.runs)
    return sum(-(-(end - start) // step.batch_size) for start, end in step.partitions.runs)


def _blocked(step: PlanStep) -> tuple[BlockedGroup, ...]:
    groups: dict[str, list[int]] = {}
    for ordinal, why in sorted(step.blocked.items()):
        groups.setdefault(why, []).append(ordinal)
    return tuple(
        BlockedGroup(why, key_ranges(step.definition, OrdinalSet.of(members)), len(members))
        for why, members in groups.items()
    )
