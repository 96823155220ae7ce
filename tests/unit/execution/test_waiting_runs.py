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


YESTERDAY = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)


@dg.asset(partitions_def=DAILY, metadata=BY_DATE, ins={"total": dg.AssetIn(partition_mapping=YESTERDAY)})
def total(context: dg.AssetExecutionContext, total: pl.DataFrame) -> pl.DataFrame:
    before = total["n"].sum() if total.height else 0
    return pl.DataFrame({"n": [1 + before], "date": [context.partition_key]})


def test_what_loads_its_own_yesterday_begins_with_nothing(run, tmp_path):
    result = run(total)
    assert not result.failed
    assert not result.skipped
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        assert connection.execute("select n from public.total order by date").fetchall() == [(n,) for n in range(1, 6)]


BY_DATE_AND_SHOP = {"partition_expr": {"date": "date", "shop": "shop"}}
OPEN = dg.MultiPartitionsDefinition(
    {"date": DAILY, "shop": dg.StaticPartitionsDefinition(["eu", "us"])},
    combinations=lambda shop: {"date": "2024-01-04.."},
)


@dg.asset(partitions_def=OPEN, metadata=BY_DATE_AND_SHOP)
def sales(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame([dict(context.multi_partition_key.keys_by_dimension)])


@dg.asset(partitions_def=DAILY, metadata=BY_DATE)
def daily(context: dg.AssetExecutionContext, sales: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"n": [sales.height], "date": [context.partition_key]})


@pytest.mark.parametrize("together", [True, False])
def test_a_partition_that_reads_nothing_is_made_whether_upstream_has_a_table_yet_or_not(run, tmp_path, together):
    results = [run(sales, daily)] if together else [run(sales), run(sales, daily)]
    assert not any(result.failed or result.skipped for result in results)
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        stored = connection.execute("select n from public.daily order by date").fetchall()
    assert [n for (n,) in stored] == [0, 0, 0, 2, 2]


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
