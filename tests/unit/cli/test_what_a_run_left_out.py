"""What a run left out or warns of is told in its summary, and stays in the history."""

from __future__ import annotations

import pytest

PROJECT = """
import polars as pl
import gapless as dg

days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-03")
by_date = dict(partitions_def=days, metadata={"partition_expr": "date"})

@dg.asset(**by_date, boundary_policy="drop")
def single(context):
    return pl.DataFrame({"date": [context.partition_key, "2020-01-01"]})

@dg.asset(**by_date, boundary_policy="drop", backfill_policy=dg.BackfillPolicy.single_run())
def batched(context):
    return pl.DataFrame({"date": [*context.partition_keys, "2020-01-01", "2020-01-02", "2020-01-03"]})

@dg.asset(**by_date, backfill_policy=dg.BackfillPolicy.single_run())
def pairs(context):
    for key in [*context.partition_keys, "2020-01-01"]:
        yield key, pl.DataFrame({"date": [key]})

database = dg.DuckDBPolarsIOManager(database="db.duckdb")
defs = dg.Definitions([single, batched, pairs], resources={"io_manager": database})
"""


@pytest.fixture
def project(folder):
    (folder / "definitions.py").write_text(PROJECT)


def test_the_summary_and_the_history_tell_how_many_rows_were_dropped(project, cli):
    told = cli("materialize", "single", "batched")
    assert (told.code, told.err) == (0, "")
    assert "4 materialized; 4 rows, 5 dropped that lay outside, in " in told.out
    assert cli("history", "single").out.count("1 row outside it dropped") == 2
    assert cli("history", "batched").out.count("3 rows outside all of its call dropped") == 2
    history = cli("--json", "history", "batched").json["history"]
    assert [(entry["dropped"], entry["dropped_of_batch"]) for entry in history] == [(3, True)] * 2
    assert cli("--json", "materialize", "single", "--all").json["dropped"] == 2


def test_the_summary_warns_of_a_key_that_the_call_does_not_make(project, cli):
    told = cli("materialize", "pairs")
    assert told.code == 0
    warning = "! pairs: the function yielded '2020-01-01', which this call does not make; nothing of it was stored"
    announced, _, summary = told.out.partition("2 materialized; 2 rows in")
    assert warning in announced
    assert "warnings: 1\n" in summary
    assert warning in summary
    assert "Yield pairs of context.partition_keys alone" in summary
    (listed,) = cli("--json", "materialize", "pairs", "--all").json["warnings"]
    assert (listed["asset"], listed["partition"], listed["reason"]) == ("pairs", None, warning.partition(": ")[2])
