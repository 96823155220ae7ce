"""Partitions of an asset as its store sees them: slices of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.partitions import (
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from gapless.storage.slices import InputSlices, OutputSlices, PartitionColumn, PartitionSlice

__all__ = ["input_slices", "output_slices"]

_WHOLE_TABLE = (PartitionSlice(None),)


def output_slices(asset: AssetsDefinition, partitions: OrdinalSet | None, run_id: str) -> OutputSlices:
    """Where these partitions lie; with None, or if the asset is unpartitioned, the whole table."""
    return OutputSlices(asset=asset.key, run_id=run_id, metadata=asset.metadata, **_slices(asset, partitions))


def input_slices(
    asset: AssetsDefinition, partitions: OrdinalSet | None, columns: tuple[str, ...] | None
) -> InputSlices:
    """These partitions to be read, as `output_slices` has it; only `columns`, or all with None."""
    return InputSlices(asset=asset.key, metadata=asset.metadata, columns=columns, **_slices(asset, partitions))


def _slices(asset: AssetsDefinition, partitions: OrdinalSet | None) -> dict[str, Any]:
    """The slices, and what tells them apart."""
    definition, expression = asset.partitions_def, asset.partition_expr
    if definition is None or partitions is None:
        return {"slices": _WHOLE_TABLE, "partition_expr": None, **_civil_facts(definition)}
    if isinstance(definition, MultiPartitionsDefinition) and isinstance(expression, Mapping):
        told_by = {
            name: PartitionColumn(expression[name], **_civil_facts(dimension))
            for name, dimension in definition.dimensions.items()
        }
        # Expressions are evaluated in one zone: that of the dimension that has one.
        zones = [facts for each in definition.dimensions.values() if (facts := _civil_facts(each))]
        return {
            "slices": _product_slices(definition, partitions),
            "partition_expr": None,
            "by_dimension": told_by,
            **(zones[0] if zones else {}),
        }
    return {
        "slices": _line_slices(definition, partitions),
        "partition_expr": expression,
        **_civil_facts(definition),
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


def _civil_facts(definition: PartitionsDefinition | None) -> dict[str, Any]:
    """What a store must know of a definition's civil time."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return {"timezone": definition.timezone, "finer_than_day": definition.finer_than_day}
    return {}
