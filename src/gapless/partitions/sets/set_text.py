"""A set of partitions in the words of a selection: what is written here, `gapless.partitions.sets.selection` reads."""

from __future__ import annotations

from itertools import islice

from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.sets.key_ranges import named
from gapless.partitions.sets.selection_grammar import as_value

__all__ = ["set_text"]


def set_text(definition: OrderedKeys, ordinals: OrdinalSet | ProductSet, limit: int | None = None) -> str:
    """``2024-01-01..2024-01-05, 2024-01-09``; of several dimensions, ``date=2024-01-01 & region=eu,us | …``.

    Args:
        limit: So many ranges are written at most (and of boxes as many, and of ranges in each side of a box); what is
            left out is counted, and then the text is for people only. None for all.
    """
    if not ordinals:
        return "none"
    if isinstance(ordinals, OrdinalSet):
        return _ranges(definition, ordinals, ", ", limit)
    written = [
        " & ".join(
            f"{as_value(name)}={_ranges(dimension, side, ',', limit)}"
            for (name, dimension), side in zip(definition.dimensions.items(), box, strict=True)
        )
        for box in islice(ordinals.boxes(), limit)
    ]
    return " | ".join(written) + _left_out(ordinals.box_count - len(written))


def _ranges(definition: OrderedKeys, ordinals: OrdinalSet, comma: str, limit: int | None) -> str:
    ranges = named(definition, ordinals)
    written = [
        as_value(start) if start == end else f"{as_value(start)}..{as_value(end)}" for start, end in ranges[:limit]
    ]
    return comma.join(written) + _left_out(len(ranges) - len(written))


def _left_out(count: int) -> str:
    return f" … and {count} more" if count else ""
