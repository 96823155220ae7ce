"""Runs whose machinery breaks down: they end, say why, and hold nothing any more."""

from __future__ import annotations

import threading

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.errors import StorageError
from gapless.execution.cancel import CancelToken
from gapless.execution.progress import Silent
from gapless.execution.writer import Writer
from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest
from gapless.storage.slices import Refused

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-05")


@dg.asset(partitions_def=DAILY, metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"date": [context.partition_key]})


class Watching(Silent):
    """Breaks down when it is told of the first partition that is made."""

    def __init__(self) -> None:
        self.told_of_the_end = 0

    def finished(self, reports) -> None:
        raise OSError("the pipe is torn")

    def ended(self) -> None:
        self.told_of_the_end += 1


def test_a_run_that_breaks_down_records_why_and_what_it_committed_and_holds_nothing(tmp_path):
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    watching = Watching()
    with Engine(project_of([plays], {"io_manager": store}), open_ledger(tmp_path / "home")) as engine:
        made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        with pytest.raises(OSError, match="the pipe is torn"):
            engine.run(made, reporter=watching)
        (run,) = engine.ledger.runs()
        assert (run.state, run.error) == (RunState.CRASHED, "OSError: the pipe is torn")
        assert engine.ledger.leases(run.run_id) == []
        interrupted = engine.ledger.events(run_id=run.run_id, kinds=(EventKind.INTERRUPTED,))
        assert {event.reason for event in interrupted} <= {"its run broke down"}
        committed = {record.partition for record in store.commit_records([run.run_id])}
        known = engine.ledger.statuses("plays")
        assert {key for key, record in known.items() if record.status is Status.MATERIALIZED} == committed != set()
    assert watching.told_of_the_end == 1


class Moody(DuckDBPolarsIOManager):
    """A store with bugs of its own."""

    def commit(self, staged):
        return super().commit(staged)[1:]

    def yield_turn(self):
        raise RuntimeError("nobody may come in")


def test_a_store_that_breaks_its_contract_fails_its_partitions_and_does_not_hang_the_run(tmp_path):
    resources = {"io_manager": Moody(tmp_path / "db.duckdb")}
    result = materialize([plays], resources=resources, home=tmp_path / "home", raise_on_error=False)
    assert result.state is RunState.FAILED
    assert len(result.failed) == 4
    assert {report.reason.partition(":")[0] for report in result.failed} == {"the store failed"}


class Panic(BaseException):
    """As polars raises it: no Exception."""


class Panicking(DuckDBPolarsIOManager):
    """A store beneath which something panics."""

    def commit(self, staged):
        raise Panic("index out of bounds")


class Splitting(DuckDBPolarsIOManager):
    """A store that refuses a value, and takes it apart into too few parts."""

    def commit(self, staged):
        return [Refused(StorageError("not like this"))] * len(staged)

    def split(self, staged):
        return super().split(staged)[1:]


@dg.asset(partitions_def=DAILY, metadata={"partition_expr": "date"}, backfill_policy=dg.BackfillPolicy.single_run())
def at_once(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"date": context.partition_keys})


@pytest.mark.parametrize(
    ("asset", "kind", "reason"),
    [
        (plays, Panicking, "the store failed: Panic: index out of bounds"),
        (at_once, Panicking, "the store failed: Panic: index out of bounds"),
        (at_once, Splitting, "not like this"),
    ],
)
def test_whatever_a_store_raises_its_partitions_fail_and_the_run_ends(tmp_path, asset, kind, reason):
    store, cancel = kind(tmp_path / "db.duckdb"), CancelToken()
    hanging = threading.Timer(10, cancel.cancel)
    hanging.start()
    with Engine(project_of([asset], {"io_manager": store}), open_ledger(tmp_path / "home")) as engine:
        made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        result = engine.run(made, cancel=cancel)
    hanging.cancel()
    assert result.state is RunState.FAILED
    assert len(result.failed) == 4
    assert all(reason in report.reason for report in result.failed), result.failed


class Sized:
    """A staged value whose size is `sizes`, one each time that it is asked; the last of them is raised."""

    def __init__(self, staged, sizes):
        self._staged, self._sizes = staged, sizes

    def __getattr__(self, name):
        return getattr(self._staged, name)

    @property
    def nbytes(self):
        size = self._sizes.pop(0)
        if isinstance(size, Exception):
            raise size
        return size


class Measuring(DuckDBPolarsIOManager):
    def __init__(self, database, *sizes):
        super().__init__(database)
        self.sizes = sizes

    def stage(self, output, value):
        return Sized(super().stage(output, value), list(self.sizes))

    def commit(self, staged):
        return super().commit([each._staged for each in staged])


@pytest.mark.parametrize(
    ("sizes", "materialized"),
    [
        ((ValueError("nobody knows its size"),), 0),
        ((1000, ValueError("asked again")), 4),  # what it takes can change on the way; the count must not
    ],
)
def test_a_staged_value_is_asked_once_for_its_size_and_fails_its_partition_if_it_cannot_tell(
    tmp_path, monkeypatch, sizes, materialized
):
    store, cancel, writers = Measuring(tmp_path / "db.duckdb", *sizes), CancelToken(), []
    stop = Writer.stop
    monkeypatch.setattr(Writer, "stop", lambda writer, seconds: writers.append(writer) or stop(writer, seconds))
    hanging = threading.Timer(10, cancel.cancel)
    hanging.start()
    with Engine(project_of([plays], {"io_manager": store}), open_ledger(tmp_path / "home")) as engine:
        made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        result = engine.run(made, cancel=cancel)
    hanging.cancel()
    assert (result.materialized, len(result.failed)) == (materialized, 4 - materialized)
    assert {report.reason for report in result.failed} <= {"ValueError: nobody knows its size"}
    assert {writer.staged_bytes for writer in writers} <= {0}
