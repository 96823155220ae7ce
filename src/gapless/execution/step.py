"""One call of one asset's function: load its inputs, call it, hand over what it makes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.graph import AssetGraph
from gapless.execution.call import Call, Outlet
from gapless.execution.cancel import CancelToken
from gapless.execution.checks import Checks
from gapless.execution.context import AssetExecutionContext
from gapless.execution.failure import Failure
from gapless.execution.input_versions import InputVersions
from gapless.execution.inputs import Inputs
from gapless.execution.neighbours import RecordedRows
from gapless.execution.ready import Unit
from gapless.execution.sink import Sink

__all__ = ["StepRunner"]


class StepRunner:
    """Calls functions for one run. Safe to use from several threads.

    Args:
        resources: Every resource of the project, ready to use.
        configs: The config of each asset whose function takes one.
        now: The run's instant: partitions that end later do not exist.
        cancel: Tells a person's Ctrl-C from a KeyboardInterrupt that a function raises itself.
        versions: Of what functions read.
        rows: Of the partitions around those that checks look at.
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
        versions: InputVersions,
        rows: RecordedRows,
    ) -> None:
        self._cancel = cancel
        self._graph = graph
        self._resources = resources
        self._configs = configs
        self._run_id = run_id
        self._now = now
        self._tags = tags
        self._versions = versions
        self._sink = Sink(resources, Checks(graph, resources, rows, now, cancel), run_id)

    def run(self, unit: Unit, outlet: Outlet) -> None:
        """Make the partitions of `unit`, up to but without the commit. Never raises, but for a person's Ctrl-C.

        Every partition is handed over, made or failed, unless the run is to stop.
        """
        asset = self._graph[unit.asset]
        logs: list[tuple[str, str]] = []
        context = self._context(asset, unit, logs)
        call = Call(asset, unit, context, logs, outlet)
        try:
            inputs = Inputs(self._graph, self._resources, unit, self._now)
            context.read(inputs.by_parameter)
            call.inputs = self._versions.of(inputs.by_asset)
            value = asset.fn(**self._arguments(asset, inputs, context))
            self._sink.take(call, inputs, value)
        except BaseException as error:  # whatever a user's function raises, SystemExit included, fails its partitions
            if isinstance(error, KeyboardInterrupt) and self._cancel.cancelled:
                raise
            if call.open:
                call.failed(call.open, error)
            else:
                failure = Failure.of(error)
                call.warn(f"after its last partition, the function raised {failure.reason}", failure.detail)
        call.end()

    def _context(self, asset: AssetsDefinition, unit: Unit, logs: list[tuple[str, str]]) -> AssetExecutionContext:
        return AssetExecutionContext(
            asset=asset,
            definition=asset.partitions_def,
            ordinals=unit.partitions,
            run_id=self._run_id,
            resources={key: self._resources[key] for key in asset.resource_keys},
            tags=self._tags,
            on_log=lambda record: logs.append((record.levelname, _message(record))),
        )

    def _arguments(self, asset: AssetsDefinition, inputs: Inputs, context: AssetExecutionContext) -> dict[str, Any]:
        parameters = asset.parameters
        arguments: dict[str, Any] = {name: self._resources[name] for name in parameters.resources}
        if parameters.context:
            arguments[parameters.context] = context
        if parameters.config:
            arguments[parameters.config[0]] = self._configs[asset.key]
        return {**arguments, **inputs.load(context)}


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return f"{text}\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else text
