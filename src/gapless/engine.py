"""Open a project; plan, run, recover: where ledger, clock and the user's definitions meet. Thin delegation only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.asset_checks import AssetChecksDefinition
from gapless.definitions.definitions import project_of
from gapless.definitions.init_resource_context import InitResourceContext
from gapless.definitions.project import Project
from gapless.definitions.resources import ready_resources
from gapless.definitions.run_config import configs_of
from gapless.definitions.selection import CoercibleToAssetSelection
from gapless.errors import BlockedError, GaplessError, StorageError
from gapless.execution.cancel import CancelToken, cancel_on_signals
from gapless.execution.comparison import COMPARE, Difference, compare_with_data, put_right
from gapless.execution.driver import Driver
from gapless.execution.expired import expired_partitions
from gapless.execution.needed_resources import needed_resources
from gapless.execution.progress import Reporter, Silent
from gapless.execution.recorded_run import begin_run, new_run_id, recorded_run
from gapless.execution.recovery import recover, recover_run, slice_stores
from gapless.execution.restore import restore_partition
from gapless.execution.result import RunResult
from gapless.execution.wipe import Wiped, wipe_asset
from gapless.ledger.contract import Ledger, RunRecord, RunState, StatusRecord
from gapless.ledger.home import open_ledger
from gapless.ledger.recovery import Reconciliation
from gapless.partitions import OrdinalSet
from gapless.partitions.key_text import read_keys
from gapless.planning.plan import Plan
from gapless.planning.planner import make_plan
from gapless.planning.request import PartitionRequest, Scope
from gapless.planning.snapshot import AssetStatus
from gapless.storage.slices import CommitRecord, Committed, SliceStore

__all__ = ["Engine", "materialize", "system_clock"]

# Dagster's run tags that together choose a range, both ends inclusive.
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


def system_clock() -> datetime:
    """The present instant. The one place where a run reads the clock."""
    return datetime.now(UTC)


class Engine:
    """A project with its ledger, at one moment. A context manager that closes.

    The keys of dynamic partitions are those of the moment when the engine is made, and so is every ordinal that goes
    in or comes out: a run makes what its plan says, whatever is added or removed meanwhile. See `refreshed`.

    Args:
        project: What the user declared.
        ledger: What happened; by default that of the working directory.
        clock: The present instant, timezone-aware; what happens is recorded with it.

    Attributes:
        differences: Where the last plan found that ledger and data disagree; it believes the data, and `run` puts the
            ledger right.
    """

    def __init__(
        self, project: Project, ledger: Ledger | None = None, clock: Callable[[], datetime] = system_clock
    ) -> None:
        self.differences: dict[AssetKey, Difference] = {}
        self._clock = clock
        self.ledger: Ledger = ledger or open_ledger()
        self.project = project.resolved(self.ledger)

    def refreshed(self) -> Engine:
        """An engine of the same project and ledger, with the dynamic partitions as they are now."""
        return Engine(self.project, self.ledger, self._clock) if self.project.graph.dynamic_names else self

    # --- plan

    def select(self, selection: CoercibleToAssetSelection | None) -> tuple[AssetKey, ...]:
        """The assets that a selection names, upstream first.

        Raises:
            UnknownAssetError: It names an asset, or a job, that does not exist.
        """
        return self.project.select(selection)

    def records(self, key: AssetKey) -> dict[str | None, StatusRecord]:
        """What is recorded about an asset, put right where the data is known to say otherwise; see `compare`."""
        records = self.ledger.statuses(key.to_user_string())
        return self.differences[key].corrected(records) if key in self.differences else records

    def statuses(self, keys: Iterable[AssetKey]) -> dict[AssetKey, AssetStatus]:
        """`records` of these assets, as sets of partitions."""
        graph = self.project.graph
        return {key: AssetStatus.of(graph[key].partitions_def, self.records(key)) for key in keys}

    def plan(
        self,
        selected: Collection[AssetKey],
        request: PartitionRequest,
        now: datetime,
        due: Mapping[AssetKey, OrdinalSet] | None = None,
    ) -> Plan:
        """What must run, and why; changes nothing. `due` is what a schedule's tick asks for instead of the request.

        Raises:
            UnknownPartitionError: A named partition does not exist.
            PartitionRangeError: A range is malformed or runs backwards.
            PartitionSelectionError: A selection of partitions cannot be read, or names what is not there.
        """
        graph = self.project.graph
        read = {dependency.upstream for key in selected for dependency in graph.parents(key)}
        keys = read | set(selected)
        self.compare(graph.ordered(keys))
        read_at = self._clock()  # before the states are read, so that nothing made meanwhile is made twice
        return make_plan(graph, selected, request, self.statuses(keys), now, due, read_at)

    # --- run

    def run(
        self,
        plan: Plan,
        *,
        workers: int | None = None,
        reporter: Reporter | None = None,
        cancel: CancelToken | None = None,
        trigger: str = "manual",
        job: str | None = None,
        config: Any = None,
        tags: Mapping[str, str] | None = None,
        run_id: str | None = None,
    ) -> RunResult:
        """Make what `plan` says. Ctrl-C and SIGTERM stop it within a second or two; what is finished stays.

        Args:
            workers: Threads that call the functions; 1 for the calling thread itself; None for one per processor.
            config: ``{"ops": {"plays": {"config": {…}}}}``; by default that of `job`.
            run_id: A name reserved beforehand; by default a new one.

        Raises:
            DefinitionError: The config does not fit, or a resource cannot be set up; nothing has been started.
        """
        self._put_right()
        if not plan.total:
            state = RunState.SUCCEEDED if not plan.total_blocked else RunState.FAILED
            return RunResult(None, state, blocked=plan.total_blocked)
        if config is None and job is not None:
            config = self.project.job(job).config
        configs = configs_of(config, self.project.graph, [step.asset for step in plan.steps])
        cancel, reporter = cancel or CancelToken(), reporter or Silent()
        run_id = run_id or new_run_id(self._clock())
        with (
            self._ready(needed_resources(plan, self.project.graph, self.project.resources), run_id) as resources,
            cancel_on_signals(cancel),
        ):
            record = begin_run(
                self.ledger, run_id, trigger, plan.total, self._clock(), plan=plan.to_json(), job=job, tags=tags
            )
            driver: Driver | None = None
            try:
                reporter.started(run_id, plan)
                driver = Driver(
                    plan,
                    self.project.graph,
                    resources,
                    self.ledger,
                    run_id,
                    workers=workers or _processors(),
                    clock=self._clock,
                    recover=self.recover,
                    cancel=cancel,
                    reporter=reporter,
                    configs=configs,
                    tags=tags,
                )
                return driver.run()
            except KeyboardInterrupt:
                # A second Ctrl-C, from a person whose patience has ended; in a notebook the process lives on.
                why = "stopped at once"
                if driver is None:
                    self.ledger.end_run(run_id, RunState.CANCELED, self._clock(), why)
                else:
                    driver.end_once_landed(RunState.CANCELED, why)
                raise
            except Exception as error:
                # This process may live on and serve for months: what the run held must not stay held until it dies.
                end = partial(self._end_broken, record, f"{type(error).__name__}: {error}")
                if driver is None:
                    end()
                else:
                    driver.once_landed(end)
                raise
            finally:
                reporter.ended()
                self._release()

    def _end_broken(self, record: RunRecord, why: str) -> None:
        with contextlib.suppress(GaplessError):
            recover_run(self.project, self.ledger, record, self._clock(), why)
        with contextlib.suppress(GaplessError):  # in case the data could not be asked
            self.ledger.end_run(record.run_id, RunState.FAILED, self._clock(), why)
        self._release()  # by then, `run` has long let go of what was asked here

    def compare(self, keys: Iterable[AssetKey]) -> None:
        """Learn where ledger and data disagree about these assets; `statuses` and `differences` tell it."""
        self.differences = {}
        # A database that cannot be read now is met again by what follows, which says so; until then the ledger counts.
        with contextlib.suppress(StorageError):
            self.differences = compare_with_data(self.project, self.ledger, keys)
        self._release()

    def _put_right(self) -> None:
        """Write down what was learned from the data, in a run of its own, before anything builds on it."""
        if not self.differences:
            return
        differences = self.differences.values()
        total = sum(one.total for one in differences)
        try:
            with (
                contextlib.suppress(StorageError),  # as in `compare`
                recorded_run(self.ledger, COMPARE, total, self._clock) as run_id,
            ):
                put_right(self.project, self.ledger, differences, run_id, self._clock())
        finally:
            self._release()
        self.differences = {}

    # --- recover

    def recover(self) -> list[Reconciliation]:
        """Reconcile runs whose process died with the commit records in the data. Cheap when there are none."""
        return recover(self.project, self.ledger, self._clock())

    # --- bring back, forget

    def restore(self, key: AssetKey, partition: int | None, version: CommitRecord) -> Committed:
        """Make the rows of `version`, one of its store's `commits`, those of a partition again.

        Args:
            partition: Its ordinal; None if the asset is unpartitioned.

        Raises:
            InvocationError: Another run is making it, or the asset's store keeps no versions.
            StorageError: The rows of that version are not there any more, or cannot be committed.
        """
        asset = self.project.graph[key]
        self.compare([key])
        self._put_right()
        try:
            with (
                recorded_run(self.ledger, "restore", 1, self._clock) as run_id,
                self._ready({asset.io_manager_key}, run_id) as ready,
            ):
                return restore_partition(asset, partition, version, ready, self.ledger, run_id, self._clock())
        finally:
            self._release()

    def wipe(self, targets: Mapping[AssetKey, OrdinalSet | None], trigger: str = "wipe") -> list[Wiped]:
        """Delete partitions, rows and status together; all of an asset with None.

        Raises:
            InvocationError: Another run is making some of them.
            StorageError: Rows could not be deleted; what is recorded about them is forgotten already.
        """
        keys = {a.io_manager_key for a in map(self.project.graph.__getitem__, targets) if a.stores_output}
        total = sum(len(partitions) for partitions in targets.values() if partitions)
        try:
            with (
                recorded_run(self.ledger, trigger, total, self._clock) as run_id,
                self._ready(keys, run_id) as ready,
            ):
                return [
                    wipe_asset(self.project.graph[key], partitions, ready, self.ledger, run_id, self._clock())
                    for key, partitions in targets.items()
                ]
        finally:
            self.differences = {}
            self._release()

    def expired(self, keys: Iterable[AssetKey]) -> dict[AssetKey, OrdinalSet]:
        """The partitions of these assets that are older than they keep and still on record, to be wiped."""
        now, graph = self._clock(), self.project.graph
        statuses = self.statuses(key for key in keys if graph[key].keep is not None)
        try:
            found = {
                key: expired_partitions(graph[key], status, self.project.resources, now)
                for key, status in statuses.items()
            }
        finally:
            self._release()
        return {key: partitions for key, partitions in found.items() if partitions}

    # ---

    def stores(self) -> list[SliceStore]:
        """The project's IO managers that keep commit records, each once."""
        return slice_stores(self.project)

    def _release(self) -> None:
        """Let other processes at the stores. A run that commits nothing has no writer that would."""
        for store in self.stores():
            with contextlib.suppress(GaplessError):  # a store whose setting names no file holds none
                store.close()

    def _ready(self, keys: Collection[str], run_id: str) -> AbstractContextManager[Mapping[str, Any]]:
        return ready_resources(self.project.resources, keys, InitResourceContext(run_id=run_id))

    def close(self) -> None:
        self.ledger.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()


