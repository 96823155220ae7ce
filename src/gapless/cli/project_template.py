"""What `gapless init` and `gapless demo` write: a small project about the plays of a league."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

__all__ = ["DEMO_DAYS", "DEMO_START", "write_demo", "write_plays", "write_project"]

DEMO_START, DEMO_DAYS = date(2024, 1, 1), 60
_TEAMS = ("Albatrosses", "Badgers", "Cormorants", "Dippers", "Egrets", "Fulmars")

_DEMO = '''\
"""A day of plays is a file, 2024/01/05/plays.csv; a day of the table `plays` is made from it."""

from pathlib import Path

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

daily_partitions = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-03-01")
weekly_partitions = dg.WeeklyPartitionsDefinition(start_date="2024-01-07", end_date="2024-03-01")


@dg.asset(partitions_def=daily_partitions, metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """The plays of one day, as the league publishes them."""
    start = context.partition_time_window.start
    day = Path(start.strftime("%Y")) / start.strftime("%m") / start.strftime("%d")
    return pl.read_csv(day / "plays.csv").with_columns(date=pl.lit(start.strftime("%Y-%m-%d")))


@dg.asset(partitions_def=weekly_partitions, metadata={"partition_expr": "week"})
def team_weeks(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
    """Yards and points of each team in one week. Its seven days are read from `plays`."""
    return plays.group_by("team", maintain_order=True).agg(
        week=pl.lit(context.partition_key).first(),
        yards=pl.col("yards").sum().round(1),
        points=pl.col("points").sum(),
    )


plays_job = dg.define_asset_job("plays_job", selection=["plays"])

defs = dg.Definitions(
    assets=[plays, team_weeks],
    resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb")},
    jobs=[plays_job],
    schedules=[dg.build_schedule_from_partitioned_job(plays_job)],
)
'''

_PROJECT = '''\
"""Your assets. Each is a function that makes one partition of a table."""

from datetime import date
from random import Random

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

daily_partitions = dg.DailyPartitionsDefinition(start_date="@START@")
weekly_partitions = dg.WeeklyPartitionsDefinition(start_date="@START@")


def published_plays(day: date) -> pl.DataFrame:
    """What the league publishes about one day. Put your own source here: pl.read_csv(f"plays/{day}.csv")."""
    chance = Random(day.toordinal())
    teams = ["Albatrosses", "Badgers", "Cormorants", "Dippers"]
    return pl.DataFrame(
        [{"team": chance.choice(teams), "yards": round(chance.gauss(5, 7), 1)} for _ in range(100)]
    )


# `date` says which partition a row belongs to. A day is replaced whole, however often it is made again.
@dg.asset(partitions_def=daily_partitions, metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """The plays of one day."""
    day = context.partition_time_window.start.date()
    return published_plays(day).with_columns(date=pl.lit(context.partition_key))


# The parameter `plays` is the asset of that name: exactly the seven days of this week.
@dg.asset(partitions_def=weekly_partitions, metadata={"partition_expr": "week"})
def team_weeks(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
    """The yards of each team in one week."""
    return (
        plays.group_by("team")
        .agg(plays=pl.len(), yards=pl.col("yards").sum().round(1))
        .with_columns(week=pl.lit(context.partition_key))
        .sort("team")
    )


plays_job = dg.define_asset_job("plays_job", selection=["plays"])

defs = dg.Definitions(
    assets=[plays, team_weeks],
    resources={"io_manager": DuckDBPolarsIOManager(database="@NAME@.duckdb")},
    jobs=[plays_job],
    # `gapless serve` makes each day when it is over.
    schedules=[dg.build_schedule_from_partitioned_job(plays_job)],
)
'''

_README = """\
# @NAME@

A Gapless project: partitioned tables in DuckDB, made by the functions in `definitions.py`.

    gapless list                             what there is
    gapless plan                             what would run, and why
    gapless materialize                      make what is missing
    gapless status plays                     what is there, what is missing
    gapless materialize plays --last 3       make the newest three days again
    gapless query "SELECT * FROM team_weeks ORDER BY week DESC, yards DESC LIMIT 8"
    gapless serve                            make each day when it is over (gapless schedules start plays_job_schedule)

The data is in `@NAME@.duckdb`, what has happened to it in `.gapless/`.
"""

_IGNORE = ".gapless/\n*.duckdb\n*.duckdb.*\n__pycache__/\n"


def write_project(folder: Path, name: str, today: date) -> list[Path]:
    """A project that runs at once: about four weeks of days, and the weeks that they fill.

    Args:
        folder: An empty folder.
        today: Days before it have partitions.
    """
    # A Sunday, so that the first week is whole.
    start = today - timedelta(days=28 + (today.weekday() + 1) % 7)
    texts = {"definitions.py": _PROJECT, "README.md": _README, ".gitignore": _IGNORE}
    for file, text in texts.items():
        filled = text.replace("@NAME@", name).replace("@START@", start.isoformat())
        (folder / file).write_text(filled, encoding="utf-8")
    return [folder / file for file in texts]


def write_demo(folder: Path, rows: int = 200) -> None:
    """The demo's project: a definitions file, and two months of plays as files."""
    (folder / "definitions.py").write_text(_DEMO, encoding="utf-8")
    for number in range(DEMO_DAYS):
        write_plays(folder, DEMO_START + timedelta(days=number), rows)


def write_plays(folder: Path, day: date, rows: int = 200) -> Path:
    """One day's file, ``YYYY/MM/DD/plays.csv``; the same for the same arguments."""
    chance = random.Random(day.toordinal())  # noqa: S311  made-up sports, not secrets
    lines = ["play_id,quarter,team,yards,points"]
    lines += [
        f"{day:%Y%m%d}{n:04d},{n * 4 // rows + 1},{chance.choice(_TEAMS)},{chance.gauss(5, 7):.1f},"
        f"{chance.choice((0, 0, 0, 0, 3, 6, 7))}"
        for n in range(rows)
    ]
    file = folder / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}" / "plays.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
