"""Run the checks of an asset on a value that is about to be committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.asset_checks import AssetCheckResult, AssetChecksDefinition, AssetCheckSpec
from gapless.definitions.graph import AssetGraph
from gapless.errors import GaplessError
from gapless.execution.call import Call, json_metadata
from gapless.execution.cancel import CancelToken
from gapless.execution.check_context import AssetCheckExecutionContext
from gapless.execution.check_evaluation import AssetCheckEvaluation
from gapless.execution.errors import CheckNotPassedError, CheckResultError
from gapless.execution.failure import Failure
from gapless.execution.neighbours import RecordedRows
from gapless.partitions import OrdinalSet
from gapless.storage.errors import slice_name

__all__ = ["Checked", "Checks", "NoRowsError"]


class NoRowsError(Exception):
    """There are no rows that a check could look at."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What checks found about some partitions.

    Attributes:
        failure: Why they must not be committed; None if they may.
    """

    evaluations: tuple[AssetCheckEvaluation, ...] = ()
    failure: Failure | None = None

    def __add__(self, other: Checked) -> Checked:
        return Checked((*self.evaluations, *other.evaluations), self.failure or other.failure)


class Checks:
    """Runs the checks of one run. Safe to use from several threads.

    Args:
        now: The run's instant.
        cancel: Tells a person's Ctrl-C from a KeyboardInterrupt that a check raises itself.
    """

    def __init__(
        self,
        graph: AssetGraph,
        resources: Mapping[str, Any],
        rows: RecordedRows,
        now: datetime,
        cancel: CancelToken,
    ) -> None:
        self._graph = graph
        self._resources = resources
        self._rows = rows
        self._now = now
        self._cancel = cancel

    def of(self, asset: AssetsDefinition) -> Sequence[AssetChecksDefinition]:
        """The functions that look at what the asset's own function has made."""
        return self._graph.checks_of(asset.key)

    # --- what the asset's own function found

    def reported(self, call: Call, partitions: OrdinalSet, results: Sequence[AssetCheckResult]) -> Checked:
        """The results that the asset's function gave about the checks that the asset declares.

        Raises:
            CheckResultError: One is of no check that is declared, or none is of one that is.
        """
        specs = {spec.name: spec for spec in call.asset.check_specs}
        if not specs and not results:
            return Checked()
        found: dict[str, AssetCheckResult] = {}
        for result in results:
            found[self._spec_of(call, partitions, result, specs).name] = result
        missing = [name for name in specs if name not in found]
        if missing:
            raise CheckResultError(
                call.asset.name,
                call.keys_of(partitions),
                f"the function returned no result of the check {missing[0]!r}, which the asset declares",
                "Return MaterializeResult or Output with"
                f" check_results=[AssetCheckResult(check_name={missing[0]!r}, …)]",
            )
        return _judged(
            call, partitions, [(_evaluation(call, specs[name], result), None) for name, result in found.items()]
        )

    @staticmethod
    def _spec_of(
        call: Call, partitions: OrdinalSet, result: AssetCheckResult, specs: Mapping[str, AssetCheckSpec]
    ) -> AssetCheckSpec:
        name = result.check_name
        if name is None and len(specs) == 1:
            name = next(iter(specs))
        if result.asset_key is not None and result.asset_key != call.asset.key:
            raise CheckResultError(
                call.asset.name,
                call.keys_of(partitions),
                f"the function returned the result of a check of {str(result.asset_key)!r}",
                "Leave asset_key out: a function checks its own asset",
            )
        if name is None or name not in specs:
            known = ", ".join(map(repr, specs)) or "none"
            which = "a result without check_name" if name is None else f"a result of the check {name!r}"
            raise CheckResultError(
                call.asset.name,
                call.keys_of(partitions),
                f"the function returned {which}; the checks that the asset declares are: {known}",
                f'Declare it: @asset(check_specs=[AssetCheckSpec("{name or "name"}", asset="{call.asset.name}")])',
            )
        return specs[name]

    # --- functions of their own

    def run(self, call: Call, partitions: OrdinalSet, value: Callable[[Any], Any]) -> Checked:
        """Let every check of the asset look at these partitions.

        Args:
            value: Gives what is looked at, for the annotation of the parameter that takes it; raises `NoRowsError` if
                there is nothing.
        """
        return _judged(call, partitions, [self._look(call, partitions, check, value) for check in self.of(call.asset)])

    def _look(
        self, call: Call, partitions: OrdinalSet, check: AssetChecksDefinition, value: Callable[[Any], Any]
    ) -> tuple[AssetCheckEvaluation, Failure | None]:
        """What it found; and how it failed itself, if it raised."""
        try:
            result = check.fn(**self._arguments(call, partitions, check, value))
            return _evaluation(call, check.spec, _result(call, partitions, check, result)), None
        except BaseException as error:  # whatever it raises, SystemExit included, it has not passed
            if isinstance(error, KeyboardInterrupt) and self._cancel.cancelled:
                raise
            failure = Failure.of(error)
            reason = f"check {check.name!r} raised {failure.reason}"
            if isinstance(error, CheckResultError):
                reason = failure.reason.removeprefix(f"{slice_name(call.asset.name, call.keys_of(partitions))}: ")
            elif isinstance(error, GaplessError):
                reason = f"check {check.name!r} raised {type(error).__name__}: {failure.reason}"
            failure = replace(failure, reason=reason)
            evaluation = AssetCheckEvaluation(
                call.asset.key,
                None,
                check.name,
                passed=False,
                blocking=check.spec.blocking,
                description=failure.reason,
                raised=True,
                traceback=failure.traceback,
            )
            return evaluation, failure

    def _arguments(
        self, call: Call, partitions: OrdinalSet, check: AssetChecksDefinition, value: Callable[[Any], Any]
    ) -> dict[str, Any]:
        parameters = check.parameters
        arguments: dict[str, Any] = {name: self._resources[name] for name in parameters.resources}
        if parameters.context:
            arguments[parameters.context] = self._context(call, partitions, check)
        if parameters.config:
            arguments[parameters.config[0]] = parameters.config[1]()
        if check.asset_parameter:
            annotation = parameters.annotations.get(check.asset_parameter)
            try:
                arguments[check.asset_parameter] = value(annotation)
            except NoRowsError:
                raise CheckResultError(
                    call.asset.name,
                    call.keys_of(partitions),
                    f"check {check.name!r} takes the rows, but the function of {call.asset.name!r} stores its data"
                    " itself, so there are none to look at",
                    "Let the check take a resource and read them with it, or let the function return the rows",
                ) from None
        return arguments

    def _context(self, call: Call, partitions: OrdinalSet, check: AssetChecksDefinition) -> AssetCheckExecutionContext:
        definition = call.unit.step.definition

        def row_counts(neighbours: int) -> Mapping[str, int]:
            if definition is None or len(partitions) != 1:
                return {}
            return self._rows.around(call.asset.key, definition, partitions.first(), neighbours)

        resources = {key: self._resources[key] for key in check.resource_keys}
        seen = call.context.narrowed(partitions, resources)
        return AssetCheckExecutionContext(seen, check, now=self._now, row_counts=row_counts)


