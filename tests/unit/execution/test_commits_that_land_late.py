"""Commits that are under way when a run is to stop, or of which nobody knows whether they took."""

from __future__ import annotations

import threading
import time

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, system_clock
from gapless.execution import late_commits
from gapless.execution.cancel import CancelToken
from gapless.execution.progress import Silent
from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest
from gapless.storage.duckdb.database.connection import Database
from gapless.storage.errors import DatabaseLockedError, DiskFullError
from gapless.storage.parquet.errors import CommitRaceError
from gapless.storage.slices import Refused, Uncertain


@dg.asset
def plays() -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2, 3]})


class Slow(DuckDBPolarsIOManager):
    """Its commit begins when `begin` is set; by then the run is to stop."""

    def __init__(self, database, cancel, outcome=None):
        super().__init__(database)
        self.cancel, self.begin, self.told = cancel, threading.Event(), outcome

    def commit(self, staged):
        self.cancel.cancel()
        self.begin.wait(20)
        return super().commit(staged) if self.told is None else [self.told] * len(staged)


@pytest.fixture
def run(tmp_path):
    def run(store, cancel=None):
        with Engine(project_of([plays], {"io_manager": store}), open_ledger(tmp_path / "home")) as engine:
            made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
            return engine.run(made, cancel=cancel or CancelToken())

    return run


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def kinds(ledger, run_id):
    return [event.kind for event in ledger.events(run_id=run_id, asset="plays")]


def test_what_is_committed_while_a_run_stops_is_recorded_as_made(tmp_path, run, ledger):
    store = Slow(tmp_path / "db.duckdb", CancelToken())
    threading.Timer(1.0, store.begin.set).start()
    result = run(store, store.cancel)
    assert (result.state, result.materialized, result.interrupted) == (RunState.CANCELED, 1, ())
    assert kinds(ledger, result.run_id) == [EventKind.MATERIALIZED]


def test_a_commit_that_outlasts_its_run_keeps_the_lease_until_it_has_landed_and_is_recorded(
    tmp_path, run, ledger, monkeypatch
):
    monkeypatch.setattr(late_commits, "_COMMIT_GRACE_S", 0.1)
    monkeypatch.setattr("gapless.execution.driver._GRACE_S", 0.1)
    store = Slow(tmp_path / "db.duckdb", CancelToken())
    result = run(store, store.cancel)
    assert (result.state, len(result.interrupted)) == (RunState.CANCELED, 1)
    assert ledger.leases(result.run_id) == [("plays", None)]
    assert ledger.run(result.run_id).state is RunState.RUNNING
    store.begin.set()
    wait_until(lambda: ledger.run(result.run_id).state is not RunState.RUNNING)
    assert ledger.run(result.run_id).state is RunState.CANCELED
    assert ledger.leases(result.run_id) == []
    assert kinds(ledger, result.run_id) == [EventKind.MATERIALIZED]
    assert ledger.statuses("plays")[None].rows == 3


class SlowToTheSecond(DuckDBPolarsIOManager):
    """Its second commit begins when `begin` is set."""

    def __init__(self, database):
        super().__init__(database)
        self.commits, self.begun, self.begin = 0, threading.Event(), threading.Event()

    def commit(self, staged):
        self.commits += 1
        if self.commits == 2:
            self.begun.set()
            self.begin.wait(20)
        return super().commit(staged)


class Torn(Silent):
    """Breaks down as soon as it has been told of a partition and the second commit is under way."""

    def __init__(self, store, error):
        self.store, self.error = store, error

    def finished(self, reports):
        assert self.store.begun.wait(20)
        raise self.error


def test_a_result_tells_a_partition_once_though_its_commit_lands_while_it_is_written(
    tmp_path, run, ledger, monkeypatch
):
    monkeypatch.setattr(late_commits, "_COMMIT_GRACE_S", 0.1)
    monkeypatch.setattr("gapless.execution.driver._GRACE_S", 0.1)
    store = Slow(tmp_path / "db.duckdb", CancelToken())
    end_late = late_commits.LateCommits.once_landed

    def end_soon(late, end):
        end_late(late, end)
        store.begin.set()
        (running,) = ledger.runs()
        wait_until(lambda: ledger.run(running.run_id).state is not RunState.RUNNING)

    monkeypatch.setattr(late_commits.LateCommits, "once_landed", end_soon)
    result = run(store, store.cancel)
    assert (result.state, result.materialized, len(result.interrupted)) == (RunState.CANCELED, 0, 1)
    assert kinds(ledger, result.run_id) == [EventKind.MATERIALIZED]


