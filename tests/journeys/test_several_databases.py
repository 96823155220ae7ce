"""One project over several database files, and several managers of one file: made in parallel, nothing lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine
from gapless.errors import DefinitionError

DAYS = 28
DAILY = dg.DailyPartitionsDefinition("2024-01-07", end_date="2024-02-04")
WEEKLY = dg.WeeklyPartitionsDefinition("2024-01-07", end_date="2024-02-04")


@dg.asset(partitions_def=DAILY, io_manager_key="raw", metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"n": list(range(10))}).with_columns(date=pl.lit(context.partition_key).str.to_date())


@dg.asset(partitions_def=DAILY, io_manager_key="raw", metadata={"partition_expr": "date"})
def likes(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2]}).with_columns(date=pl.lit(context.partition_key).str.to_date())


@dg.asset(partitions_def=WEEKLY, io_manager_key="mart", metadata={"partition_expr": "week"})
def weekly(context: dg.AssetExecutionContext, plays: pl.DataFrame, likes: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"plays": [plays["n"].sum()], "likes": [likes["n"].sum()]}).with_columns(
        week=pl.lit(context.partition_key).str.to_date()
    )


CHECKS = [
    dg.checks.unique(plays, "n"),
    dg.checks.not_null(likes, ["n", "date"]),
    dg.checks.row_count(weekly, at_least=1, at_most=1),
]


def tables(file) -> dict[str, int]:
    with duckdb.connect(str(file), read_only=True) as database:
        names = database.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema <> '_gapless'"
        ).fetchall()
        return {
            f"{schema}.{name}": database.execute(f'SELECT count(*) FROM "{schema}"."{name}"').fetchone()[0]
            for schema, name in names
        }


def make(resources: Mapping[str, Any], tmp_path, **how):
    return dg.materialize([plays, likes, weekly, *CHECKS], resources=resources, home=tmp_path / "home", **how)


def test_each_asset_lies_in_the_file_of_its_manager_and_is_read_from_there(tmp_path):
    resources = {name: DuckDBPolarsIOManager(tmp_path / f"{name}.duckdb") for name in ("raw", "mart")}
    result = make(resources, tmp_path, workers=4)

    assert result.materialized == 2 * DAYS + DAYS // 7
    assert tables(tmp_path / "raw.duckdb") == {"public.plays": 10 * DAYS, "public.likes": 2 * DAYS}
    assert tables(tmp_path / "mart.duckdb") == {"public.weekly": DAYS // 7}
    with duckdb.connect(str(tmp_path / "mart.duckdb")) as database:
        assert set(database.execute("SELECT plays, likes FROM public.weekly").fetchall()) == {(7 * 45, 7 * 3)}
    assert make(resources, tmp_path).materialized == 0


def test_two_managers_of_one_file_take_turns(tmp_path):
    file = tmp_path / "db.duckdb"
    resources = {
        "raw": DuckDBPolarsIOManager(file, schema="raw"),
        "mart": DuckDBPolarsIOManager(str(file), schema="mart", lock_timeout=30),
    }
    assert make(resources, tmp_path, workers=4).materialized == 2 * DAYS + DAYS // 7
    assert tables(file) == {"raw.plays": 10 * DAYS, "raw.likes": 2 * DAYS, "mart.weekly": DAYS // 7}
    assert make(resources, tmp_path).materialized == 0


def test_two_managers_of_one_file_commit_at_the_same_time(tmp_path):
    @dg.asset(partitions_def=DAILY, io_manager_key="mart", metadata={"partition_expr": "date"})
    def games(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"date": [context.partition_key]})

    file = tmp_path / "db.duckdb"
    resources = {name: DuckDBPolarsIOManager(file, schema=name) for name in ("raw", "mart")}
    result = dg.materialize([plays, likes, games], resources=resources, home=tmp_path / "home", workers=4)
    assert (result.materialized, result.failed) == (3 * DAYS, ())
    assert tables(file) == {"raw.plays": 10 * DAYS, "raw.likes": 2 * DAYS, "mart.games": DAYS}


def test_data_that_is_lost_from_one_of_the_files_is_made_again_and_the_rest_is_left(tmp_path):
    resources = {name: DuckDBPolarsIOManager(tmp_path / f"{name}.duckdb") for name in ("raw", "mart")}
    make(resources, tmp_path)
    (tmp_path / "mart.duckdb").unlink()
    assert make(resources, tmp_path).materialized == DAYS // 7
    assert tables(tmp_path / "mart.duckdb") == {"public.weekly": DAYS // 7}


def test_one_files_partitions_are_wiped_without_the_others(tmp_path):
    resources = {name: DuckDBPolarsIOManager(tmp_path / f"{name}.duckdb") for name in ("raw", "mart")}
    make(resources, tmp_path)
    with Engine(project_of([plays, likes, weekly], resources), dg.open_ledger(tmp_path / "home")) as engine:
        engine.wipe({plays.key: None, weekly.key: None})
    assert tables(tmp_path / "raw.duckdb").get("public.plays", 0) == 0
    assert tables(tmp_path / "raw.duckdb")["public.likes"] == 2 * DAYS
    assert make(resources, tmp_path).materialized == DAYS + DAYS // 7


def test_a_check_that_does_not_pass_in_one_file_leaves_the_other_alone(tmp_path):
    strict = dg.checks.row_count(weekly, at_least=2)
    resources = {name: DuckDBPolarsIOManager(tmp_path / f"{name}.duckdb") for name in ("raw", "mart")}
    result = dg.materialize(
        [plays, likes, weekly, strict], resources=resources, home=tmp_path / "home", raise_on_error=False
    )
    assert (result.materialized, len(result.failed)) == (2 * DAYS, DAYS // 7)
    assert "1 row, expected at least 2" in result.failed[0].reason
    assert tables(tmp_path / "raw.duckdb") == {"public.plays": 10 * DAYS, "public.likes": 2 * DAYS}


def test_one_table_through_two_managers_is_refused_when_loading(tmp_path):
    @dg.asset(key="public/plays", io_manager_key="mart")
    def other() -> pl.DataFrame: ...

    resources = {
        name: DuckDBPolarsIOManager(tmp_path / "db.duckdb", lock_timeout=n) for n, name in enumerate(("raw", "mart"))
    }
    with pytest.raises(DefinitionError, match=r"both lie in the table public\.plays of .*db\.duckdb"):
        dg.materialize([plays, other], resources=resources, home=tmp_path / "home")
