"""Others read while we write: each answer is a picture of whole partitions, and a published copy is always whole."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import textwrap
import time
from subprocess import DEVNULL, PIPE

import duckdb
import polars as pl
import pytest

from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from nursery import Process, run

PARTITIONS = 60
ROWS = 200

DEFINITIONS = textwrap.dedent(
    f"""
    import os
    import polars as pl
    import gapless as dg
    from gapless import DuckDBPolarsIOManager

    daily = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-03-01")

    def make(context):
        mark = int(os.environ["MARK"])
        return pl.DataFrame({{"n": range({ROWS}), "mark": [mark] * {ROWS}}}).with_columns(
            date=pl.lit(context.partition_key)
        )

    @dg.asset(partitions_def=daily, metadata={{"partition_expr": "date"}})
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return make(context)

    @dg.asset(partitions_def=daily, metadata={{"partition_expr": "date"}})
    def teams(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return make(context)

    defs = dg.Definitions(assets=[plays, teams], resources={{"io_manager": DuckDBPolarsIOManager("db.duckdb")}})
    """
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    return tmp_path


def environment(mark: int) -> dict[str, str]:
    return {**os.environ, "MARK": str(mark), "GAPLESS_HOME": "", "NO_COLOR": "1"}


def gapless(project, *arguments: str, mark: int = 0) -> str:
    command = [sys.executable, "-m", "gapless.cli.main", *arguments]
    done = run(command, cwd=project, env=environment(mark))
    assert done.returncode == 0, done.stderr
    return done.stdout


PICTURE = (
    "SELECT date, count(*) AS n, count(DISTINCT n) AS numbers, min(mark) AS oldest, max(mark) AS newest"
    " FROM plays GROUP BY date ORDER BY date"
)


def assert_whole(days: list[dict[str, object]]) -> list[int]:
    """Each partition is of one run; returns of which, in order."""
    assert len(days) == PARTITIONS
    for day in days:
        assert (day["n"], day["numbers"]) == (ROWS, ROWS), day
        assert day["oldest"] == day["newest"], day
    return [int(str(day["newest"])) for day in days]


def test_who_queries_during_a_backfill_gets_whole_partitions_of_one_moment(project):
    gapless(project, "materialize", "plays", mark=1)
    store = DuckDBPolarsIOManager(database=str(project / "db.duckdb"))
    command = [sys.executable, "-m", "gapless.cli.main", "materialize", "plays", "--all"]
    pictures: list[list[int]] = []
    with Process(command, cwd=project, env=environment(2), stdout=PIPE) as writer:
        while writer.poll() is None:
            pictures.append(assert_whole(store.query(PICTURE).to_dicts()))
            store.close()
            if len(pictures) == 2:  # once as a person does it
                pictures.append(assert_whole(json.loads(gapless(project, "query", PICTURE, "--json"))))
            time.sleep(0.1)
        assert writer.returncode == 0
    pictures.append(assert_whole(store.query(PICTURE).to_dicts()))
    store.close()

    remade = [sum(mark == 2 for mark in picture) for picture in pictures]
    assert remade == sorted(remade)  # nothing that was seen is taken back
    assert (remade[0], remade[-1]) == (0, PARTITIONS)


def test_a_copy_that_is_published_during_a_backfill_is_of_one_moment(project):
    gapless(project, "materialize", mark=1)
    command = [sys.executable, "-m", "gapless.cli.main", "materialize", "--all"]
    with Process(command, cwd=project, env=environment(2), stdout=DEVNULL) as writer:
        while writer.poll() is None:
            gapless(project, "publish", "--to", "bi")
            with duckdb.connect() as connection:
                scanning = PICTURE.replace("plays", f"'{project}/bi/plays/*.parquet'")
                names = ("date", "n", "numbers", "oldest", "newest")
                assert_whole([dict(zip(names, row, strict=True)) for row in connection.execute(scanning).fetchall()])
        assert writer.returncode == 0


PUBLISHER = textwrap.dedent(
    """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from gapless import DuckDBPolarsIOManager, DuckDBResource
    from gapless.asset_key import AssetKey
    from gapless.storage.publishing.publication import Form, Source
    from gapless.storage.publishing.publishing import publish

    database, target, form, mark = sys.argv[1], Path(sys.argv[2]), Form(sys.argv[3]), int(sys.argv[4])
    store, resource = DuckDBPolarsIOManager(database=database), DuckDBResource(database=database)
    sources = [Source(AssetKey(name), {}, store) for name in ("a", "b")]
    while True:
        mark += 1
        with resource.get_connection() as connection:
            connection.execute("BEGIN")
            for name in ("a", "b"):
                connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {mark} AS mark FROM range(20_000)")
            connection.execute("COMMIT")
        publish(sources, target, form, datetime.now(UTC))
        store.close()
        print(mark, flush=True)
    """
)


def marks_in(target, form: str) -> list[tuple[int, int, int]]:
    """Of each asset: rows, the oldest and the newest mark."""
    sql = "SELECT count(*), min(mark), max(mark) FROM "
    if form == "duckdb":
        with duckdb.connect(str(target), read_only=True) as connection:
            return [connection.execute(f"{sql} public.{name}").fetchone() for name in "ab"]
    with duckdb.connect() as connection:
        return [connection.execute(f"{sql} '{target}/{name}/*.parquet'").fetchone() for name in "ab"]


@pytest.mark.parametrize("form", ["duckdb", "parquet"])
def test_a_publisher_that_is_killed_leaves_the_old_copy_or_the_new_one(tmp_path, form):
    target = tmp_path / ("bi.duckdb" if form == "duckdb" else "bi")
    generator, mark = random.Random(5), 0
    for _ in range(3):
        command = [sys.executable, "-c", PUBLISHER, str(tmp_path / "db.duckdb"), str(target), form, str(mark)]
        with Process(command, stdout=PIPE) as publisher:
            mark = int(publisher.stdout.readline())
            time.sleep(generator.uniform(0, 0.2))
            publisher.send_signal(signal.SIGKILL)
            said = [mark, *map(int, publisher.stdout.read().split())]
        seen = marks_in(target, form)
        (found,) = {(oldest, newest) for _, oldest, newest in seen}
        assert [rows for rows, _, _ in seen] == [20_000, 20_000]
        assert found in ((said[-1], said[-1]), (said[-1] + 1, said[-1] + 1))
        mark = found[0] + 1


@pytest.mark.parametrize("form", ["duckdb", "parquet"])
def test_who_opens_a_copy_while_it_is_exchanged_always_finds_one(tmp_path, form):
    target = tmp_path / ("bi.duckdb" if form == "duckdb" else "bi")
    command = [sys.executable, "-c", PUBLISHER, str(tmp_path / "db.duckdb"), str(target), form, "0"]
    looked, seen = 0, set()
    with Process(command, stdout=PIPE) as publisher:
        publisher.stdout.readline()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            for rows, oldest, newest in marks_in(target, form):
                assert (rows, oldest) == (20_000, newest)
                seen.add(newest)
            looked += 1
        publisher.send_signal(signal.SIGKILL)
        publisher.stdout.read()
    assert looked > 3
    assert len(seen) > 1


def test_polars_finds_a_whole_file_at_any_moment(tmp_path):
    target = tmp_path / "bi"
    command = [sys.executable, "-c", PUBLISHER, str(tmp_path / "db.duckdb"), str(target), "parquet", "0"]
    with Process(command, stdout=PIPE) as publisher:
        publisher.stdout.readline()
        until = time.monotonic() + 1
        while time.monotonic() < until:
            frame = pl.read_parquet(target / "a" / "*.parquet")
            assert (frame.height, frame["mark"].n_unique()) == (20_000, 1)
        publisher.kill()
