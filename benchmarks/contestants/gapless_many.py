"""An asset with 10,000 daily partitions of one row, to have something to ask the status of."""

import os
from datetime import date, timedelta

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

START = date(1990, 1, 1)
END = START + timedelta(days=int(os.environ["BENCH_PARTITIONS"]))


@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition(start_date=START.isoformat(), end_date=END.isoformat()),
    metadata={"partition_expr": "date"},
)
def many(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"date": [context.partition_key], "value": [1]})


defs = dg.Definitions(assets=[many], resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb")})
