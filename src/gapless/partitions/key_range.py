"""A range of partition keys."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PartitionKeyRange"]


class PartitionKeyRange(NamedTuple):
    """A contiguous range of partitions, in the order of their definition.

    Attributes:
        start: The first key, inclusive.
        end: The last key, *inclusive* as well.
    """

    start: str
    end: str
