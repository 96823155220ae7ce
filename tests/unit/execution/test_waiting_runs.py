"""What a run makes where dependencies do not wait for everything."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.engine import materialize

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")
LATER = dg.DailyPartitionsDefinition(start_date="2024-01-02", end_date="2024-01-06")
BY_DATE = {"partition_expr": "date"}
ROLLING = dg.RollingWindowPartitionMapping(3, wait_for=dg.WaitPolicy.at_least(2))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    resources = {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}
    return lambda *assets: materialize(
        list(assets), resources=resources, home=tmp_path / ".gapless", raise_on_error=False
    )


@dg.asset(partitions_def=LATER)
def source() -> None: ...


@dg.asset(partitions_def=DAILY, metadata=BY_DATE, deps=[source])
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"n": [1], "date": [context.partition_key]})


@dg.asset(partitions_def=DAILY, metadata=BY_DATE, ins={"plays": dg.AssetIn(partition_mapping=ROLLING)})
def charts(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"n": [plays.height], "date": [context.partition_key]})


def outcomes(reports):
    return [(report.asset, report.partition) for report in reports]


def test_what_is_loaded_is_what_is_there(run, tmp_path):
    # The first day of plays is blocked, since its source does not exist; the plan finds that two days are enough.
    result = run(source, plays, charts)
    assert not result.failed
    assert not result.skipped
    assert result.blocked == 3  # the first day of plays, and the first two of charts
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        stored = connection.execute("select date, n from public.charts order by date").fetchall()
    assert stored == [("2024-01-03", 2), ("2024-01-04", 3), ("2024-01-05", 3)]


def test_what_fails_in_the_same_run_still_takes_its_readers_along(run):
    # Otherwise the repair would make the day, and nobody the charts that lack it.
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE, name="plays")
    def broken(context: dg.AssetExecutionContext) -> pl.DataFrame:
        if context.partition_key == "2024-01-05":
            raise ValueError("no")
        return pl.DataFrame({"n": [1], "date": [context.partition_key]})

    result = run(broken, charts)
    assert outcomes(result.failed) == [("plays", "2024-01-05")]
    assert outcomes(result.skipped) == [("charts", "2024-01-05")]
