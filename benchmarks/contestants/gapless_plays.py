"""The chapter's asset, for Gapless."""

import os
from datetime import date, timedelta
from pathlib import Path

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

START = os.environ["BENCH_START"]
END = date.fromisoformat(START) + timedelta(days=int(os.environ["BENCH_DAYS"]))


@dg.asset(
    io_manager_key="io_manager",
    partitions_def=dg.DailyPartitionsDefinition(start_date=START, end_date=END.isoformat()),
    metadata={"partition_expr": "date"},
)
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    day = context.partition_time_window.start
    folder = Path(day.strftime("%Y")) / day.strftime("%m") / day.strftime("%d")
    return pl.read_csv(folder / "plays.csv").with_columns(date=pl.lit(day.strftime("%Y-%m-%d")))


defs = dg.Definitions(
    assets=[plays], resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb", schema="main")}
)
