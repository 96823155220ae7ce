"""Several real processes at once on one project: nobody sees a lock error, nothing is made twice, nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
import time
from subprocess import PIPE, STDOUT

import duckdb
import pytest

from nursery import Process

DEFINITIONS = textwrap.dedent(
    """
    import os, time
    from pathlib import Path
    import polars as pl
    import gapless as dg
    from gapless import DuckDBPolarsIOManager

    daily = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-10")

    def make(name, context):
        with open(f"{name}.calls", "a") as calls:
            calls.write(context.partition_key + "\\n")
        time.sleep(float(os.environ.get("PAUSE", "0.02")))
        return pl.DataFrame({"n": [1, 2, 3], "pid": [os.getpid()] * 3}).with_columns(
            date=pl.lit(context.partition_key).str.to_date()
        )

    @dg.asset(partitions_def=daily, metadata={"partition_expr": "date"})
    def left(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return make("left", context)

    @dg.asset(partitions_def=daily, metadata={"partition_expr": "date"})
    def right(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return make("right", context)

    defs = dg.Definitions(
        assets=[left, right], resources={"io_manager": DuckDBPolarsIOManager("db.duckdb", lock_timeout=30)}
    )
    """
)
DAYS = 40


@pytest.fixture
def project(tmp_path):
    (tmp_path / "definitions.py").write_text(DEFINITIONS)
    return tmp_path


def start(project, *arguments, **environment):
    return Process(
        [sys.executable, "-m", "gapless.cli.main", *arguments],
        cwd=project,
        env={**os.environ, "GAPLESS_HOME": "", "NO_COLOR": "1", **environment},
        stdout=PIPE,
        stderr=STDOUT,
    )


def rows(project, table):
    with duckdb.connect(str(project / "db.duckdb"), read_only=True) as connection:
        return connection.execute(f"select count(*), count(distinct date) from public.{table}").fetchone()


def test_two_runs_of_the_same_asset_make_each_partition_once_between_them(project):
    runs = [start(project, "materialize", "left") for _ in range(2)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    calls = (project / "left.calls").read_text().split()
    assert sorted(calls) == sorted(set(calls))
    assert len(calls) == DAYS
    assert rows(project, "left") == (3 * DAYS, DAYS)


def test_each_of_two_runs_says_what_it_made_itself_and_what_the_other_one_made(project):
    runs = [start(project, "materialize", "left", "--json") for _ in range(2)]
    one, other = (json.loads(run.communicate(timeout=60)[0]) for run in runs)
    assert one["materialized"] + other["materialized"] == DAYS
    assert one["rows"] + other["rows"] == 3 * DAYS
    for mine, theirs in ((one, other), (other, one)):
        assert sum(mine["made_elsewhere"].values()) + mine["materialized"] == mine["planned"]
        assert set(mine["made_elsewhere"]) <= {theirs["run_id"]}


def test_two_runs_of_different_assets_of_one_database_both_succeed(project):
    runs = [start(project, "materialize", name) for name in ("left", "right")]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert rows(project, "left") == rows(project, "right") == (3 * DAYS, DAYS)


def test_a_person_can_read_while_a_run_writes(project):
    run = start(project, "materialize", "left", PAUSE="0.05")
    answers = []
    while run.poll() is None:
        time.sleep(0.1)
        if (project / "db.duckdb").exists():
            query = start(project, "query", "select count(*) as rows from information_schema.tables")
            output = query.communicate(timeout=60)[0]
            answers.append((query.returncode, output))
    output = run.communicate(timeout=60)[0]
    assert run.returncode == 0, output
    assert answers
    assert [code for code, _ in answers] == [0] * len(answers), answers


def test_a_second_run_takes_over_what_a_killed_one_held(project):
    first = start(project, "materialize", "left", PAUSE="0.3")
    while not (project / "left.calls").exists() or len((project / "left.calls").read_text().split()) < 6:
        time.sleep(0.02)
        assert first.poll() is None
    second = start(project, "materialize", "left", PAUSE="0")
    time.sleep(1)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    output = second.communicate(timeout=60)[0]
    assert second.returncode == 0, output
    assert rows(project, "left") == (3 * DAYS, DAYS)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_soon_keeps_what_is_finished_and_the_next_one_carries_on(project, number, workers):
    run = start(project, "materialize", "left", "--workers", workers, PAUSE="0.25")
    while not (project / "left.calls").exists() or len((project / "left.calls").read_text().split()) < 4:
        time.sleep(0.02)
        assert run.poll() is None
    asked = time.monotonic()
    run.send_signal(number)
    output = run.communicate(timeout=30)[0]
    assert time.monotonic() - asked < 5
    assert run.returncode == 130, output
    assert "Traceback" not in output
    assert "interrupted" in output
    kept = rows(project, "left")[1] if (project / "db.duckdb").exists() else 0
    assert 0 < kept < DAYS
    before = len((project / "left.calls").read_text().split())
    rest = start(project, "materialize", "left", PAUSE="0")
    output = rest.communicate(timeout=60)[0]
    assert rest.returncode == 0, output
    assert rows(project, "left") == (3 * DAYS, DAYS)
    assert len((project / "left.calls").read_text().split()) - before == DAYS - kept


def test_a_function_that_sleeps_for_an_hour_does_not_keep_an_interrupted_run(project):
    run = start(project, "materialize", "left", "--workers", "2", PAUSE="3600")
    while not (project / "left.calls").exists():
        time.sleep(0.02)
        assert run.poll() is None
    time.sleep(0.2)
    asked = time.monotonic()
    run.send_signal(signal.SIGINT)
    output = run.communicate(timeout=30)[0]
    assert time.monotonic() - asked < 8
    assert run.returncode == 130, output
    shown = start(project, "status", "--json").communicate(timeout=30)[0]
    assert '"running": 0' in shown or '"running"' not in shown


@pytest.fixture
def hold(project):
    """Open the database as a program that is not ours would."""
    code = "import duckdb; c = duckdb.connect('db.duckdb'); print('in', flush=True); input()"
    holders = []

    def hold():
        holders.append(Process([sys.executable, "-c", code], cwd=project, stdin=PIPE, stdout=PIPE))
        assert holders[-1].stdout.readline() == "in\n"
        return holders[-1]

    yield hold
    for holder in holders:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("waits", ["before it begins", "for its first commit"])
def test_a_run_that_waits_for_a_locked_database_stops_soon_when_it_is_asked_to(project, hold, waits):
    if waits == "before it begins":
        holder = hold()
    run = start(project, "materialize", "left", "--last", "3", PAUSE="0.5")
    if waits == "for its first commit":
        while not (project / "left.calls").exists():
            time.sleep(0.02)
            assert run.poll() is None
        holder = hold()
    time.sleep(1.2)
    asked = time.monotonic()
    run.send_signal(signal.SIGINT)
    output = run.communicate(timeout=30)[0]
    took = time.monotonic() - asked
    holder.communicate("\n")
    assert took < 4
    assert run.returncode == 130, output
    assert "failed" not in output
    again = start(project, "materialize", "left", "--last", "3", PAUSE="0")
    output = again.communicate(timeout=60)[0]
    assert again.returncode == 0, output
    assert rows(project, "left") == (9, 3)


def test_a_run_can_be_stopped_from_another_process(project):
    run = start(project, "materialize", "left", PAUSE="0.25")
    while not (project / "left.calls").exists() or len((project / "left.calls").read_text().split()) < 4:
        time.sleep(0.02)
        assert run.poll() is None
    asked = start(project, "runs", "cancel")
    said = asked.communicate(timeout=30)[0]
    assert (asked.returncode, "was asked to stop" in said) == (0, True), said
    output = run.communicate(timeout=30)[0]
    assert run.returncode == 130, output
    assert 0 < rows(project, "left")[1] < DAYS
    again = start(project, "runs", "cancel")
    said = again.communicate(timeout=30)[0]
    assert (again.returncode, "has ended already: canceled" in said) == (2, True), said
