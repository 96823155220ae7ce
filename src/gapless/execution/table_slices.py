"""Partitions of an asset as its store sees them: slices of a table."""

from __future__ import annotations

from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.partitions import OrdinalSet, PartitionsDefinition, TimeWindowPartitionsDefinition
from gapless.storage.slices import InputSlices, OutputSlices, PartitionSlice

__all__ = ["input_slices", "output_slices"]

_WHOLE_TABLE = (PartitionSlice(None),)


def output_slices(asset: AssetsDefinition, partitions: OrdinalSet | None, run_id: str) -> OutputSlices:
    """Where these partitions lie; with None, or if the asset is unpartitioned, the whole table."""
    slices, expression = _slices(asset, partitions)
    return OutputSlices(
        asset=asset.key,
        slices=slices,
        partition_expr=expression,
        run_id=run_id,
        metadata=asset.metadata,
        **_civil_facts(asset.partitions_def),
    )


def input_slices(
    asset: AssetsDefinition, partitions: OrdinalSet | None, columns: tuple[str, ...] | None
) -> InputSlices:
    """These partitions to be read, as `output_slices` has it; only `columns`, or all with None."""
    slices, expression = _slices(asset, partitions)
    return InputSlices(
        asset=asset.key,
        slices=slices,
        partition_expr=expression,
        metadata=asset.metadata,
        columns=columns,
        **_civil_facts(asset.partitions_def),
    )


def _slices(asset: AssetsDefinition, partitions: OrdinalSet | None) -> tuple[tuple[PartitionSlice, ...], str | None]:
    """The slices, and what tells them apart."""
    definition = asset.partitions_def
    if definition is None or partitions is None:
        return _WHOLE_TABLE, None
    keys = definition.keys_of(partitions)
    if isinstance(definition, TimeWindowPartitionsDefinition):
        windows = map(definition.window_at, partitions)
        return tuple(map(PartitionSlice, keys, windows)), asset.partition_expr
    return tuple(map(PartitionSlice, keys)), asset.partition_expr


def _civil_facts(definition: PartitionsDefinition | None) -> dict[str, Any]:
    """What a store must know of a definition's civil time."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return {"timezone": definition.timezone, "finer_than_day": definition.finer_than_day}
    return {}
