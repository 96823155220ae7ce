"""Partitions of a definition as a store sees them: slices, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gapless.partitions import (
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from gapless.storage.slices import PartitionColumn, PartitionSlice

__all__ = ["slices_of"]

_WHOLE_TABLE = (PartitionSlice(None),)


def slices_of(
    definition: PartitionsDefinition | None,
    partitions: OrdinalSet | None,
    expression: str | Mapping[str, str] | None,
    naive_zone: str | None = None,
) -> dict[str, Any]:
    """What `OutputSlices` and `InputSlices` say of these partitions; with None, or without a definition, of the whole.

    Args:
        expression: The column or SQL expression that tells the partition of a row; of several dimensions, by name: one
            that is left out is told by the column of its own name.
        naive_zone: As on `OutputSlices`.
    """
    if definition is None or partitions is None:
        return {"slices": _WHOLE_TABLE, "partition_expr": None, **_civil_facts(definition, naive_zone)}
    if isinstance(definition, MultiPartitionsDefinition) and (expression is None or isinstance(expression, Mapping)):
        named = expression or {}
        told_by = {
            name: PartitionColumn(named.get(name) or _column(name), **_civil_facts(dimension, naive_zone))
            for name, dimension in definition.dimensions.items()
        }
        # Expressions are evaluated in one zone: that of the dimension that has one.
        zones = [facts for each in definition.dimensions.values() if (facts := _civil_facts(each, naive_zone))]
        return {
            "slices": _product_slices(definition, partitions),
            "partition_expr": None,
            "by_dimension": told_by,
            **(zones[0] if zones else {}),
        }
    return {
        "slices": _line_slices(definition, partitions),
        "partition_expr": expression,
        **_civil_facts(definition, naive_zone),
    }


def _line_slices(definition: PartitionsDefinition, partitions: OrdinalSet) -> tuple[PartitionSlice, ...]:
    keys = definition.keys_of(partitions)
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return tuple(map(PartitionSlice, keys, definition.windows_of(partitions)))
    return tuple(map(PartitionSlice, keys))


def _product_slices(definition: MultiPartitionsDefinition, partitions: OrdinalSet) -> tuple[PartitionSlice, ...]:
    known: dict[tuple[str, int], PartitionSlice] = {}

    def side(name: str, ordinal: int) -> PartitionSlice:
        if (name, ordinal) not in known:
            dimension = definition.dimensions[name]
            (known[name, ordinal],) = _line_slices(dimension, OrdinalSet.span(ordinal, ordinal + 1))
        return known[name, ordinal]

    slices = []
    for number in partitions:
        point = zip(definition.dimensions, definition.point(number), strict=True)
        slices.append(PartitionSlice(definition.key_at(number), None, {name: side(name, n) for name, n in point}))
    return tuple(slices)


def _column(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'


def _civil_facts(definition: PartitionsDefinition | None, naive_zone: str | None) -> dict[str, Any]:
    """What a store must know of a definition's civil time."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        facts: dict[str, Any] = {"timezone": definition.timezone, "finer_than_day": definition.finer_than_day}
        return facts if naive_zone is None else {**facts, "naive_zone": naive_zone}
    return {}
