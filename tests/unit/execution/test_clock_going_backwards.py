"""A clock that goes back a day between two commits: what was committed last counts, not what bears the later time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine
from gapless.execution.table_slices import output_slices
from gapless.ledger.contract import Status
from gapless.ledger.home import open_ledger
from gapless.partitions import OrdinalSet
from gapless.planning.request import PartitionRequest, Scope
from gapless.testing.ledger_processes import a_finished_process, run_of

DAY = timedelta(days=1)
NOW = datetime.now(UTC)


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]), metadata={"partition_expr": "k"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"k": [context.partition_key]})


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Both partitions are made, by a clock that is a day ahead."""
    monkeypatch.chdir(tmp_path)
    store = DuckDBPolarsIOManager("db.duckdb")
    with engine(store, NOW + DAY) as ahead:
        assert run(ahead).materialized == 2
    store.close()
    with duckdb.connect("db.duckdb") as connection:
        connection.execute("update _gapless.commits set committed_at = committed_at + interval 1 day")
    return store


def engine(store, now):
    return Engine(project_of([plays], {"io_manager": store}), open_ledger(), clock=lambda: now)


def run(engine):
    plan = engine.plan([plays.key], PartitionRequest(scope=Scope.ALL), NOW)
    return engine.run(plan, workers=1)


def test_what_is_made_again_is_made_and_is_what_counts(store):
    with engine(store, NOW) as today:
        result = run(today)
        assert (result.materialized, result.made_elsewhere) == (2, {})
        assert {record.run_id for record in today.ledger.statuses("plays").values()} == {result.run_id}
        assert {record.run_id for record in store.committed(plays.key, {}).values()} == {result.run_id}
        today.plan([plays.key], PartitionRequest(), NOW)
        assert today.differences == {}


def test_what_a_killed_run_had_committed_is_what_counts(store):
    with engine(store, NOW) as today:
        today.ledger.start_run(run_of("dead", a_finished_process(), NOW))
        today.ledger.claim("dead", "plays", ["a", "b"], NOW)
        output = output_slices(plays, OrdinalSet.span(0, 1), "dead")
        store.commit([store.stage(output, pl.DataFrame({"k": ["a"] * 5}))])
        (found,) = today.recover()
        assert found.reconciled == (("plays", "a"),)
        assert found.interrupted == (("plays", "b"),)
        record, held = today.ledger.statuses("plays")["a"], store.committed(plays.key, {})["a"]
        assert (record.status, record.run_id, record.rows) == (Status.MATERIALIZED, "dead", 5)
        assert (record.data_version, record.committed_at) == (held.version, held.committed_at)
        assert today.plan([plays.key], PartitionRequest(), NOW).total == 0
        assert today.differences == {}
