"""The mapping of a dependency that declares none."""

from __future__ import annotations

from collections.abc import Iterator

from gapless.errors import DefinitionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.multi import MultiPartitionsDefinition
from gapless.partitions.mappings.by_dimension import (
    DimensionPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
    fitting_dimensions,
    mapping_of_dimensions,
)
from gapless.partitions.mappings.by_key import IdentityPartitionMapping
from gapless.partitions.mappings.by_time import TimeWindowPartitionMapping
from gapless.partitions.mappings.mapping import PartitionMapping, described
from gapless.partitions.mappings.whole import AllPartitionMapping, LastPartitionMapping

__all__ = ["infer_mapping"]


def infer_mapping(up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> PartitionMapping:
    """The mapping that goes without saying.

    Everything if one side is not partitioned; by time if both have windows; by the one dimension that fits if one has
    several dimensions; by the dimensions of the same name if both have; by key otherwise.

    Raises:
        DefinitionError: That would not fit; names both definitions and the mappings that would.
    """
    if up_def is None or down_def is None:
        return AllPartitionMapping()
    mapping = _usual(up_def, down_def)
    reason = mapping.validate(up_def, down_def)
    if reason is None and up_def != down_def and _by_unknown_keys(mapping, up_def, down_def):
        reason = "which keys the two have in common is not known before they are added"
    if reason is not None:
        raise DefinitionError(
            f"no partition mapping ties upstream ({described(up_def)}) to downstream ({described(down_def)}) by itself:"
            f" {reason}",
            f"Declare one, partition_mapping=…: {'; '.join(_fitting(up_def, down_def))}.",
        )
    return mapping


def _by_unknown_keys(mapping: PartitionMapping, up_def: PartitionsDefinition, down_def: PartitionsDefinition) -> bool:
    return isinstance(mapping, IdentityPartitionMapping) and bool(up_def.dynamic_names or down_def.dynamic_names)


def _usual(up_def: PartitionsDefinition, down_def: PartitionsDefinition) -> PartitionMapping:
    """By the kinds of the definitions; whether it fits is another question."""
    up, down = _multi(up_def), _multi(down_def)
    if up and down:
        shared = {name: name for name in up.dimensions if name in down.dimensions}
        # If each has a dimension that the other lacks, nobody knows which two of them belong together.
        nested = len(shared) in (len(up.dimensions), len(down.dimensions))
        return _by_dimensions(shared, up, down) if nested and up != down else IdentityPartitionMapping()
    if up or down:
        fitting = fitting_dimensions(up, down_def) if up else fitting_dimensions(down, up_def) if down else ()
        return MultiToSingleDimensionPartitionMapping(fitting[0] if len(fitting) == 1 else None)
    return TimeWindowPartitionMapping() if up_def.is_time and down_def.is_time else IdentityPartitionMapping()


def _multi(definition: PartitionsDefinition) -> MultiPartitionsDefinition | None:
    return definition if isinstance(definition, MultiPartitionsDefinition) else None


def _by_dimensions(
    names: dict[str, str], up: MultiPartitionsDefinition, down: MultiPartitionsDefinition
) -> MultiPartitionMapping:
    """The dimensions of upstream tied to those of downstream by name, each as it would be alone."""
    return MultiPartitionMapping(
        {
            above: DimensionPartitionMapping(below, mapping_of_dimensions(up.dimensions[above], down.dimensions[below]))
            for above, below in names.items()
        }
    )


def _fitting(up_def: PartitionsDefinition, down_def: PartitionsDefinition) -> list[str]:
    """Mappings that would fit, as code to paste, each with what it does."""
    offers = [f"{mapping!r} {what}" for mapping, what in _candidates(up_def, down_def)]
    if not up_def.dimensions and not down_def.dimensions:
        if not up_def.is_time or not down_def.is_time:
            offers.append("PairsPartitionMapping([(upstream_key, downstream_key), …]) ties pairs of keys")
        offers.append("FunctionPartitionMapping(fn) asks a function of the downstream key")
    return offers


def _candidates(up_def: PartitionsDefinition, down_def: PartitionsDefinition) -> Iterator[tuple[PartitionMapping, str]]:
    """What ties dimensions that fit, and what always fits."""
    up, down = _multi(up_def), _multi(down_def)
    if up and down:
        tied = _tied_by_fit(up, down)
        if tied:
            yield _by_dimensions(tied, up, down), "ties dimensions"
    else:
        if IdentityPartitionMapping().validate(up_def, down_def) is None:
            yield IdentityPartitionMapping(), "ties equal keys"
        for name in (*up_def.dimensions, *down_def.dimensions):
            one = MultiToSingleDimensionPartitionMapping(name)
            if one.validate(up_def, down_def) is None:
                yield one, f"ties the dimension {name!r}"
    yield AllPartitionMapping(), "reads every upstream partition"
    yield LastPartitionMapping(), "reads the last one"


def _tied_by_fit(up: MultiPartitionsDefinition, down: MultiPartitionsDefinition) -> dict[str, str]:
    """For dimensions of upstream one of downstream that fits, rather one of the same name."""
    tied: dict[str, str] = {}
    for above, one in up.dimensions.items():
        free = sorted((name for name in down.dimensions if name not in tied.values()), key=lambda name: name != above)
        for below in free:
            other = down.dimensions[below]
            if mapping_of_dimensions(one, other).validate(one, other) is None:
                tied[above] = below
                break
    return tied
