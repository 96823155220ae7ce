"""What a user's function is told about the partition that it makes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.errors import InvocationError
from gapless.partitions import (
    MultiPartitionKey,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    PartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)
from gapless.partitions.loading_context import current_store
from gapless.partitions.multi_key import DELIMITER

__all__ = ["AssetExecutionContext", "InputPartitions", "build_asset_context"]


@dataclass(frozen=True, slots=True)
class InputPartitions:
    """Which partitions of one upstream asset a call reads."""

    asset: AssetKey
    definition: PartitionsDefinition | None
    partitions: OrdinalSet


class AssetExecutionContext:
    """What a user's function is told about the partition, or the range of partitions, that it makes.

    The names and their meaning are Dagster's.
    """

    def __init__(
        self,
        *,
        asset: AssetsDefinition | None,
        definition: PartitionsDefinition | None,
        ordinals: OrdinalSet,
        run_id: str,
        resources: Mapping[str, Any] | None = None,
        inputs: Mapping[str, InputPartitions] | None = None,
        tags: Mapping[str, str] | None = None,
        wanted: PartitionKeyRange | None = None,
        on_log: Callable[[logging.LogRecord], None] | None = None,
    ) -> None:
        self._asset = asset
        self._definition = definition
        self._ordinals = ordinals
        self._inputs = dict(inputs or {})
        self._wanted = wanted  # keys of a test's context whose definition is not known before an asset is called
        self.run_id = run_id
        self.run_tags = dict(tags or {})
        self.resources: Any = SimpleNamespace(**(resources or {}))
        self.output_metadata: dict[str, Any] = {}
        self.partition_metadata: dict[str, dict[str, Any]] = {}
        self._on_log = on_log
        self._log: logging.Logger | None = None

    def bound(self, asset: AssetsDefinition | None, definition: PartitionsDefinition | None) -> AssetExecutionContext:
        """This context of a test, for an asset that is called with it.

        Raises:
            UnknownPartitionError: The key that it was built with is none of the definition's.
            InvocationError: The asset is partitioned, but the context was built without a key; or the reverse.
        """
        if self._definition is not None or (self._wanted is None and definition is None):
            self._asset = self._asset or asset
            return self
        name = None if asset is None else asset.name
        owner = f"asset {name!r}" if name else "the asset"
        if definition is None:
            raise InvocationError(f"{owner} is unpartitioned, but the context is for a partition", "Leave it out")
        if self._wanted is None:
            raise InvocationError(f"{owner} is partitioned", "Write build_asset_context(partition_key=…)")
        if definition.dynamic_names:
            definition = definition.resolved(current_store(None) or _KeysOfATest(definition, self._wanted))
        now = datetime.now().astimezone()  # Dagster's signature has no `now`; a test's partition is in the past anyway
        first = definition.validate_key(self._wanted.start, now, name)
        last = definition.validate_key(self._wanted.end, now, name)
        self._asset, self._definition = asset, definition
        self._ordinals = definition.between(first, last)
        return self

    def narrowed(self, ordinals: OrdinalSet, resources: Mapping[str, Any]) -> AssetExecutionContext:
        """What is to be told of some of these partitions, to somebody who uses other resources."""
        context = AssetExecutionContext(
            asset=self._asset,
            definition=self._definition,
            ordinals=ordinals,
            run_id=self.run_id,
            resources=resources,
            tags=self.run_tags,
            on_log=self._on_log,
        )
        context._log = self._log
        return context

    def read(self, inputs: Mapping[str, InputPartitions]) -> None:
        """Tell what the call reads, by parameter."""
        self._inputs = dict(inputs)

    # --- the asset

    @property
    def asset_key(self) -> AssetKey:
        """The asset that is made."""
        if self._asset is None:
            raise InvocationError("this context belongs to no asset", "Build it with build_asset_context(asset=…)")
        return self._asset.key

    @property
    def assets_def(self) -> AssetsDefinition | None:
        return self._asset

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The asset's; None if it is unpartitioned."""
        return self._definition

    @property
    def log(self) -> logging.Logger:
        """A logger whose lines are kept with the run."""
        if self._log is None:
            self._log = _logger(self._on_log)
        return self._log

    # --- its partitions

    @property
    def has_partition_key(self) -> bool:
        """Whether exactly one partition is made."""
        return self._definition is not None and len(self._ordinals) == 1

    @property
    def has_partition_key_range(self) -> bool:
        """Whether a range of several partitions is made in this call."""
        return self._definition is not None and len(self._ordinals) > 1

    @property
    def partition_key(self) -> str:
        """The key of the one partition that is made.

        Raises:
            InvocationError: The asset is unpartitioned, or a range of several partitions is made.
        """
        keys = self.partition_keys
        if len(keys) > 1:
            raise InvocationError(
                f"{self._name} makes {len(keys)} partitions in one call, {keys[0]!r} to {keys[-1]!r},"
                " so it has no single partition_key",
                "Use context.partition_keys, context.partition_key_range or context.partition_time_window",
            )
        return keys[0]

    @property
    def partition_keys(self) -> Sequence[str]:
        """The keys of the partitions that are made, in partition order."""
        return self._partitioned().keys_of(self._ordinals)

    @property
    def multi_partition_key(self) -> MultiPartitionKey:
        """The one partition's key, with its parts by dimension.

        Raises:
            InvocationError: The asset is not partitioned by several dimensions, or a range of partitions is made.
        """
        key = self.partition_key
        if not isinstance(key, MultiPartitionKey):
            definition = self._partitioned()
            raise InvocationError(
                f"{self._name} is not partitioned by several dimensions but {definition.describe()}",
                "Use context.partition_key",
            )
        return key

    @property
    def partition_key_range(self) -> PartitionKeyRange:
        """The first and the last key that are made, both inclusive; of several dimensions, two corners."""
        definition = self._partitioned()
        return PartitionKeyRange(definition.key_at(self._ordinals.first()), definition.key_at(self._ordinals.last()))

    @property
    def partition_time_window(self) -> TimeWindow:
        """From the first partition's start to the last one's end, half-open.

        Raises:
            InvocationError: The asset is not partitioned by time.
        """
        return _span(self._partitioned(), self._ordinals, self._name)

    # --- the partitions of its inputs

    def asset_partition_key_for_input(self, input_name: str) -> str:
        """The one upstream key that the input reads."""
        keys = self.asset_partition_keys_for_input(input_name)
        if len(keys) != 1:
            raise InvocationError(
                f"input {input_name!r} of {self._name} reads {len(keys)} partitions, not one",
                "Use context.asset_partition_keys_for_input",
            )
        return keys[0]

    def asset_partition_keys_for_input(self, input_name: str) -> Sequence[str]:
        """The upstream keys that the input reads, in partition order."""
        source = self._input(input_name)
        return self.asset_partitions_def_for_input(input_name).keys_of(source.partitions)

    def asset_partition_key_range_for_input(self, input_name: str) -> PartitionKeyRange:
        """The first and the last upstream key that the input reads, both inclusive."""
        keys = self.asset_partition_keys_for_input(input_name)
        if not keys:
            raise InvocationError(f"input {input_name!r} of {self._name} reads no partition, so there is no range")
        return PartitionKeyRange(keys[0], keys[-1])

    def asset_partitions_def_for_input(self, input_name: str) -> PartitionsDefinition:
        source = self._input(input_name)
        if source.definition is None:
            raise InvocationError(f"input {input_name!r} of {self._name} is {source.asset}, which is unpartitioned")
        return source.definition

    def asset_partitions_time_window_for_input(self, input_name: str) -> TimeWindow:
        """From the start of the first upstream partition that the input reads to the end of the last, half-open."""
        definition = self.asset_partitions_def_for_input(input_name)
        return _span(definition, self._input(input_name).partitions, f"input {input_name!r}")

    # --- Dagster's older names for the asset's own partitions

    def asset_partition_key_for_output(self, _output_name: str = "result") -> str:
        return self.partition_key

    def asset_partition_keys_for_output(self, _output_name: str = "result") -> Sequence[str]:
        return self.partition_keys

    def asset_partition_key_range_for_output(self, _output_name: str = "result") -> PartitionKeyRange:
        return self.partition_key_range

    def asset_partitions_def_for_output(self, _output_name: str = "result") -> PartitionsDefinition:
        return self._partitioned()

    def asset_partitions_time_window_for_output(self, _output_name: str = "result") -> TimeWindow:
        return self.partition_time_window

    # --- what it leaves behind

    def add_output_metadata(self, metadata: Mapping[str, Any], output_name: str | None = None) -> None:
        """Record `metadata` with every partition that this call makes."""
        self.output_metadata.update(metadata)

    def add_asset_metadata(
        self, metadata: Mapping[str, Any], asset_key: object = None, partition_key: str | None = None
    ) -> None:
        """Record `metadata` with one partition that this call makes, or with all of them."""
        if partition_key is None:
            self.output_metadata.update(metadata)
            return
        if partition_key not in self.partition_keys:
            raise InvocationError(f"{self._name} does not make the partition {partition_key!r} in this call")
        self.partition_metadata.setdefault(partition_key, {}).update(metadata)

    # ---

    @property
    def _name(self) -> str:
        return f"asset {str(self._asset.key)!r}" if self._asset else "this context"

    def _partitioned(self) -> PartitionsDefinition:
        if self._definition is None:
            raise InvocationError(
                f"{self._name} is unpartitioned, so it has no partition key",
                "Give the asset a partitions_def, or check context.has_partition_key first",
            )
        return self._definition

    def _input(self, name: str) -> InputPartitions:
        if name not in self._inputs:
            known = ", ".join(map(repr, self._inputs)) or "none"
            raise InvocationError(f"{self._name} has no input {name!r}; its inputs are: {known}")
        return self._inputs[name]


