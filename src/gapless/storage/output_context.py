"""What an IO manager is told about a value that it stores."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, ClassVar

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.partitions import PartitionKeyRange, PartitionsDefinition
from gapless.storage.partitions_of_asset import PartitionsOfAsset, keys_asked_for
from gapless.storage.slices import OutputSlices

__all__ = ["OutputContext", "build_output_context"]

_LOG = logging.getLogger("gapless")
_RECORD = "Use context.add_output_metadata({…}); the run records it with the partition"


class OutputContext(PartitionsOfAsset):
    """What is known about a value to be stored. The partitions are those that the value holds.

    Attributes:
        metadata: The asset's metadata.
        output_metadata: What the function returned with the value: ``Output(value, metadata={…})``.
        recorded_metadata: What `add_output_metadata` was given; the run records it.
        step_key: The asset's key as Dagster names a step: ``raw__plays``.
        slices: The same partitions as a slice store has them, with the asset's policies; None in a test's context.
    """

    _instead: ClassVar[Mapping[str, str]] = {
        **PartitionsOfAsset._instead,
        "consume_events": _RECORD,
        "get_logged_events": _RECORD,
        "log_event": _RECORD,
    }

    def __init__(
        self,
        asset_key: AssetKey | None,
        partitions_def: PartitionsDefinition | None = None,
        partition_keys: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        resources: Any = None,
        log: logging.Logger | logging.LoggerAdapter[Any] = _LOG,
        run_id: str = "",
        *,
        name: str = "result",
        value_type: Any = Any,
        output_metadata: Mapping[str, Any] | None = None,
        resource_config: Mapping[str, Any] | None = None,
        step_key: str | None = None,
        slices: OutputSlices | None = None,
    ) -> None:
        """Args: `value_type` is the annotation of what the function returns."""
        super().__init__(
            asset_key,
            partitions_def,
            partition_keys,
            name=name,
            value_type=value_type,
            metadata=metadata,
            resources=resources,
            resource_config=resource_config,
            log=log,
            run_id=run_id,
        )
        self.slices = slices
        self.output_metadata: Mapping[str, Any] = output_metadata or {}
        self.recorded_metadata: dict[str, Any] = {}
        self.step_key = step_key or ("__".join(asset_key.parts) if asset_key is not None else "")

    @property
    def has_partition_key(self) -> bool:
        """Whether exactly one partition is being made."""
        return len(self.partition_keys) == 1

    @property
    def partition_key(self) -> str:
        """The one partition that is being made.

        Raises:
            InvocationError: There are several, or none.
        """
        return self.asset_partition_key

    def of_partition(self, *keys: str) -> OutputContext:
        """The same for these partitions alone; what is recorded with it is recorded here."""
        one = copy(self)
        one.partition_keys = keys
        return one

    def get_run_scoped_output_identifier(self) -> list[str]:
        """A path to store the value under for this run alone."""
        return [self.run_id, self.step_key, self.name]

    def add_output_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Record facts about what was stored; of equal names the last one stays."""
        self.recorded_metadata.update(metadata)

    def get_logged_metadata(self) -> Mapping[str, Any]:
        """What `add_output_metadata` was given."""
        return dict(self.recorded_metadata)


def build_output_context(
    step_key: str | None = None,
    name: str | None = None,
    definition_metadata: Mapping[str, Any] | None = None,
    run_id: str = "test",
    *,
    dagster_type: Any = Any,
    resource_config: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    asset_key: CoercibleToAssetKey | None = None,
    partition_key: str | None = None,
    asset_partitions_def: PartitionsDefinition | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    metadata: Mapping[str, Any] | None = None,
    output_metadata: Mapping[str, Any] | None = None,
) -> OutputContext:
    """A context to test an IO manager with: ``manager.handle_output(build_output_context(asset_key="plays"), value)``.

    Args:
        definition_metadata: The asset's metadata; `metadata` is its older name.
        dagster_type: The type that the function declares.
        asset_key: A string is split at ``/``, a list is the key's parts.
        partition_key: The one partition that the value holds.
        asset_partition_key_range: The partitions that it holds, instead of one; needs `asset_partitions_def`.
        output_metadata: What the function returned with the value.

    Raises:
        UnknownPartitionError: An end of the range is not a key.
        InvocationError: A key and a range at once, or a range without a definition.
    """
    return OutputContext(
        None if asset_key is None else AssetKey.of(asset_key),
        asset_partitions_def,
        keys_asked_for(asset_partitions_def, partition_key, asset_partition_key_range),
        definition_metadata or metadata,
        resources or {},
        run_id=run_id,
        name=name or "result",
        value_type=dagster_type,
        output_metadata=output_metadata,
        resource_config=resource_config,
        step_key=step_key,
    )
