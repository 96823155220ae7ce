"""Dagster's own fast path: one run over the whole range, for which the asset must be written to read a range.

There is no outcome for a single day: if one file is broken, no day is written.
"""

import os
from datetime import date, timedelta

import dagster as dg
import polars as pl
from dagster_duckdb_polars import DuckDBPolarsIOManager

START = os.environ["BENCH_START"]
END = date.fromisoformat(START) + timedelta(days=int(os.environ["BENCH_DAYS"]))


@dg.asset(
    io_manager_key="io_manager",
    partitions_def=dg.DailyPartitionsDefinition(start_date=START, end_date=END.isoformat()),
    metadata={"partition_expr": "date"},
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.concat(
        pl.read_csv(f"{key.replace('-', '/')}/plays.csv").with_columns(date=pl.lit(key))
        for key in context.partition_keys
    )


if __name__ == "__main__":
    dg.materialize(
        [plays],
        instance=dg.DagsterInstance.get(),
        resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb", schema="main")},
        tags={
            "dagster/asset_partition_range_start": START,
            "dagster/asset_partition_range_end": (END - timedelta(days=1)).isoformat(),
        },
    )
