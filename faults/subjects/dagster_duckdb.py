"""The incumbent's IO manager for polars frames in DuckDB, called as its runs call it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from dagster import AssetKey, DailyPartitionsDefinition, build_output_context
from dagster_duckdb_polars import DuckDBPolarsIOManager

STEPS_IN = ("/dagster_duckdb/", "/dagster_duckdb_polars/", "db_io_manager.py")
COMMIT = "handle_output"
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2027-01-01")


def key_of(day: int) -> str:
    return f"{START + timedelta(days=day):%Y-%m-%d}"


class Subject:
    """``db.duckdb`` in the folder; dates are timestamps, since text loses rows there even without a fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.chdir(folder)

    def _put(self, key: str, value: Any) -> None:
        manager = DuckDBPolarsIOManager(database="db.duckdb", schema="public").create_io_manager(None)
        context = build_output_context(
            asset_key=AssetKey("plays"),
            partition_key=key,
            asset_partitions_def=DAYS,
            definition_metadata={"partition_expr": "date"},
            resource_config={"database": "db.duckdb", "schema": "public", "connection_config": {}},
        )
        manager.handle_output(context, value)

    def _make(self, days: list[int], value: Any) -> dict[str, Any]:
        made, failed = 0, {}
        for day in days:
            try:
                self._put(key_of(day), value(key_of(day)))
                made += 1
            except Exception as error:
                failed[key_of(day)] = f"{type(error).__name__}: {error}"
        return {"made": made, "failed": failed}

    # --- orders

    def write(self, mark: int, days: list[int], rows: int = 7) -> dict[str, Any]:
        return self._make(days, lambda key: frame_of(key, mark, rows))

    write_one_by_one = write

    def write_garbage(self, kind: str, day: int) -> dict[str, Any]:
        return self._make([day], lambda key: garbage(kind, key))

    def write_wide(self, mark: int, day: int, columns: int) -> dict[str, Any]:
        wide = {f"c{number}": [mark] * 3 for number in range(columns)}
        return self._make([day], lambda key: frame_of(key, mark, 3).with_columns(pl.DataFrame(wide)))

    def write_streamed(self, mark: int, day: int, rows: int) -> dict[str, Any]:
        """It takes a frame, and no iterator of frames."""
        return self._make([day], lambda key: pl.concat(list(batches(key, mark, rows))))

    def read(self) -> dict[str, Any]:
        """What is there; the incumbent has no records in the data to compare with."""
        return {"rows": self.rows(), "disagree": []}

    def rows(self) -> dict[str, dict[str, int]]:
        if not Path("db.duckdb").exists():
            return {}
        connection = duckdb.connect("db.duckdb", read_only=True)
        try:
            found: dict[str, dict[str, int]] = {}
            query = "SELECT strftime(date, '%Y-%m-%d'), mark, count(*) FROM public.plays GROUP BY ALL"
            for key, mark, count in connection.execute(query).fetchall():
                found.setdefault(key, {})[str(mark)] = count
        except duckdb.CatalogException:
            return {}
        finally:
            connection.close()
        return found

    def reader(self, days: list[int], rows: int, stop_file: str) -> dict[str, Any]:
        looks, torn, failed, longest = 0, [], [], 0.0
        while not (self.folder / stop_file).exists():
            start = time.monotonic()
            try:
                seen = self.rows()
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}")
                time.sleep(0.02)
                continue
            longest = max(longest, time.monotonic() - start)
            looks += 1
            torn += [key for key, marks in seen.items() if len(marks) != 1 or sum(marks.values()) != rows]
            time.sleep(0.02)
        return {"looks": looks, "torn": torn, "failed": failed, "longest_s": longest}


def frame_of(key: str, mark: int, rows: int) -> pl.DataFrame:
    at = datetime.fromisoformat(key)
    return pl.DataFrame({"date": [at] * rows, "mark": [mark] * rows, "n": range(rows)})


def batches(key: str, mark: int, rows: int, size: int = 1_000_000) -> Iterator[pl.DataFrame]:
    at = datetime.fromisoformat(key)
    for start in range(0, rows, size):
        height = min(size, rows - start)
        numbers = pl.int_range(start, start + height, eager=True)
        yield pl.DataFrame(
            {"n": numbers, "a": numbers * 3, "b": numbers % 97, "c": numbers / 7, "d": numbers * 0.5}
        ).with_columns(date=pl.lit(at), mark=pl.lit(mark, dtype=pl.Int64))


def garbage(kind: str, key: str) -> Any:
    good = frame_of(key, 99, 7)
    match kind:
        case "None":
            return None
        case "text":
            return "no frame"
        case "a number":
            return 42
        case "a dict":
            return {"date": [key]}
        case "no columns":
            return pl.DataFrame()
        case "names that differ in case":
            return good.with_columns(DATE=pl.col("date"))
        case "Python objects":
            return good.with_columns(n=pl.Series([object()] * 7, dtype=pl.Object))
        case "another partition's rows":
            return good.with_columns(date=pl.lit(datetime(2025, 6, 1)))
        case "no partition column":
            return good.drop("date")
        case "null partition column":
            return good.with_columns(date=pl.lit(None, dtype=pl.Datetime))
        case "a column less":
            return good.drop("n")
        case "another type":
            return good.with_columns(n=pl.lit("seven"))
    raise ValueError("the function raises")
