"""``kill -9`` at random moments: old rows or new rows, never none, never both, and the ledger agrees."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import textwrap
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import PIPE, STDOUT, TimeoutExpired

import duckdb
import pytest

from nursery import Process, run

WEEKS = [13, 13, 6, 6, 2]  # how long the runs are that are killed: from many commits to one
TRIALS = 10  # of each; the parts are tests of their own so that two processors share them
ROWS = 7

DEFINITIONS = textwrap.dedent(
    f"""
    import os
    import polars as pl
    import gapless as dg
    from gapless import DuckDBPolarsIOManager

    daily = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="END")
    weekly = dg.WeeklyPartitionsDefinition(start_date="2024-01-01", end_date="END")

    @dg.asset(partitions_def=daily, metadata={{"partition_expr": "date"}})
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        version = int(os.environ["VERSION"])
        return pl.DataFrame({{"n": range({ROWS}), "version": [version] * {ROWS}}}).with_columns(
            date=pl.lit(context.partition_key)
        )

    @dg.asset(partitions_def=weekly, metadata={{"partition_expr": "week"}})
    def weeks(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
        week = context.partition_time_window.start.date()
        return pl.DataFrame({{"week": [week], "plays": [plays.height], "days": [plays["date"].n_unique()]}})

    defs = dg.Definitions(assets=[plays, weeks], resources={{"io_manager": DuckDBPolarsIOManager("db.duckdb")}})
    """
)


def make_project(folder: Path, weeks: int) -> None:
    end = datetime(2024, 1, 1) + timedelta(weeks=weeks)
    (folder / "definitions.py").write_text(DEFINITIONS.replace("END", f"{end:%Y-%m-%d}"))


def gapless(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gapless.cli.main", *arguments, "-f", "definitions.py"]


def environment(version: int) -> dict[str, str]:
    return {**os.environ, "VERSION": str(version), "GAPLESS_HOME": "", "NO_COLOR": "1"}


def run_for(seconds: float, version: int, folder: Path) -> tuple[bool, float]:
    """Start a run over everything, and kill it some seconds after its first sign of life.

    Returns:
        Whether it was killed before it ended, and how long it lived after that sign, seconds.
    """
    command = gapless("materialize", "--all")
    process = Process(command, cwd=folder, env=environment(version), stdout=PIPE, stderr=STDOUT)
    assert process.stdout is not None
    process.stdout.readline()  # the run is recorded, the first partitions are about to be made
    began = time.monotonic()
    with contextlib.suppress(TimeoutExpired):
        process.wait(seconds)
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    return process.wait() == -signal.SIGKILL, time.monotonic() - began


def rows_by_partition(folder: Path) -> dict[str, Counter[int]]:
    if not (folder / "db.duckdb").exists():
        return {}
    with duckdb.connect(folder / "db.duckdb") as connection:
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if "plays" not in tables:
            return {}
        found: dict[str, Counter[int]] = {}
        for date, version in connection.execute("select date, version from public.plays").fetchall():
            found.setdefault(date, Counter())[version] += 1
        return found


def recorded(folder: Path, version: int) -> dict[str, str]:
    """Status by partition of `plays`, as the program tells it; looking also reconciles what a dead run left."""
    answer = run(gapless("partitions", "list", "plays", "--json"), cwd=folder, env=environment(version))
    assert answer.returncode == 0, answer.stderr
    return {row["partition"]: row["status"] for row in json.loads(answer.stdout)["partitions"]}


@pytest.mark.slow
@pytest.mark.parametrize(("part", "weeks"), list(enumerate(WEEKS)))
def test_after_a_kill_at_any_moment_each_partition_is_old_or_new_and_the_ledger_agrees(tmp_path, part, weeks):
    make_project(tmp_path, weeks)
    seed = int(os.environ.get("GAPLESS_TEST_SEED", random.randrange(2**32)))
    chance = random.Random(seed)
    _, whole = run_for(60, 0, tmp_path)
    before = rows_by_partition(tmp_path)
    assert len(before) == 7 * weeks
    killed, cut_short, version = 0, 0, 0
    while killed < TRIALS:
        version += 1
        assert version < 10 * TRIALS, f"seed {seed}: only {killed} of {version} runs were killed before they ended"
        killed += run_for(chance.random() * whole, version, tmp_path)[0]
        after = rows_by_partition(tmp_path)
        states = recorded(tmp_path, version)
        for date in before:
            trial = f"seed {seed}, trial {version}, {date}: {before[date]} became {after.get(date)}"
            assert after.get(date), f"rows lost: {trial}"
            assert after[date] in (Counter({version: ROWS}), before[date]), f"rows mixed: {trial}"
        assert after.keys() == before.keys()
        assert set(states.values()) == {"materialized"}, f"seed {seed}, trial {version}: {Counter(states.values())}"
        cut_short += any(rows != Counter({version: ROWS}) for rows in after.values())
        before = after
    assert cut_short, f"seed {seed}: no kill came before all was made"

    final = run(gapless("materialize", "--all"), cwd=tmp_path, env=environment(version + 1))
    assert final.returncode == 0, final.stdout + final.stderr
    rows = rows_by_partition(tmp_path)
    assert len(rows) == 7 * weeks
    assert all(found == Counter({version + 1: ROWS}) for found in rows.values())
    with duckdb.connect(tmp_path / "db.duckdb") as connection:
        assert connection.execute("select distinct plays, days from public.weeks").fetchall() == [(7 * ROWS, 7)]


def test_what_a_killed_first_run_committed_is_there_and_recorded_and_the_rest_is_missing(tmp_path):
    make_project(tmp_path, 13)
    killed, _ = run_for(0.25, 1, tmp_path)
    rows = rows_by_partition(tmp_path)
    states = recorded(tmp_path, 1)
    assert all(found == Counter({1: ROWS}) for found in rows.values())
    assert {date for date, state in states.items() if state == "materialized"} == set(rows)
    assert {state for date, state in states.items() if date not in rows} <= {"missing"}
    assert killed or len(rows) == 7 * 13
