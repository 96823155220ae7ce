"""Partitions of an asset as its store sees them: slices of a table."""

from __future__ import annotations

from gapless.definitions.asset import AssetsDefinition
from gapless.partitions import OrdinalSet
from gapless.storage.partition_slices import slices_of
from gapless.storage.policies import BoundaryPolicy, SchemaPolicy
from gapless.storage.slices import InputSlices, OutputSlices, Provenance

__all__ = ["input_slices", "output_slices"]

_UNKNOWN = Provenance()


def output_slices(
    asset: AssetsDefinition, partitions: OrdinalSet | None, run_id: str, provenance: Provenance = _UNKNOWN
) -> OutputSlices:
    """Where these partitions lie; with None, or if the asset is unpartitioned, the whole table."""
    return OutputSlices(
        asset=asset.key,
        run_id=run_id,
        metadata=asset.metadata,
        schema_policy=getattr(asset, "schema_policy", SchemaPolicy.EVOLVE),
        boundary_policy=getattr(asset, "boundary_policy", BoundaryPolicy.REFUSE),
        provenance=provenance,
        **slices_of(asset.partitions_def, partitions, asset.partition_expr, getattr(asset, "naive_zone", None)),
    )


def input_slices(
    asset: AssetsDefinition, partitions: OrdinalSet | None, columns: tuple[str, ...] | None = None
) -> InputSlices:
    """These partitions to be read, as `output_slices` has it; only `columns`, or all with None."""
    return InputSlices(
        asset=asset.key,
        metadata=asset.metadata,
        columns=columns,
        **slices_of(asset.partitions_def, partitions, asset.partition_expr, getattr(asset, "naive_zone", None)),
    )