@pytest.mark.parametrize(
    ("error", "state", "recorded"),
    [
        (OSError("the pipe is torn"), RunState.CRASHED, EventKind.RECONCILED),
        (KeyboardInterrupt(), RunState.CANCELED, EventKind.MATERIALIZED),
    ],
)
def test_a_run_that_breaks_down_while_a_commit_is_under_way_keeps_its_lease_until_that_has_landed(
    tmp_path, ledger, monkeypatch, error, state, recorded
):
    monkeypatch.setattr(late_commits, "_COMMIT_GRACE_S", 0.1)
    store = SlowToTheSecond(tmp_path / "db.duckdb")

    @dg.asset
    def poems() -> pl.DataFrame:
        time.sleep(0.3)  # until the first is committed
        return pl.DataFrame({"n": [1, 2]})

    with Engine(project_of([plays, poems], {"io_manager": store}), open_ledger(tmp_path / "home")) as engine:
        made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        with pytest.raises(type(error)):
            engine.run(made, workers=2, reporter=Torn(store, error))
    (run,) = ledger.runs()
    assert (run.state, ledger.leases(run.run_id)) == (RunState.RUNNING, [("poems", None)])
    store.begin.set()
    wait_until(lambda: ledger.run(run.run_id).state is not RunState.RUNNING)
    assert (ledger.run(run.run_id).state, ledger.leases(run.run_id)) == (state, [])
    assert [event.kind for event in ledger.events(run_id=run.run_id, asset="poems")] == [recorded]
    assert ledger.statuses("poems")[None].rows == 2
    wait_until(lambda: not Database.at(tmp_path / "db.duckdb").is_open)


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (DatabaseLockedError("db", "a program", 1.0), "interrupted"),
        (CommitRaceError("plays", (None,), "folder", 3, 1.0), "interrupted"),
        (DiskFullError("db", "no space"), "failed"),
    ],
)
def test_who_gives_up_waiting_since_the_run_stops_is_interrupted_and_not_failed(tmp_path, run, error, state):
    store = Slow(tmp_path / "db.duckdb", CancelToken(), Refused(error))
    store.begin.set()
    result = run(store, store.cancel)
    assert result.state is RunState.CANCELED
    assert {"interrupted": len(result.interrupted), "failed": len(result.failed)} == {
        "interrupted": 0,
        "failed": 0,
        state: 1,
    }


class Unclear(DuckDBPolarsIOManager):
    """Does not know of its first commit whether it took."""

    def __init__(self, database, *, took, known_later):
        super().__init__(database)
        self.took, self.known_later, self.commits = took, known_later, 0

    def commit(self, staged):
        self.commits += 1
        if self.commits > 1:
            return super().commit(staged)
        if self.took:
            super().commit(staged)
        return [Uncertain(DiskFullError("db", "no space"))] * len(staged)

    def commit_records(self, run_ids):
        if not self.known_later:
            raise DatabaseLockedError("db", "a program", 1.0)
        return super().commit_records(run_ids)


@pytest.mark.parametrize("took", [True, False])
def test_what_is_uncertain_is_looked_up_at_the_end(tmp_path, run, ledger, took):
    result = run(Unclear(tmp_path / "db.duckdb", took=took, known_later=True))
    assert (result.state, result.materialized, len(result.failed)) == (
        (RunState.SUCCEEDED, 1, 0) if took else (RunState.FAILED, 0, 1)
    )
    assert kinds(ledger, result.run_id) == [EventKind.RECONCILED if took else EventKind.FAILED]
    assert (result.exception is None) == took
    assert ledger.statuses("plays")[None].rows == (3 if took else None)


def test_what_stays_uncertain_is_not_said_to_be_as_it_was_and_the_next_plan_looks_again(tmp_path, run, ledger):
    store = Unclear(tmp_path / "db.duckdb", took=True, known_later=False)
    result = run(store)
    assert (result.state, len(result.failed)) == (RunState.FAILED, 1)
    assert "nobody knows" in result.failed[0].reason
    assert ledger.statuses("plays") == {}
    again = run(store)
    assert (again.run_id, store.commits) == (None, 1)  # nothing was left to make
    assert ledger.statuses("plays")[None].status is Status.MATERIALIZED


class Own(dg.IOManager):
    """A user's own; its first write begins to last when `writing` is set, and ends when `end` is."""

    def __init__(self):
        self.stored, self.writing, self.end = [], threading.Event(), threading.Event()

    def handle_output(self, context, obj):
        if not self.writing.is_set():
            self.writing.set()
            self.end.wait(20)
        self.stored.append(obj)

    def load_input(self, context):
        return self.stored[-1]


def made_by(fn, manager, home, cancel=None):
    asset = dg.asset(name="plays")(fn)
    with Engine(project_of([asset], {"io_manager": manager}), open_ledger(home)) as engine:
        made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        return engine.run(made, workers=2, cancel=cancel)


def test_what_a_function_returns_when_its_run_has_ended_is_not_stored_by_a_users_own_manager_either(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("gapless.execution.driver._GRACE_S", 0.1)
    manager, cancel, returning, returned = Own(), CancelToken(), threading.Event(), threading.Event()
    manager.writing.set()  # no write lasts

    class Tracked(str):
        def __del__(self):
            returned.set()  # whatever was to be done with it has been done

    def old():
        cancel.cancel()
        returning.wait(20)
        return Tracked("old")

    result = made_by(old, manager, tmp_path / "home", cancel)
    assert (result.state, len(result.interrupted)) == (RunState.CANCELED, 1)
    assert made_by(lambda: "new", manager, tmp_path / "home").success
    returning.set()
    returned.wait(1)
    assert manager.stored == ["new"]


def test_a_write_of_a_users_own_manager_that_outlasts_its_run_keeps_the_lease_and_is_recorded(
    tmp_path, ledger, monkeypatch
):
    monkeypatch.setattr("gapless.execution.driver._GRACE_S", 0.1)
    monkeypatch.setattr(late_commits, "_COMMIT_GRACE_S", 0.1)
    manager, cancel = Own(), CancelToken()
    threading.Thread(target=lambda: manager.writing.wait(20) and cancel.cancel()).start()
    result = made_by(lambda: "late", manager, tmp_path / "home", cancel)
    assert (result.state, len(result.interrupted)) == (RunState.CANCELED, 1)
    assert ledger.leases(result.run_id) == [("plays", None)]
    manager.end.set()
    wait_until(lambda: ledger.run(result.run_id).state is not RunState.RUNNING)
    assert ledger.leases(result.run_id) == []
    assert kinds(ledger, result.run_id) == [EventKind.MATERIALIZED]