def _span(definition: PartitionsDefinition, ordinals: OrdinalSet, owner: str) -> TimeWindow:
    if isinstance(definition, MultiPartitionsDefinition):
        definition, ordinals = _times_of(definition, ordinals, owner)
    if not isinstance(definition, TimeWindowPartitionsDefinition):
        raise InvocationError(f"{owner} is not partitioned by time but by {definition.describe()}")
    first, last = definition.window_at(ordinals.first()), definition.window_at(ordinals.last())
    return TimeWindow(first.start, last.end)


def _times_of(
    definition: MultiPartitionsDefinition, ordinals: OrdinalSet, owner: str
) -> tuple[PartitionsDefinition, OrdinalSet]:
    """The one dimension that is time, and which of its partitions `ordinals` speak of."""
    times = [place for place, each in enumerate(definition.dimensions.values()) if each.is_time]
    if len(times) != 1:
        raise InvocationError(
            f"{owner} has {len(times)} dimensions of time, so there is no one time window: {definition.describe()}",
            "Use context.partition_keys",
        )
    dimension = tuple(definition.dimensions.values())[times[0]]
    return dimension, OrdinalSet.of(definition.point(number)[times[0]] for number in ordinals)


class _KeysOfATest:
    """A test needs no ledger: the dynamic keys that its context names exist."""

    def __init__(self, definition: PartitionsDefinition, wanted: PartitionKeyRange) -> None:
        self._keys = [part for key in wanted for part in (key.split(DELIMITER) if definition.dimensions else [key])]

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        return self._keys


