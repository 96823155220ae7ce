"""The contract of users' own IO managers, and what they are told about the value that they store or load."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gapless.asset_key import AssetKey
from gapless.errors import InvocationError
from gapless.partitions import PartitionKeyRange, PartitionsDefinition, TimeWindow, TimeWindowPartitionsDefinition

__all__ = ["IOManager", "InputContext", "OutputContext"]

_LOG = logging.getLogger("gapless")


class IOManager(ABC):
    """Stores what functions return and loads it for those downstream. Called on several threads at once.

    Whatever `handle_output` has stored when it returns counts as committed.
    """

    @abstractmethod
    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj`, replacing what was there for the same partitions."""

    @abstractmethod
    def load_input(self, context: InputContext) -> Any:
        """The value of the upstream partitions that `context` names."""


@dataclass(eq=False)
class _PartitionsOfAsset:
    """An asset and some of its partitions.

    Attributes:
        asset_key: The asset that is stored or loaded.
        partitions_def: Its partitions definition; None if it is unpartitioned.
        partition_keys: The partitions, in order.
    """

    asset_key: AssetKey
    partitions_def: PartitionsDefinition | None = None
    partition_keys: tuple[str, ...] = ()

    def get_asset_identifier(self) -> list[str]:
        """The parts of the asset's key, and the partition if there is exactly one: a path to store it under."""
        one = [self.partition_keys[0]] if len(self.partition_keys) == 1 else []
        return [*self.asset_key.path, *one]

    get_identifier = get_asset_identifier  # Dagster's other name for it

    @property
    def has_asset_partitions(self) -> bool:
        """Whether the asset is partitioned."""
        return self.partitions_def is not None

    @property
    def asset_partitions_def(self) -> PartitionsDefinition:
        """Its partitions definition.

        Raises:
            InvocationError: The asset is unpartitioned.
        """
        if self.partitions_def is None:
            raise InvocationError(f"asset {str(self.asset_key)!r} is not partitioned", "Ask has_asset_partitions first")
        return self.partitions_def

    @property
    def asset_partition_keys(self) -> list[str]:
        """The partitions, in order."""
        self.asset_partitions_def  # noqa: B018  # raises if there are none
        return list(self.partition_keys)

    @property
    def asset_partition_key(self) -> str:
        """The one partition.

        Raises:
            InvocationError: There are several, or none.
        """
        keys = self.asset_partition_keys
        if len(keys) != 1:
            raise InvocationError(
                f"asset_partition_key asks for the one partition of {str(self.asset_key)!r}, but there are {len(keys)}",
                "Use asset_partition_keys",
            )
        return keys[0]

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """From the first of the partitions to the last, both inclusive.

        Raises:
            InvocationError: There is none.
        """
        keys = self.asset_partition_keys
        if not keys:
            raise InvocationError(f"no partition of {str(self.asset_key)!r} is asked for", "Use asset_partition_keys")
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def asset_partitions_time_window(self) -> TimeWindow:
        """From the start of the first partition to the end of the last.

        Raises:
            InvocationError: The asset's partitions are not times, or there is none.
        """
        definition = self.asset_partitions_def
        if not isinstance(definition, TimeWindowPartitionsDefinition):
            raise InvocationError(
                f"asset {str(self.asset_key)!r} has no time window: its partitions are {definition.describe()}",
                "Use asset_partition_keys",
            )
        span = self.asset_partition_key_range
        first = definition.time_window_for_partition_key(span.start)
        last = definition.time_window_for_partition_key(span.end)
        return TimeWindow(first.start, last.end)


@dataclass(eq=False)
class OutputContext(_PartitionsOfAsset):
    """What is known about a value to be stored.

    Attributes:
        metadata: The asset's metadata.
        recorded_metadata: What `add_output_metadata` was given; the run records it.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict)
    resources: Any = None
    log: logging.Logger | logging.LoggerAdapter[Any] = _LOG
    run_id: str = ""
    recorded_metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def definition_metadata(self) -> Mapping[str, Any]:
        """The asset's metadata."""
        return self.metadata

    @property
    def has_partition_key(self) -> bool:
        """Whether exactly one partition is being made."""
        return len(self.partition_keys) == 1

    @property
    def partition_key(self) -> str:
        """The one partition that is being made."""
        return self.asset_partition_key

    def add_output_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Record facts about what was stored; of equal names the last one stays."""
        self.recorded_metadata.update(metadata)


class InputContext(_PartitionsOfAsset):
    """What is known about a value to be loaded. The partitions are the upstream asset's.

    Attributes:
        metadata: The input's metadata.
        upstream_output: The upstream asset, as it was stored.
    """

    def __init__(
        self,
        asset_key: AssetKey,
        partitions_def: PartitionsDefinition | None = None,
        partition_keys: tuple[str, ...] = (),
        *,
        partition_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        upstream_output: OutputContext | None = None,
        resources: Any = None,
        log: logging.Logger | logging.LoggerAdapter[Any] = _LOG,
        run_id: str = "",
    ) -> None:
        """Args: `partition_key` is the downstream partition that is being made, if it is exactly one."""
        super().__init__(asset_key, partitions_def, partition_keys)
        self._own_partition_key = partition_key
        self.metadata: Mapping[str, Any] = metadata or {}
        self.upstream_output = upstream_output
        self.resources = resources
        self.log = log
        self.run_id = run_id

    @property
    def definition_metadata(self) -> Mapping[str, Any]:
        """The input's metadata."""
        return self.metadata

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
