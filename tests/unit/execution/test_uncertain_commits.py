"""Commits of which the store cannot say whether they took: what their run records, and what it makes of the rest."""

from __future__ import annotations

import threading

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, system_clock
from gapless.execution.cancel import CancelToken
from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest
from gapless.storage.errors import DatabaseLockedError, DiskFullError
from gapless.storage.slices import Uncertain


class Unclear(DuckDBPolarsIOManager):
    """Commits, and never says so."""

    def commit(self, staged):
        super().commit(staged)
        return [Uncertain(DiskFullError("db", "no space"))] * len(staged)


@pytest.fixture
def run(tmp_path):
    def run(*assets, store=None, **arguments):
        resources = {"io_manager": store or Unclear(tmp_path / "db.duckdb")}
        with Engine(project_of(list(assets), resources), open_ledger(tmp_path / "home")) as engine:
            made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
            return engine.run(made, **arguments)

    return run


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


@dg.asset
def plays() -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2, 3]})


def test_what_reads_it_is_skipped_since_it_is_not_known_to_be_made(run):
    @dg.asset
    def songs(plays: pl.DataFrame) -> pl.DataFrame:
        return plays

    result = run(plays, songs)
    assert (result.state, result.materialized) == (RunState.FAILED, 1)
    assert [report.reason for report in result.skipped] == ["plays is not known to be made"]


@pytest.mark.parametrize("landed_before", [True, False])
def test_what_was_yielded_again_has_failed_and_is_not_found_to_be_made_at_the_end(tmp_path, run, ledger, landed_before):
    landed = threading.Event()

    class Telling(Unclear):
        def yield_turn(self):
            landed.set()

    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(["a", "b"]),
        metadata={"partition_expr": "key"},
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def poems(context: dg.AssetExecutionContext):
        context.log.info("a line")
        yield "a", dg.Output(pl.DataFrame({"key": ["a"]}))
        if landed_before:
            landed.clear()
            landed.wait(5)
            landed.clear()
            landed.wait(5)
        yield "a", pl.DataFrame({"key": ["a"]})
        yield "b", pl.DataFrame({"key": ["b"]})

    result = run(poems, store=Telling(tmp_path / "db.duckdb"), workers=2)
    assert (result.state, result.materialized) == (RunState.FAILED, 1)
    assert [report.partition for report in result.failed] == ["a"]
    assert {key: record.status for key, record in ledger.statuses("poems").items()} == {
        "a": Status.FAILED,
        "b": Status.MATERIALIZED,
    }
    assert [event.reason for event in ledger.events(asset="poems", kinds=(EventKind.LOG,))] == ["a line"]


def test_what_the_user_recorded_is_kept_when_it_is_found_committed(run, ledger):
    @dg.asset(code_version="v1")
    def poems(context: dg.AssetExecutionContext) -> pl.DataFrame:
        context.add_output_metadata({"source": "a book"})
        return pl.DataFrame({"n": [1, 2]})

    result = run(poems)
    assert result.success
    (event,) = ledger.events(run_id=result.run_id, kinds=(EventKind.RECONCILED,))
    assert (event.payload["metadata"], event.payload["rows"]) == ({"source": "a book"}, 2)
    assert event.payload["code_version"] == "v1"
    assert "duration_s" in event.payload


def test_a_run_that_stops_does_not_wait_for_the_data_to_be_asked(tmp_path, run, ledger):
    cancel = CancelToken()

    class Locked(Unclear):
        asked = False

        def commit(self, staged):
            cancel.cancel()
            return super().commit(staged)

        def commit_records(self, run_ids):
            self.asked = True  # it would wait for another program's lock
            return super().commit_records(run_ids)

    store = Locked(tmp_path / "db.duckdb")
    result = run(plays, store=store, cancel=cancel)
    assert (result.state, len(result.interrupted), result.failed) == (RunState.CANCELED, 1, ())
    assert "the next plan looks" in result.interrupted[0].reason
    assert not store.asked
    (event,) = ledger.events(run_id=result.run_id, asset="plays")
    assert (event.kind, event.reason) == (EventKind.INTERRUPTED, result.interrupted[0].reason)
    assert run(plays, store=store).run_id is None  # it is found to be there
    assert ledger.statuses("plays")[None].rows == 3


def test_a_run_that_is_to_stop_while_the_data_is_asked_ends_the_wait(tmp_path, run):
    cancel = CancelToken()

    class Locked(Unclear):
        waited_out = threading.Event()

        def commit_records(self, run_ids):
            cancel.cancel()
            assert self.waited_out.wait(10), "it waits on"
            raise DatabaseLockedError("db", "a program", 60.0)

        def stop_waiting(self):
            self.waited_out.set()

    result = run(plays, store=Locked(tmp_path / "db.duckdb"), cancel=cancel)
    assert (result.state, len(result.failed)) == (RunState.CANCELED, 1)
    assert "nobody knows" in result.failed[0].reason
