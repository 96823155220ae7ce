"""The bare script for one day: import polars and duckdb, read the file, replace the day."""

import os

import duckdb
import polars as pl

DAY = os.environ["BENCH_DAY"]

df = pl.read_csv(f"{DAY.replace('-', '/')}/plays.csv").with_columns(date=pl.lit(DAY))
con = duckdb.connect("db.duckdb")
con.execute("BEGIN")
con.execute("DELETE FROM plays WHERE date = ?", [DAY])
con.execute("INSERT INTO plays BY NAME SELECT * FROM df")
con.execute("COMMIT")
con.close()
