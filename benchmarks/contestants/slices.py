"""Replacing and reading slices of one table: the store against DuckDB by hand, in turn, in one process.

Prints one JSON object, seconds; everything is a median over the rounds.
"""

import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from gapless import DuckDBPolarsIOManager
from gapless.asset_key import AssetKey
from gapless.partitions.window import TimeWindow
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, StagedSlices

ROUNDS = int(os.environ["BENCH_ROUNDS"])
PARTITIONS = int(os.environ["BENCH_PARTITIONS"])
READ_ROWS = int(os.environ["BENCH_READ_ROWS"])
ROWS, GROUP, READS, TURN = 1_000, 64, 200, 20
FIRST = date(2021, 1, 1)
PLAYS = AssetKey("plays")


def frame(day: int, rows: int, mark: int) -> pl.DataFrame:
    n = pl.int_range(rows, eager=True) + mark
    return pl.DataFrame(
        {
            "date": [FIRST + timedelta(days=day)] * rows,
            "game": n + day * rows,
            "player": n % 977,
            "score": n * 0.25,
            "team": pl.Series(["north", "south", "east", "west"] * (rows // 4 + 1))[:rows],
            "minutes": n % 48,
        }
    )


def slice_of(day: int) -> PartitionSlice:
    start = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(days=day)
    return PartitionSlice(f"{start:%Y-%m-%d}", TimeWindow(start, start + timedelta(days=1)))


def output(day: int) -> OutputSlices:
    return OutputSlices(PLAYS, (slice_of(day),), "date", "run")


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def staged(store: DuckDBPolarsIOManager, frames: list[pl.DataFrame]) -> list[StagedSlices]:
    """What the threads that call the functions do, beside the one that commits."""
    return [store.stage(output(day), frame) for day, frame in enumerate(frames)]


def ours(store: DuckDBPolarsIOManager, values: list[StagedSlices]) -> None:
    for first in range(0, len(values), GROUP):
        outcomes = store.commit(values[first : first + GROUP])
        assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes


def by_hand(connection: duckdb.DuckDBPyConnection, frames: list[pl.DataFrame], group: int) -> None:
    for first in range(0, len(frames), group):
        days = frames[first : first + group]
        batch = pl.concat(days)  # noqa: F841  # DuckDB finds it by its name
        last = FIRST + timedelta(days=first + len(days) - 1)
        connection.execute("BEGIN")
        connection.execute("DELETE FROM plays WHERE date BETWEEN ? AND ?", [FIRST + timedelta(days=first), last])
        connection.execute("INSERT INTO plays BY NAME SELECT * FROM batch")
        connection.execute("COMMIT")


def writing() -> dict[str, float]:
    """All partitions replaced, in a table that has them."""
    seconds: dict[str, list[float]] = {"ours": [], "grouped": [], "one_by_one": []}
    for turn in range(ROUNDS):
        frames = [frame(day, ROWS, turn) for day in range(PARTITIONS)]
        folder = Path(tempfile.mkdtemp(prefix="slices-"))
        store = DuckDBPolarsIOManager(folder / "ours.duckdb")
        ours(store, staged(store, frames))
        seconds["ours"].append(timed(ours, store, staged(store, frames)))
        store.close()
        for name, group in (("grouped", GROUP), ("one_by_one", 1)):
            connection = duckdb.connect(folder / f"{name}.duckdb")
            first_frame = frames[0]
            connection.execute("CREATE TABLE plays AS SELECT * FROM first_frame LIMIT 0")
            by_hand(connection, frames, GROUP)
            seconds[name].append(timed(by_hand, connection, frames, group))
            connection.close()
            del first_frame
        shutil.rmtree(folder)
    return {name: statistics.median(values) for name, values in seconds.items()}


def reading() -> dict[str, float]:
    """One partition of a thousand, again and again, each time another."""
    folder = Path(tempfile.mkdtemp(prefix="slices-"))
    rows = READ_ROWS // PARTITIONS
    store = DuckDBPolarsIOManager(folder / "db.duckdb")
    for first in range(0, PARTITIONS, GROUP):
        days = range(first, min(first + GROUP, PARTITIONS))
        store.commit([store.stage(output(day), frame(day, rows, 0)) for day in days])
    chosen = random.Random(1).sample(range(PARTITIONS), min(READS, PARTITIONS))
    seconds: dict[str, list[float]] = {"ours": [], "by_hand": []}
    query = "SELECT * FROM public.plays WHERE date = ?"
    for first in range(0, len(chosen) * ROUNDS, TURN):
        days = [chosen[place % len(chosen)] for place in range(first, first + TURN)]
        for day in days:
            seconds["ours"].append(timed(store.load, InputSlices(PLAYS, (slice_of(day),), "date"), pl.DataFrame))
        store.close()
        connection = duckdb.connect(folder / "db.duckdb", read_only=True)
        for day in days:
            where = [FIRST + timedelta(days=day)]
            seconds["by_hand"].append(timed(lambda: connection.sql(query, params=where).pl()))  # noqa: B023  called at once
        connection.close()
    shutil.rmtree(folder)
    return {name: statistics.median(values) for name, values in seconds.items()}


print(json.dumps({"writing": writing(), "reading": reading()}))
