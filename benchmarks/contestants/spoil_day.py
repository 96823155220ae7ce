"""Spoil the rows of one day, so that only a contestant that really replaces them passes the check afterwards."""

import os

import duckdb

with duckdb.connect("db.duckdb") as con:
    con.execute("UPDATE plays SET points = -1 WHERE date = ?", [os.environ["BENCH_DAY"]])
