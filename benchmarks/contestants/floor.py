"""About the least that this machine can do: two threads read, 64 days go into one transaction. Nothing is tracked."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import duckdb
import polars as pl

START = date.fromisoformat(os.environ["BENCH_START"])
DAYS = int(os.environ["BENCH_DAYS"])
DAYS_IN_A_COMMIT = 64


def read(day: date) -> pl.DataFrame:
    return pl.read_csv(f"{day:%Y/%m/%d}/plays.csv").with_columns(date=pl.lit(f"{day:%Y-%m-%d}"))


days = [START + timedelta(days=offset) for offset in range(DAYS)]
con = duckdb.connect("db.duckdb")
with ThreadPoolExecutor(2) as readers:
    frames = readers.map(read, days)
    for first in range(0, DAYS, DAYS_IN_A_COMMIT):
        group = days[first : first + DAYS_IN_A_COMMIT]
        batch = pl.concat([next(frames) for _ in group])
        con.execute("BEGIN")
        con.execute("CREATE TABLE IF NOT EXISTS plays AS SELECT * FROM batch LIMIT 0")
        con.execute("DELETE FROM plays WHERE date BETWEEN ? AND ?", [f"{group[0]:%Y-%m-%d}", f"{group[-1]:%Y-%m-%d}"])
        con.execute("INSERT INTO plays BY NAME SELECT * FROM batch")
        con.execute("COMMIT")
con.close()
