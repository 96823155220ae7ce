"""One call of one asset's function: load its inputs, call it, check and stage what it returns."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.dependency import Dependency
from gapless.definitions.graph import AssetGraph
from gapless.definitions.results import MaterializeResult, MetadataValue, Output
from gapless.errors import InvocationError
from gapless.execution.cancel import CancelToken
from gapless.execution.context import AssetExecutionContext, InputPartitions
from gapless.execution.failure import Failure
from gapless.execution.ready import Unit
from gapless.execution.table_slices import input_slices, output_slices
from gapless.partitions import (
    AllPartitionMapping,
    OrdinalSet,
    PartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)
from gapless.storage.io_manager import InputContext, OutputContext
from gapless.storage.slices import StagedSlices, is_slice_store

__all__ = ["Failed", "Made", "StepRunner"]


@dataclass(frozen=True, slots=True)
class Made:
    """What a successful call left.

    Attributes:
        slices: What waits for its commit; None if the function or its own IO manager has stored it already.
        metadata: What the user recorded, by name, as JSON values.
        partition_metadata: The same for single partitions of a batch.
        logs: Lines that the function logged: (level, message).
    """

    unit: Unit
    slices: StagedSlices | None
    store: str
    duration_s: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    partition_metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    logs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """What a call that raised left."""

    unit: Unit
    failure: Failure
    duration_s: float
    logs: tuple[tuple[str, str], ...] = ()


class StepRunner:
    """Calls functions for one run. Safe to use from several threads.

    Args:
        resources: Every resource of the project, ready to use.
        configs: The config of each asset whose function takes one.
        now: The run's instant: partitions that end later do not exist.
        cancel: Tells a person's Ctrl-C from a KeyboardInterrupt that a function raises itself.
    """

    def __init__(
        self,
        graph: AssetGraph,
        resources: Mapping[str, Any],
        configs: Mapping[AssetKey, Any],
        run_id: str,
        now: datetime,
        tags: Mapping[str, str],
        cancel: CancelToken,
    ) -> None:
        self._cancel = cancel
        self._graph = graph
        self._resources = resources
        self._configs = configs
        self._run_id = run_id
        self._now = now
        self._tags = tags

    def run(self, unit: Unit) -> Made | Failed:
        """Make the partitions of `unit`, up to but without the commit. Never raises, but for a person's Ctrl-C."""
        asset = self._graph[unit.asset]
        logs: list[tuple[str, str]] = []
        start = time.perf_counter()
        try:
            context = self._context(asset, unit, logs)
            value = asset.fn(**self._arguments(asset, unit, context))
            slices, store, metadata = self._keep(asset, unit, value, context)
            return Made(
                unit,
                slices,
                store,
                time.perf_counter() - start,
                {**_json(context.output_metadata), **metadata},
                {key: _json(entry) for key, entry in context.partition_metadata.items()},
                tuple(logs),
            )
        except BaseException as error:  # whatever a user's function raises, SystemExit included, fails its partition
            if isinstance(error, KeyboardInterrupt) and self._cancel.cancelled:
                raise
            failure = Failure.of(error, _only_key(unit), _window(unit))
            return Failed(unit, failure, time.perf_counter() - start, tuple(logs))

    # --- before the call

    def _context(self, asset: AssetsDefinition, unit: Unit, logs: list[tuple[str, str]]) -> AssetExecutionContext:
        inputs = {
            dependency.parameter: InputPartitions(
                dependency.upstream, self._partitions_def(dependency.upstream), self._read(dependency, unit)
            )
            for dependency in self._graph.parents(asset.key)
            if dependency.parameter is not None
        }
        return AssetExecutionContext(
            asset=asset,
            definition=asset.partitions_def,
            ordinals=unit.partitions,
            run_id=self._run_id,
            resources={key: self._resources[key] for key in asset.resource_keys},
            inputs=inputs,
            tags=self._tags,
            on_log=lambda record: logs.append((record.levelname, _message(record))),
        )

    def _arguments(self, asset: AssetsDefinition, unit: Unit, context: AssetExecutionContext) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        parameters = asset.parameters
        if parameters.context:
            arguments[parameters.context] = context
        if parameters.config:
            arguments[parameters.config[0]] = self._configs[asset.key]
        for name in parameters.resources:
            arguments[name] = self._resources[name]
        for dependency in self._graph.parents(asset.key):
            if dependency.parameter is not None:
                arguments[dependency.parameter] = self._load(asset, dependency, unit, context)
        return arguments

    def _partitions_def(self, key: AssetKey) -> PartitionsDefinition | None:
        return self._graph[key].partitions_def

    def _read(self, dependency: Dependency, unit: Unit) -> OrdinalSet:
        """The upstream partitions that `unit` reads and that exist."""
        return dependency.mapping.upstream(
            unit.partitions,
            unit.step.definition,
            self._partitions_def(dependency.upstream),
            self._now,
        ).partitions

    def _load(self, asset: AssetsDefinition, dependency: Dependency, unit: Unit, context: AssetExecutionContext) -> Any:
        upstream = self._graph[dependency.upstream]
        manager = self._resources[dependency.input_manager_key or upstream.io_manager_key]
        expected = asset.input_annotation(dependency.parameter or "")
        ordinals = self._read(dependency, unit)
        if not is_slice_store(manager):
            return manager.load_input(self._input_context(dependency, upstream, ordinals, unit, context))
        whole = isinstance(dependency.mapping, AllPartitionMapping)
        columns = dependency.metadata.get("columns")
        return manager.load(
            input_slices(upstream, None if whole else ordinals, None if columns is None else tuple(columns)),
            Any if expected is inspect.Parameter.empty else expected,
        )

    def _input_context(
        self,
        dependency: Dependency,
        upstream: AssetsDefinition,
        ordinals: OrdinalSet,
        unit: Unit,
        context: AssetExecutionContext,
    ) -> InputContext:
        definition = upstream.partitions_def
        return InputContext(
            asset_key=upstream.key,
            partitions_def=definition,
            partition_keys=() if definition is None else tuple(definition.keys_of(ordinals)),
            partition_key=_only_key(unit),
            metadata=dict(dependency.metadata),
            upstream_output=self._output_context(upstream, ordinals, context),
            resources=context.resources,
            log=context.log,
            run_id=self._run_id,
        )

    def _output_context(
        self, asset: AssetsDefinition, ordinals: OrdinalSet, context: AssetExecutionContext
    ) -> OutputContext:
        definition = asset.partitions_def
        return OutputContext(
            asset_key=asset.key,
            partitions_def=definition,
            partition_keys=() if definition is None else tuple(definition.keys_of(ordinals)),
            metadata=dict(asset.metadata),
            resources=context.resources,
            log=context.log,
            run_id=self._run_id,
        )

    # --- after the call

    def _keep(
        self, asset: AssetsDefinition, unit: Unit, value: Any, context: AssetExecutionContext
    ) -> tuple[StagedSlices | None, str, dict[str, Any]]:
        metadata: dict[str, Any] = {}
        stores = asset.stores_output
        if isinstance(value, (Output, MaterializeResult)):
            metadata = _json(value.metadata)
            if isinstance(value, MaterializeResult):
                if value.asset_key is not None and value.asset_key != asset.key:
                    raise InvocationError(
                        f"asset {asset.name!r} returned a MaterializeResult for {str(value.asset_key)!r}",
                        "Leave asset_key out: a function makes its own asset",
                    )
                stores = value.has_value
            value = value.value
        if not stores:
            return None, asset.io_manager_key, metadata
        manager = self._resources[asset.io_manager_key]
        if not is_slice_store(manager):
            output = self._output_context(asset, unit.partitions, context)
            manager.handle_output(output, value)
            return None, asset.io_manager_key, {**metadata, **_json(output.recorded_metadata)}
        staged = manager.stage(output_slices(asset, unit.partitions, self._run_id), value)
        return staged, asset.io_manager_key, metadata


def _only_key(unit: Unit) -> str | None:
    return unit.step.key_at(unit.partitions.first()) if len(unit.partitions) == 1 else None


def _window(unit: Unit) -> TimeWindow | None:
    definition = unit.step.definition
    if isinstance(definition, TimeWindowPartitionsDefinition) and len(unit.partitions) == 1:
        return definition.window_at(unit.partitions.first())
    return None


def _json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: MetadataValue.of(value).value for name, value in metadata.items()}


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return f"{text}\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else text