def _processors() -> int:
    """Processors that this process may use; at least two, so that reading overlaps with committing."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    count = len(affinity(0)) if affinity else os.cpu_count() or 2
    return max(2, count)


def materialize(
    assets: Sequence[AssetsDefinition | AssetChecksDefinition],
    *,
    partition_key: str | None = None,
    partition_keys: Sequence[str] = (),
    partition_range: str | None = None,
    last: int | None = None,
    partitions: str | None = None,
    scope: Scope | None = None,
    selection: CoercibleToAssetSelection | None = None,
    resources: Mapping[str, Any] | None = None,
    run_config: Any = None,
    tags: Mapping[str, str] | None = None,
    raise_on_error: bool = True,
    workers: int | None = None,
    home: Path | None = None,
    now: datetime | None = None,
) -> RunResult:
    """Make partitions of `assets` from Python; by default all that are missing.

    Args:
        assets: With the checks of them.
        partition_key: The one partition to make.
        partition_keys: Several of them.
        partition_range: ``START..END``, both inclusive.
        last: The newest so many partitions.
        partitions: A selection such as ``2024-01.. & not failed``.
        scope: Of those in view, which to make; see `Scope`.
        selection: Only these of the `assets`.
        resources: By name; IO managers among them.
        run_config: ``{"ops": {"plays": {"config": {…}}}}``.
        tags: Kept with the run. Dagster's two range tags choose a range.
        raise_on_error: Raise the first exception of a user's function again, when everything else is done; and
            `BlockedError` if something could not be made because what it reads is not there.
        workers: As for `Engine.run`.
        home: Where the ledger lies; by default ``GAPLESS_HOME`` or ``.gapless`` below the working directory.
        now: Partitions that end later do not exist; by default the present instant.

    Raises:
        DefinitionError: The assets do not hold together.
        UsageError: The partitions do not exist.
    """
    keys = (*read_keys(partition_keys), *((partition_key,) if partition_key is not None else ()))
    with Engine(project_of(assets, resources or {}), open_ledger(home)) as engine:
        engine.recover()
        ranges = [partition_range] if partition_range else []
        if tags and _RANGE_START in tags and _RANGE_END in tags:
            ranges.append(f"{tags[_RANGE_START]}..{tags[_RANGE_END]}")
        request = PartitionRequest(keys, tuple(ranges), last, scope, partitions)
        plan = engine.plan(engine.select(selection), request, now or system_clock())
        result = engine.run(plan, workers=workers, config=run_config, tags=tags)
    if raise_on_error and result.exception is not None:
        raise result.exception
    if raise_on_error and plan.total_blocked:
        raise BlockedError(
            tuple(
                (step.asset.to_user_string(), step.key_at(ordinal), why)
                for step in plan.steps
                for ordinal, why in step.blocked.items()
            )
        )
    return result
