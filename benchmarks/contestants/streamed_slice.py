"""One slice that does not fit in a small memory: made batch by batch, or as a lazy frame; then counted."""

import os
import tempfile
from pathlib import Path

import polars as pl

import gapless as dg

ROWS = int(os.environ["BENCH_STREAM_ROWS"])
BATCH = 1_000_000


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["all"]), metadata={"partition_expr": "part"})
def plays():
    for start in range(0, ROWS, BATCH):
        n = pl.int_range(start, min(start + BATCH, ROWS), eager=True)
        yield pl.DataFrame({"n": n, "a": n * 3, "b": n % 97, "c": n / 7, "d": n * 0.5}).with_columns(part=pl.lit("all"))


folder = Path(tempfile.mkdtemp(prefix="streamed-"))
store = dg.DuckDBPolarsIOManager(folder / "db.duckdb")
result = dg.materialize([plays], partition_key="all", resources={"io_manager": store}, home=folder / "home", workers=1)
assert result.rows == ROWS, result
