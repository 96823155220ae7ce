"""Scattered ordinals as Roaring bitmaps; the only module that speaks to pyroaring.

A bitmap here is never changed once it is made. It holds ordinals below `BOUND`, and at most `MOST` of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from gapless.partitions.ordinals.runs import Run, Runs

if TYPE_CHECKING:
    from pyroaring import BitMap64

__all__ = [
    "BOUND",
    "MOST",
    "from_bytes",
    "number_of_runs",
    "of_members",
    "of_runs",
    "runs_of",
    "to_bytes",
    "within",
    "without",
]

BOUND = 1 << 63  # room for one more above the last: runs are found by shifting
MOST = 1 << 32  # a bitmap has an entry for each 65,536 ordinals, even where all of them are in it


@cache
def _bitmap() -> type[BitMap64]:
    # Imported when a set is first found scattered: most programs never meet one, and it costs 6 ms.
    from pyroaring import BitMap64

    return BitMap64


def of_members(members: Sequence[int]) -> BitMap64 | None:
    """The bitmap of ordinals in any order, repeated or not; None if one is negative or not below `BOUND`."""
    try:
        bitmap = _bitmap()(members)
    except OverflowError:
        return None
    return bitmap if not bitmap or bitmap.max() < BOUND else None


def of_runs(runs: Iterable[Run]) -> BitMap64 | None:
    """The bitmap of runs in any order, which may overlap; None if a bitmap cannot hold them. No run is empty."""
    bitmap = _bitmap()()
    size = 0
    for a, b in runs:
        size += b - a
        if a < 0 or b > BOUND or size > MOST:
            return None
        bitmap.add_range(a, b)
    return bitmap


def within(bitmap: BitMap64, runs: Sequence[Run]) -> BitMap64:
    """The members that lie in one of `runs`: ascending and disjoint, however long and far away."""
    ends = (0, *(b for _, b in runs))
    firsts = (*(a for a, _ in runs), BOUND)
    return without(bitmap, zip(ends, firsts, strict=True))


def without(bitmap: BitMap64, runs: Iterable[Run]) -> BitMap64:
    """The members that lie in none of `runs`, however long and far away."""
    left = _bitmap()(bitmap)
    for a, b in runs:
        if a < BOUND:
            left.remove_range(a, min(b, BOUND))
    return left


def number_of_runs(bitmap: BitMap64) -> int:
    """How many runs the members make up."""
    return bitmap.difference_cardinality(bitmap.shift(1))


def runs_of(bitmap: BitMap64) -> Runs:
    """The runs that the members make up."""
    after = bitmap.shift(1)
    return Runs((bitmap - after).to_array(), (after - bitmap).to_array())


def to_bytes(bitmap: BitMap64) -> bytes:
    """The portable Roaring format, 64 bits; equal bitmaps give equal bytes."""
    compact = _bitmap()(bitmap)
    compact.run_optimize()
    return compact.serialize()


def from_bytes(data: bytes) -> BitMap64:
    """The bitmap that `to_bytes` wrote; safe with bytes of any origin, and costs what they are long.

    Raises:
        ValueError: The bytes are not a bitmap, or hold more or larger members than one may have.
    """
    try:
        bitmap = _bitmap().deserialize(data)
    except IndexError:  # no bytes at all
        raise ValueError("there are no bytes") from None
    if len(bitmap.serialize()) != len(data):
        raise ValueError("there are bytes after the end of the bitmap")
    if len(bitmap) > MOST or (bitmap and bitmap.max() >= BOUND):
        raise ValueError(f"a bitmap has at most {MOST} members, each below {BOUND}")
    return bitmap
