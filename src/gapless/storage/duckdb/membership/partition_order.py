"""Which of two partitions comes before the other in time."""

from __future__ import annotations

from collections.abc import Sequence

from gapless.storage.slices import PartitionSlice

__all__ = ["first_start", "may_precede", "place_in_time"]


def first_start(slices: Sequence[PartitionSlice]) -> float:
    """What to sort values by: when their first partition begins; those without times stay where they are."""
    if not slices:
        return 0.0
    first = slices[0]
    starts = (part.window.start.timestamp() for part in (first, *first.sides.values()) if part.window is not None)
    return next(starts, 0.0)


def may_precede(some: Sequence[PartitionSlice], others: Sequence[PartitionSlice]) -> bool:
    """Whether one of `some` may come before one of `others`, from which it differs in nothing but its times.

    Never false where one does. True if several dimensions have times and one does so in each of them alone.
    """
    latest: dict[tuple[str | None, ...], list[float]] = {}
    for part in others:
        line, starts = place_in_time(part)
        latest[line] = list(map(max, latest[line], starts)) if line in latest else starts
    for part in some:
        line, starts = place_in_time(part)
        if line in latest and all(start <= last for start, last in zip(starts, latest[line], strict=True)):
            return True
    return False


def place_in_time(part: PartitionSlice) -> tuple[tuple[str | None, ...], list[float]]:
    """What says no time of the partition, and when it begins."""
    sides = tuple(part.sides.values()) or (part,)
    timeless = tuple(side.key for side in sides if side.window is None)
    return timeless, [side.window.start.timestamp() for side in sides if side.window is not None]
