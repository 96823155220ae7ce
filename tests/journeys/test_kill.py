"""``kill -9`` at random moments: old rows or new rows, never none, never both, and the ledger agrees."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

PARTS, TRIALS = 5, 10  # 50 kills, in five parts so that two processors share them
DAYS = 91
ROWS = 7

DEFINITIONS = textwrap.dedent(
    f"""
    import os
    import polars as pl
    import gapless as dg
    from gapless import DuckDBPolarsIOManager

    daily = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-04-01")
    weekly = dg.WeeklyPartitionsDefinition(start_date="2024-01-01", end_date="2024-04-01")

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


def gapless(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gapless.cli.main", *arguments, "-f", "definitions.py"]


def environment(version: int) -> dict[str, str]:
    return {**os.environ, "VERSION": str(version), "GAPLESS_HOME": "", "NO_COLOR": "1"}


def run_for(seconds: float, version: int, folder: Path) -> tuple[bool, float]:
    """Start a run over everything, and kill it some seconds after its first sign of life.

    Returns:
        Whether it was killed before it ended, and how long it lived after that sign, seconds.
    """
    process = subprocess.Popen(
        gapless("materialize", "--all"),
        cwd=folder,
        env=environment(version),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    process.stdout.readline()  # the run is recorded, the first partitions are about to be made
    began = time.monotonic()
    with contextlib.suppress(subprocess.TimeoutExpired):
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
    answer = subprocess.run(
        gapless("partitions", "list", "plays", "--json"),
        cwd=folder,
        env=environment(version),
        capture_output=True,
        text=True,
        check=True,
    )
    return {row["partition"]: row["status"] for row in json.loads(answer.stdout)["partitions"]}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_after_a_kill_at_any_moment_each_partition_is_old_or_new_and_the_ledger_agrees(tmp_path, part):
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    seed = int(os.environ.get("GAPLESS_TEST_SEED", random.randrange(2**32)))
    chance = random.Random(seed)
    _, whole = run_for(60, 0, tmp_path)
    before = rows_by_partition(tmp_path)
    assert len(before) == DAYS
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

    final = subprocess.run(
        gapless("materialize", "--all"),
        cwd=tmp_path,
        env=environment(version + 1),
        capture_output=True,
        text=True,
    )
    assert final.returncode == 0, final.stdout + final.stderr
    rows = rows_by_partition(tmp_path)
    assert len(rows) == DAYS
    assert all(found == Counter({version + 1: ROWS}) for found in rows.values())
    with duckdb.connect(tmp_path / "db.duckdb") as connection:
        assert connection.execute("select distinct plays, days from public.weeks").fetchall() == [(7 * ROWS, 7)]


def test_what_a_killed_first_run_committed_is_there_and_recorded_and_the_rest_is_missing(tmp_path):
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    killed, _ = run_for(0.25, 1, tmp_path)
    rows = rows_by_partition(tmp_path)
    states = recorded(tmp_path, 1)
    assert all(found == Counter({1: ROWS}) for found in rows.values())
    assert {date for date, state in states.items() if state == "materialized"} == set(rows)
    assert {state for date, state in states.items() if date not in rows} <= {"missing"}
    assert killed or len(rows) == DAYS
