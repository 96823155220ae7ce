"""A range of partition keys."""

from __future__ import annotations

from typing import NamedTuple

from gapless.errors import InvocationError, shown

__all__ = ["PartitionKeyRange", "ends_of"]


class PartitionKeyRange(NamedTuple):
    """A contiguous range of partitions, in the order of their definition.

    Attributes:
        start: The first key, inclusive.
        end: The last key, *inclusive* as well.
    """

    start: str
    end: str


def ends_of(key_range: object) -> tuple[str, str]:
    """The two ends of a range.

    Raises:
        InvocationError: It is no range.
    """
    if not isinstance(key_range, (tuple, list)) or len(key_range) != 2:
        raise InvocationError(
            f"got {shown(key_range)} ({type(key_range).__name__}) as a range of partitions",
            "Write PartitionKeyRange(start, end), both inclusive.",
        )
    return key_range[0], key_range[1]
