"""What an IO manager is told about a value that it loads."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.errors import InvocationError
from gapless.partitions import PartitionKeyRange, PartitionsDefinition
from gapless.storage.output_context import OutputContext
from gapless.storage.partitions_of_asset import PartitionsOfAsset, keys_asked_for
from gapless.storage.slices import InputSlices

__all__ = ["InputContext", "build_input_context"]

_LOG = logging.getLogger("gapless")
_RECORD = "Use context.add_input_metadata({…}); the run keeps it among its log lines"


class InputContext(PartitionsOfAsset):
    """What is known about a value to be loaded. The partitions are the upstream asset's that are read.

    Attributes:
        metadata: The input's metadata, from its `AssetIn`.
        upstream_output: The upstream asset, as it was stored; a test's context may have none.
        slices: The same partitions as a slice store has them; None in a test's context.
    """

    _instead: ClassVar[Mapping[str, str]] = {
        **PartitionsOfAsset._instead,
        "consume_events": _RECORD,
        "consume_logged_metadata": _RECORD,
        "get_observations": _RECORD,
        "step_key": "Use context.upstream_output.step_key",
    }

    def __init__(
        self,
        asset_key: AssetKey | None,
        partitions_def: PartitionsDefinition | None = None,
        partition_keys: Sequence[str] = (),
        *,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        upstream_output: OutputContext | None = None,
        resources: Any = None,
        log: logging.Logger | logging.LoggerAdapter[Any] = _LOG,
        run_id: str = "",
        name: str | None = None,
        value_type: Any = Any,
        resource_config: Mapping[str, Any] | None = None,
        slices: InputSlices | None = None,
    ) -> None:
        """Args: `partition_key` is the downstream partition that is being made, if it is exactly one.

        `name` is the parameter that receives the value, and `value_type` its annotation.
        """
        super().__init__(
            asset_key,
            partitions_def,
            partition_keys,
            name=name or (asset_key.name if asset_key is not None else "input"),
            value_type=value_type,
            metadata=metadata,
            resources=resources,
            resource_config=resource_config,
            log=log,
            run_id=run_id,
        )
        self._own_partition_key = partition_key
        self.upstream_output = upstream_output
        self.slices = slices

    @property
    def has_input_name(self) -> bool:
        """Always True: an input is a parameter, which has a name."""
        return True

    @property
    def has_partition_key(self) -> bool:
        """Whether exactly one downstream partition is being made."""
        return self._own_partition_key is not None

    @property
    def partition_key(self) -> str:
        """The downstream partition that is being made.

        Raises:
            InvocationError: There are several, or none.
        """
        if self._own_partition_key is None:
            raise InvocationError("this run makes no single partition", "Use asset_partition_keys")
        return self._own_partition_key

    def add_input_metadata(self, metadata: Mapping[str, Any], description: str | None = None) -> None:
        """Keep facts about what was read among the run's log lines."""
        facts = ", ".join(f"{name}: {value}" for name, value in metadata.items())
        self.log.info("read %s%s: %s", self._called, f" ({description})" if description else "", facts)


def build_input_context(
    name: str | None = None,
    *,
    definition_metadata: Mapping[str, Any] | None = None,
    upstream_output: OutputContext | None = None,
    dagster_type: Any = Any,
    resource_config: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    asset_key: CoercibleToAssetKey | None = None,
    partition_key: str | None = None,
    asset_partition_key_range: PartitionKeyRange | None = None,
    asset_partitions_def: PartitionsDefinition | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> InputContext:
    """A context to test an IO manager with: ``manager.load_input(build_input_context(asset_key="plays"))``.

    Args:
        name: The parameter that receives the value; by default the last part of the asset's key.
        definition_metadata: The input's metadata; `metadata` is its older name.
        upstream_output: The context that the value was stored with; what is not given here is taken from it.
        dagster_type: The type that the parameter declares.
        asset_key: The upstream asset; a string is split at ``/``, a list is the key's parts.
        partition_key: The one upstream partition to read.
        asset_partition_key_range: The upstream partitions to read, instead of one; needs `asset_partitions_def`.

    Raises:
        UnknownPartitionError: An end of the range is not a key.
        InvocationError: A key and a range at once, or a range without a definition.
    """
    key = None if asset_key is None else AssetKey.of(asset_key)
    keys: Sequence[str] | None = None
    if upstream_output is not None:
        if key is None and upstream_output.has_asset_key:
            key = upstream_output.asset_key
        asset_partitions_def = asset_partitions_def or upstream_output.partitions_def
        if partition_key is None and asset_partition_key_range is None:
            keys = upstream_output.partition_keys
    if keys is None:
        keys = keys_asked_for(asset_partitions_def, partition_key, asset_partition_key_range)
    return InputContext(
        key,
        asset_partitions_def,
        keys,
        partition_key=partition_key,
        metadata=definition_metadata or metadata,
        upstream_output=upstream_output,
        resources=resources or {},
        run_id="test",
        name=name,
        value_type=dagster_type,
        resource_config=resource_config,
    )
