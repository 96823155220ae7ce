"""An older version of a partition becomes the present one again."""

from __future__ import annotations

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, system_clock
from gapless.errors import InvocationError
from gapless.ledger.contract import EventKind, RunState
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-05")
KEY = "2024-01-02"


def plays_of(mark, version):
    @dg.asset(partitions_def=DAYS, metadata={"partition_expr": "date"}, code_version=version)
    def plays(context):
        return pl.DataFrame({"n": [mark], "date": [context.partition_key]})

    return plays


def engine_of(asset, store, folder):
    return Engine(project_of([asset], {"io_manager": store}), open_ledger(folder / "home"))


def make(engine):
    return engine.run(engine.plan(engine.select(None), PartitionRequest((KEY,)), system_clock()))


def test_a_restored_partition_is_recorded_as_what_it_was(tmp_path):
    store = dg.PolarsParquetIOManager(str(tmp_path / "files"))
    for mark, version in ((1, "a"), (2, "b")):
        with engine_of(plays_of(mark, version), store, tmp_path) as engine:
            assert make(engine).success
    with engine_of(plays_of(2, "b"), store, tmp_path) as engine:
        asset = engine.project.graph["plays"]
        present, older = store.commits(asset.key, asset.metadata, KEY)
        assert engine.statuses([asset.key])
        committed = engine.restore(asset.key, DAYS.ordinal_of(KEY), older)
        assert committed.rows == {KEY: 1}
        status = engine.ledger.statuses("plays")[KEY]
        assert (status.code_version, status.data_version) == ("a", older.version)
        run = engine.ledger.runs()[0]
        assert (run.trigger, run.state) == ("restore", RunState.SUCCEEDED)
        (event,) = engine.ledger.events(run_id=run.run_id, kinds=[EventKind.MATERIALIZED])
        assert event.payload["restored_from"]["version"] == older.version
        assert present.version != older.version
        assert engine.ledger.leases(run.run_id) == []


def test_a_store_that_keeps_no_versions_says_what_to_do_instead(tmp_path):
    store = DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))
    with engine_of(plays_of(1, "a"), store, tmp_path) as engine:
        assert make(engine).success
        asset = engine.project.graph["plays"]
        (record,) = store.commits(asset.key, asset.metadata, KEY)
        with pytest.raises(InvocationError, match="keeps no older versions") as refused:
            engine.restore(asset.key, DAYS.ordinal_of(KEY), record)
        assert f"gapless materialize plays --partition {KEY}" in str(refused.value)
        assert engine.ledger.runs()[0].state is RunState.FAILED