def _result(call: Call, partitions: OrdinalSet, check: AssetChecksDefinition, given: Any) -> AssetCheckResult:
    """What a check returned, as a result.

    Raises:
        CheckResultError: It is none, or one of something else.
    """
    if isinstance(given, AssetCheckResult):
        other_asset = given.asset_key is not None and given.asset_key != call.asset.key
        if not other_asset and given.check_name in (None, check.name):
            return given
        reason = f"check {check.name!r} returned the result of another check, {given.check_name or given.asset_key}"
        raise CheckResultError(call.asset.name, call.keys_of(partitions), reason, "Leave check_name and asset_key out")
    if type(given).__module__ == "numpy" and hasattr(given, "item"):
        given = given.item()  # comparing columns gives numpy's own bool
    if isinstance(given, bool):
        return AssetCheckResult(passed=given)
    raise CheckResultError(
        call.asset.name,
        call.keys_of(partitions),
        f"check {check.name!r} returned {'None' if given is None else f'a {type(given).__name__}'}",
        "Return AssetCheckResult(passed=…), or True or False",
    )


def _evaluation(call: Call, spec: AssetCheckSpec, result: AssetCheckResult) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        call.asset.key,
        None,
        spec.name,
        result.passed,
        spec.blocking,
        result.severity,
        result.description,
        json_metadata(result.metadata),
    )


def _judged(
    call: Call, partitions: OrdinalSet, found: Sequence[tuple[AssetCheckEvaluation, Failure | None]]
) -> Checked:
    """The evaluations, each for each of the partitions; and what keeps these from being committed."""
    keys = call.keys_of(partitions)
    evaluations = tuple(replace(evaluation, partition=key) for key in keys for evaluation, _ in found)
    against = [(evaluation, raised) for evaluation, raised in found if evaluation.prevents]
    if not against:
        return Checked(evaluations)
    first, raised = against[0]
    error = CheckNotPassedError(
        call.asset.name,
        keys,
        first.check_name,
        first.description,
        first.metadata,
        tuple(evaluation.check_name for evaluation, _ in against[1:]),
    )
    return Checked(evaluations, raised or Failure.of(error))
