"""What one writes by hand: read a day, replace it in a transaction of its own, next day. Nothing is tracked."""

import os
from datetime import date, timedelta

import duckdb
import polars as pl

START = date.fromisoformat(os.environ["BENCH_START"])
DAYS = int(os.environ["BENCH_DAYS"])

con = duckdb.connect("db.duckdb")
for offset in range(DAYS):
    day = START + timedelta(days=offset)
    df = pl.read_csv(f"{day:%Y/%m/%d}/plays.csv").with_columns(date=pl.lit(f"{day:%Y-%m-%d}"))
    con.execute("BEGIN")
    con.execute("CREATE TABLE IF NOT EXISTS plays AS SELECT * FROM df LIMIT 0")
    con.execute("DELETE FROM plays WHERE date = ?", [f"{day:%Y-%m-%d}"])
    con.execute("INSERT INTO plays BY NAME SELECT * FROM df")
    con.execute("COMMIT")
con.close()
