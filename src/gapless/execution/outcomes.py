"""What is written to the ledger, and told to whoever watches, about calls that ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.execution.call import Made, Warned
from gapless.execution.check_evaluation import AssetCheckEvaluation
from gapless.execution.errors import CheckNotPassedError
from gapless.execution.failure import Failure
from gapless.execution.progress import StepReport
from gapless.execution.ready import Unit
from gapless.execution.result import RunResult
from gapless.ledger.contract import EventKind, Outcome, RunState, Status
from gapless.partitions import OrdinalSet
from gapless.planning.plan import PlanStep
from gapless.storage.errors import slice_name
from gapless.storage.slices import Committed

__all__ = [
    "Tally",
    "check_outcomes",
    "failed_outcomes",
    "interrupted_outcomes",
    "log_outcomes",
    "made_outcomes",
    "skipped_outcomes",
    "warned_outcomes",
]

_MOST_PASSED = 100_000  # checks that passed and that a run's result holds; the ledger has all


def made_outcomes(
    made: Made, committed: Committed | None, asset: AssetsDefinition, now: datetime
) -> tuple[list[Outcome], list[StepReport]]:
    """One outcome for each partition of what went well; `committed` is None if nothing had to be stored."""
    outcomes, reports = [], []
    keys = made.unit.keys
    shared: dict[str, Any] = {"duration_s": round(made.duration_s, 6)}
    if made.unit.attempt > 1:
        shared["attempt"] = made.unit.attempt
    if len(made.unit.call) > 1:
        shared["batch"] = len(made.unit.call)
    if asset.code_version is not None:
        shared["code_version"] = asset.code_version
    if made.inputs:
        shared["inputs"] = {
            name: {"partitions": read.partitions, "version": read.version} for name, read in made.inputs.items()
        }
    if committed is not None:
        shared["columns"] = dict(committed.columns)
        shared["table"] = committed.table
    for key in keys:
        rows = committed.rows.get(key) if committed is not None else None
        metadata = {**made.metadata, **(made.partition_metadata.get(key, {}) if key is not None else {})}
        payload: dict[str, Any] = dict(shared)
        nbytes = None if committed is None else committed.nbytes_of(key)
        if rows is not None:
            payload |= {"rows": rows, "bytes": nbytes}
        version = made.data_version
        if committed is not None:
            version = committed.versions.get(key) or version
            if dropped := committed.dropped.get(key):
                payload["dropped"] = metadata["dropped_rows"] = dropped
            elif key is not None and (dropped := committed.dropped.get(None)):
                payload["dropped_of_batch"] = metadata["dropped_rows_of_batch"] = dropped
        if version is not None:
            payload["version"] = version
        if metadata:
            payload["metadata"] = metadata
        outcomes.append(
            Outcome(
                asset=asset.name,
                partition=key,
                kind=EventKind.MATERIALIZED,
                at=now,
                status=Status.MATERIALIZED,
                rows=rows,
                nbytes=nbytes,
                code_version=asset.code_version,
                payload=payload,
                data_version=version,
            )
        )
        reports.append(
            StepReport(asset.name, key, EventKind.MATERIALIZED, rows=rows, duration_s=made.duration_s / len(keys))
        )
    return outcomes, reports


def check_outcomes(checks: Iterable[AssetCheckEvaluation], now: datetime) -> tuple[list[Outcome], list[StepReport]]:
    """What checks found; told is what did not pass and does not fail its partition, of which the failure tells."""
    outcomes, reports = [], []
    for found in checks:
        name = found.asset_key.to_user_string()
        outcomes.append(
            Outcome(name, found.partition, EventKind.CHECKED, now, None, found.reason, payload=found.payload())
        )
        if not found.passed and not found.prevents:
            reports.append(StepReport(name, found.partition, EventKind.CHECKED, found.reason, found.traceback or None))
    return outcomes, reports


def failed_outcomes(
    unit: Unit, failure: Failure, duration_s: float, kind: EventKind, now: datetime
) -> tuple[list[Outcome], list[StepReport]]:
    """One outcome for each partition of a call that raised or was refused; `kind` is FAILED or RETRIED."""
    payload: dict[str, Any] = {"duration_s": round(duration_s, 6), "attempt": unit.attempt}
    if isinstance(failure.exception, CheckNotPassedError):
        payload["check"] = failure.exception.check
        payload["metadata"] = dict(failure.exception.evidence)
    elif failure.traceback:
        payload["traceback"] = failure.traceback
    if failure.hint:
        payload["hint"] = failure.hint
    status = Status.FAILED if kind is EventKind.FAILED else None
    name = unit.asset.to_user_string()
    # Errors of storage begin with what is known here already; without it, equal reasons are equal.
    reason = failure.reason.removeprefix(f"{slice_name(name, tuple(unit.keys))}: ")
    return (
        [Outcome(name, key, kind, now, status, reason, payload=payload) for key in unit.keys],
        [StepReport(name, key, kind, reason, failure.detail or None, duration_s=duration_s) for key in unit.keys],
    )


def skipped_outcomes(
    skipped: Sequence[tuple[PlanStep, int, str]], now: datetime
) -> tuple[list[Outcome], list[StepReport]]:
    """One outcome for each partition that is given up because of something upstream."""
    outcomes = [
        Outcome(step.asset.to_user_string(), step.key_at(ordinal), EventKind.SKIPPED, now, Status.SKIPPED, reason)
        for step, ordinal, reason in skipped
    ]
    return outcomes, [StepReport(o.asset, o.partition, o.kind, o.reason) for o in outcomes]


def interrupted_outcomes(units: Iterable[Unit], now: datetime) -> list[Outcome]:
    """One outcome for each partition of what was begun when the run stopped."""
    reason = "stopped before it was finished; what was there before still stands"
    return [
        Outcome(unit.asset.to_user_string(), key, EventKind.INTERRUPTED, now, None, reason)
        for unit in units
        for key in unit.keys
    ]


def log_outcomes(unit: Unit, logs: Sequence[tuple[str, str]], now: datetime) -> list[Outcome]:
    """The lines that a call logged, under its first partition."""
    key = unit.step.key_at(unit.partitions.first()) if logs else None
    return [
        Outcome(unit.asset.to_user_string(), key, EventKind.LOG, now, None, message, payload={"level": level})
        for level, message in logs
    ]


def warned_outcomes(warned: Warned, now: datetime) -> tuple[list[Outcome], list[StepReport]]:
    """What a call did wrong, beside the outcomes of its partitions."""
    unit = warned.unit
    key = unit.step.key_at(unit.partitions.first()) if len(unit.partitions) == 1 else None
    return (
        log_outcomes(unit, [("ERROR", f"{warned.reason}\n{warned.detail}")], now),
        [StepReport(unit.asset.to_user_string(), key, EventKind.LOG, warned.reason, warned.detail)],
    )


@dataclass(slots=True)
class _Checks:
    """What checks found: all that did not pass, and of those that passed the first hundred thousand."""

    failed: list[AssetCheckEvaluation] = field(default_factory=list)
    passed: list[AssetCheckEvaluation] = field(default_factory=list)

    def add(self, checks: Iterable[AssetCheckEvaluation]) -> None:
        for found in checks:
            if not found.passed:
                self.failed.append(found)
            elif len(self.passed) < _MOST_PASSED:
                self.passed.append(found)


@dataclass(slots=True)
class Tally:
    """Counts of what became of a run's partitions, and the reports of those that did not go well."""

    materialized: int = 0
    made_elsewhere: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    failed: list[StepReport] = field(default_factory=list)
    skipped: list[StepReport] = field(default_factory=list)
    interrupted: list[StepReport] = field(default_factory=list)
    warnings: list[StepReport] = field(default_factory=list)
    dropped: int = 0
    exception: BaseException | None = None
    checks: _Checks = field(default_factory=_Checks)
    _dropping: set[tuple[AssetKey, OrdinalSet]] = field(default_factory=set)  # calls whose rows outside are counted

    @property
    def finished(self) -> int:
        return self.materialized + len(self.failed) + len(self.skipped)

    def add(self, reports: Sequence[StepReport]) -> None:
        for report in reports:
            if report.kind is EventKind.MATERIALIZED:
                self.materialized += 1
                if report.made_by is None:
                    self.rows += report.rows or 0
                else:
                    self.made_elsewhere[report.made_by] = self.made_elsewhere.get(report.made_by, 0) + 1
            elif report.kind is EventKind.FAILED:
                self.failed.append(report)
            elif report.kind is EventKind.SKIPPED:
                self.skipped.append(report)
            elif report.kind is EventKind.INTERRUPTED:
                self.interrupted.append(report)
            elif report.kind is EventKind.LOG:
                self.warnings.append(report)

    def add_dropped(self, unit: Unit, committed: Committed) -> None:
        """Count the rows that were left out; those of a value that was taken apart are told with each of its parts."""
        for key, rows in committed.dropped.items():
            if key is None:
                if (unit.asset, unit.call) in self._dropping:
                    continue
                self._dropping.add((unit.asset, unit.call))
            self.dropped += rows

    def keep_exception(self, exception: BaseException) -> None:
        """Remember the first one, to raise it where a Python caller wants that."""
        if self.exception is None:
            self.exception = exception

    def state(self, blocked: int) -> RunState:
        """That of a run which came to its end by itself; `blocked` is what its plan could not make."""
        return RunState.FAILED if self.failed or self.skipped or blocked else RunState.SUCCEEDED

    def result(self, run_id: str, state: RunState, blocked: int, duration_s: float) -> RunResult:
        return RunResult(
            run_id=run_id,
            state=state,
            materialized=self.materialized,
            made_elsewhere=dict(self.made_elsewhere),
            rows=self.rows,
            failed=tuple(self.failed),
            skipped=tuple(self.skipped),
            interrupted=tuple(self.interrupted),
            warnings=tuple(self.warnings),
            dropped=self.dropped,
            blocked=blocked,
            duration_s=duration_s,
            exception=self.exception,
            check_evaluations=(*self.checks.failed, *self.checks.passed),
        )