class _LogCollector(logging.Handler):
    def __init__(self, on_log: Callable[[logging.LogRecord], None]) -> None:
        super().__init__()
        self._on_log = on_log

    def emit(self, record: logging.LogRecord) -> None:
        self._on_log(record)


def _logger(on_log: Callable[[logging.LogRecord], None] | None) -> logging.Logger:
    if on_log is None:
        return logging.getLogger("gapless.asset")
    # A logger of its own, outside the global registry: thousands of calls must not leave thousands of loggers.
    logger = logging.Logger("gapless.asset", logging.DEBUG)
    logger.addHandler(_LogCollector(on_log))
    logger.parent = logging.getLogger("gapless.asset")
    return logger


def build_asset_context(
    resources: Mapping[str, Any] | None = None,
    *,
    partition_key: str | None = None,
    partition_key_range: PartitionKeyRange | None = None,
    asset: AssetsDefinition | None = None,
    partitions_def: PartitionsDefinition | None = None,
    run_tags: Mapping[str, str] | None = None,
    run_id: str = "test",
) -> AssetExecutionContext:
    """A context to call an asset's function with in a test: ``plays(build_asset_context(partition_key="2024-01-05"))``.

    Args:
        partition_key: The partition to make.
        partition_key_range: A range to make, instead of one partition.
        asset: Whose partitions they are; by default those of the asset that is called with the context.
        partitions_def: Instead of the asset's.

    Raises:
        UnknownPartitionError: The key is none of the definition's; raised by the call, if the definition is not given.
        InvocationError: A key and a range at once.
    """
    if partition_key is not None and partition_key_range is not None:
        raise InvocationError("a context is for one partition_key or for one partition_key_range, not for both")
    if partition_key is not None:
        partition_key_range = PartitionKeyRange(partition_key, partition_key)
    context = AssetExecutionContext(
        asset=None,
        definition=None,
        ordinals=OrdinalSet.span(0, 1),
        run_id=run_id,
        resources=resources,
        tags=run_tags,
        wanted=partition_key_range,
    )
    definition = partitions_def or (asset.partitions_def if asset is not None else None)
    return context if definition is None and asset is None else context.bound(asset, definition)
