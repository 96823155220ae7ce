"""Functions that return a query instead of rows."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.engine import materialize
from gapless.storage.sql_query import sql

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-05")
KEYS = [f"2024-01-0{day}" for day in range(1, 5)]
BY_DATE = {"partition_expr": "date"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".gapless"


@pytest.fixture
def resources(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}


@dg.asset(partitions_def=DAYS, metadata=BY_DATE, key_prefix="raw")
def plays(context):
    day = int(context.partition_key[-1])
    return pl.DataFrame({"n": range(day), "date": [context.partition_key] * day})


def run(definitions, resources, home, **arguments):
    return materialize(definitions, resources=resources, home=home, raise_on_error=False, **arguments)


def found(tmp_path, query):
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("name", ["plays", "raw/plays"])
@pytest.mark.parametrize("policy", [None, dg.BackfillPolicy.single_run()])
def test_a_query_reads_the_partitions_that_its_own_partitions_read(home, resources, tmp_path, name, policy):
    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, deps=["raw/plays"], backfill_policy=policy)
    def counted():
        return sql(f"select date, count(*) as plays, $mark as mark from {{{name}}} group by date", mark="m")

    result = run([plays, counted], resources, home)
    assert result.success, result.failed
    assert found(tmp_path, "select * from public.counted order by date") == [
        (key, number, "m") for number, key in enumerate(KEYS, 1)
    ]


def test_a_mapping_of_deps_says_what_a_query_reads(home, resources, tmp_path):
    before = dg.TimeWindowPartitionMapping(start_offset=-1, allow_nonexistent_upstream_partitions=True)

    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, deps=[dg.AssetDep("raw/plays", partition_mapping=before)])
    def summed():
        return sql("select max(date) as date, count(*) as plays from {plays}")

    assert run([plays, summed], resources, home).success
    assert found(tmp_path, "select plays from public.summed order by date") == [(1,), (3,), (5,), (7,)]


def test_a_query_may_name_a_parameter(home, resources, tmp_path):
    @dg.asset(ins={"days": dg.AssetIn(key="raw/plays")})
    def total(days: pl.LazyFrame):
        return dg.Output(sql("select count(*) as plays from {days}"), metadata={"how": "sql"})

    assert run([plays, total], resources, home).success
    assert found(tmp_path, "select plays from public.total") == [(10,)]


def test_a_query_is_checked_like_rows(home, resources, tmp_path):
    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, deps=["raw/plays"])
    def copied():
        return sql("select * from {plays}")

    @dg.asset_check(asset=copied, blocking=True)
    def short(copied: pl.LazyFrame):
        return copied.select(pl.len()).collect().item() < 3

    result = run([plays, copied, short], resources, home)
    assert {report.partition for report in result.failed} == set(KEYS[2:])
    assert found(tmp_path, "select count(*) from public.copied") == [(3,)]


def test_a_name_that_is_no_upstream_asset_is_refused_with_those_that_are(home, resources):
    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, deps=["raw/plays"])
    def copied():
        return sql("select * from {game}")

    result = run([plays, copied], resources, home, partition_key=KEYS[0])
    assert [report.reason for report in result.failed] == [
        "the query reads {game}, which is no upstream asset of 'copied' (those are: 'raw/plays')."
        ' Declare it: @asset(deps=["game"]); for braces that are SQL, double them'
    ]


class Shelf(dg.IOManager):
    def handle_output(self, context, obj): ...

    def load_input(self, context): ...


def test_what_an_own_io_manager_stores_cannot_be_queried(home, resources):
    @dg.asset(io_manager_key="shelf")
    def game():
        return 1

    @dg.asset(deps=["game"])
    def copied():
        return sql("select * from {game}")

    result = run([game, copied], {**resources, "shelf": Shelf()}, home)
    assert "reads {game}, which is stored by Shelf" in result.failed[0].reason
    assert "Take game as a parameter" in result.failed[0].reason


def test_an_own_io_manager_cannot_store_a_query(home):
    @dg.asset
    def copied():
        return sql("select 1 as n")

    result = run([copied], {"io_manager": Shelf()}, home)
    assert "returned gapless.sql(…), which Shelf cannot run" in result.failed[0].reason
