"""What a call reads: which upstream partitions, and their values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.dependency import Dependency
from gapless.definitions.graph import AssetGraph
from gapless.execution.context import AssetExecutionContext, InputPartitions
from gapless.execution.errors import QuerySourceError
from gapless.execution.ready import Unit
from gapless.execution.table_slices import input_slices
from gapless.partitions import AllPartitionMapping, OrdinalSet, PartitionsDefinition
from gapless.storage.io_manager import InputContext, OutputContext, load_value
from gapless.storage.slice_io_manager import handles_itself
from gapless.storage.slices import InputSlices, is_slice_store
from gapless.storage.sql_query import SqlQuery

__all__ = ["Inputs", "output_context"]


class Inputs:
    """What one call reads.

    Args:
        resources: Every resource of the project, ready to use.
        now: The run's instant: partitions that end later do not exist.
    """

    def __init__(self, graph: AssetGraph, resources: Mapping[str, Any], unit: Unit, now: datetime) -> None:
        self._graph = graph
        self._resources = resources
        self._unit = unit
        self._asset = graph[unit.asset]
        self._edges = [(edge, self._read(edge, now)) for edge in graph.parents(unit.asset)]

    @property
    def by_asset(self) -> Mapping[AssetKey, OrdinalSet]:
        """The partitions of each upstream asset that are read, by whichever way, and that exist."""
        found: dict[AssetKey, OrdinalSet] = {}
        for edge, ordinals in self._edges:
            found[edge.upstream] = found[edge.upstream] | ordinals if edge.upstream in found else ordinals
        return found

    @property
    def by_parameter(self) -> dict[str, InputPartitions]:
        """The same for the function's parameters, as its context tells them."""
        return {
            edge.parameter: InputPartitions(edge.upstream, self._definition(edge), ordinals)
            for edge, ordinals in self._edges
            if edge.parameter is not None
        }

    def load(self, context: AssetExecutionContext) -> dict[str, Any]:
        """The value of each parameter."""
        return {
            edge.parameter: self._load(edge, ordinals, context)
            for edge, ordinals in self._edges
            if edge.parameter is not None
        }

    def behind(self, query: SqlQuery, partitions: OrdinalSet) -> SqlQuery:
        """The query with what it reads filled in.

        Raises:
            QuerySourceError: It names what is no upstream asset, or what no query can read.
        """
        from gapless.storage.sql_query import SqlSource

        keys = tuple(self._unit.step.keys_of(partitions))
        sources = {}
        for name in query.names:
            edge, ordinals = self._named(name, keys)
            upstream = self._graph[edge.upstream]
            manager = self._resources.get(edge.input_manager_key or upstream.io_manager_key)
            if not is_slice_store(manager):
                raise QuerySourceError(self._asset.name, keys, name, manager=type(manager).__name__)
            sources[name] = SqlSource(manager, self._slices(edge, ordinals))
        return query.reading(sources)

    # ---

    def _read(self, edge: Dependency, now: datetime) -> OrdinalSet:
        """The upstream partitions that are read and that exist."""
        return edge.mapping.upstream(
            self._unit.partitions, self._unit.step.definition, self._definition(edge), now
        ).partitions

    def _definition(self, edge: Dependency) -> PartitionsDefinition | None:
        return self._graph[edge.upstream].partitions_def

    def _named(self, name: str, keys: tuple[str | None, ...]) -> tuple[Dependency, OrdinalSet]:
        """The upstream asset that a query means: by its whole key, by the parameter, or by its last part alone."""
        edges = self._edges
        for found in (
            [each for each in edges if each[0].upstream.to_user_string() == name],
            [each for each in edges if each[0].parameter == name],
            [each for each in edges if each[0].upstream.name == name],
        ):
            if len(found) == 1 or (found and all(each[0].upstream == found[0][0].upstream for each in found)):
                return found[0]
        raise QuerySourceError(
            self._asset.name, keys, name, tuple(dict.fromkeys(edge.upstream.to_user_string() for edge, _ in edges))
        )

    def _slices(self, edge: Dependency, ordinals: OrdinalSet) -> InputSlices:
        whole = isinstance(edge.mapping, AllPartitionMapping)
        columns = edge.metadata.get("columns")
        return input_slices(
            self._graph[edge.upstream], None if whole else ordinals, None if columns is None else tuple(columns)
        )

    def _load(self, edge: Dependency, ordinals: OrdinalSet, context: AssetExecutionContext) -> Any:
        upstream = self._graph[edge.upstream]
        manager = self._resources[edge.input_manager_key or upstream.io_manager_key]
        expected = _declared(self._asset.input_annotation(edge.parameter or ""))
        if not is_slice_store(manager) or handles_itself(manager):
            source = self._input_context(edge, upstream, ordinals, context, expected)
            source.slices = self._slices(edge, ordinals) if handles_itself(manager) else None
            return load_value(manager, source)
        return manager.load(self._slices(edge, ordinals), expected)

    def _input_context(
        self,
        edge: Dependency,
        upstream: AssetsDefinition,
        ordinals: OrdinalSet,
        context: AssetExecutionContext,
        expected: Any,
    ) -> InputContext:
        definition = upstream.partitions_def
        step = self._unit.step
        return InputContext(
            asset_key=upstream.key,
            partitions_def=definition,
            partition_keys=() if definition is None else tuple(definition.keys_of(ordinals)),
            partition_key=step.key_at(self._unit.partitions.first()) if len(self._unit.partitions) == 1 else None,
            metadata=dict(edge.metadata),
            upstream_output=output_context(upstream, ordinals, context),
            resources=context.resources,
            log=context.log,
            run_id=context.run_id,
            name=edge.parameter,
            value_type=expected,
        )


def output_context(
    asset: AssetsDefinition,
    ordinals: OrdinalSet,
    context: AssetExecutionContext,
    metadata: Mapping[str, Any] | None = None,
) -> OutputContext:
    """What a user's IO manager is told of the value of these partitions; `metadata` is what was said of the value."""
    definition = asset.partitions_def
    return OutputContext(
        asset_key=asset.key,
        partitions_def=definition,
        partition_keys=() if definition is None else tuple(definition.keys_of(ordinals)),
        metadata=dict(asset.metadata),
        resources=context.resources,
        log=context.log,
        run_id=context.run_id,
        value_type=_declared(asset.return_annotation),
        output_metadata=metadata,
    )


def _declared(annotation: Any) -> Any:
    return Any if annotation is inspect.Parameter.empty else annotation
