"""The chapter's asset, for Dagster; run as a program, it materializes each day by a call of its own in one process.

It prints the seconds that the days took as JSON. Its start-up (imports, the instance) is not counted against it.
"""

import json
import os
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
from dagster_duckdb_polars import DuckDBPolarsIOManager

START = os.environ["BENCH_START"]
DAYS = int(os.environ["BENCH_DAYS"])
END = date.fromisoformat(START) + timedelta(days=DAYS)


@dg.asset(
    io_manager_key="io_manager",
    partitions_def=dg.DailyPartitionsDefinition(start_date=START, end_date=END.isoformat()),
    metadata={"partition_expr": "date"},
)
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    day = context.partition_time_window.start
    folder = Path(day.strftime("%Y")) / day.strftime("%m") / day.strftime("%d")
    return pl.read_csv(folder / "plays.csv").with_columns(date=pl.lit(day.strftime("%Y-%m-%d")))


resources = {"io_manager": DuckDBPolarsIOManager(database="db.duckdb", schema="main")}
defs = dg.Definitions(assets=[plays], resources=resources)

if __name__ == "__main__":
    instance = dg.DagsterInstance.get()  # persistent: SQLite below DAGSTER_HOME
    started = time.perf_counter()
    for offset in range(DAYS):
        key = (date.fromisoformat(START) + timedelta(days=offset)).isoformat()
        dg.materialize([plays], partition_key=key, instance=instance, resources=resources)
    print(json.dumps({"seconds": time.perf_counter() - started}))
