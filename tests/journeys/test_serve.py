"""`gapless serve` and `gapless schedules`, as a person or a service manager runs them; ``kill -9`` included."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, STDOUT, CompletedProcess

import duckdb
import pytest

from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.schedule_records import TickState
from gapless.ledger.sqlite import SQLiteLedger
from nursery import Process, run

ROWS = 5
DEFINITIONS = f"""
import os, time
import polars as pl
import gapless as dg
from gapless import DuckDBPolarsIOManager

daily = dg.DailyPartitionsDefinition(start_date="2024-01-01")
hourly = dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00")


def frame(context):
    time.sleep(float(os.environ.get("SLOW", "0")))
    if context.partition_key == os.environ.get("BROKEN"):
        raise ValueError("no data")
    return pl.DataFrame({{"n": range({ROWS})}}).with_columns(at=pl.lit(context.partition_time_window.start))


@dg.asset(partitions_def=daily, metadata={{"partition_expr": "at"}})
def days(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return frame(context)


@dg.asset(partitions_def=hourly, metadata={{"partition_expr": "at"}})
def hours(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return frame(context)


running = dg.DefaultScheduleStatus.RUNNING
jobs = [dg.define_asset_job("days", ["days"]), dg.define_asset_job("hours", ["hours"])]
defs = dg.Definitions(
    assets=[days, hours],
    jobs=jobs,
    schedules=[dg.build_schedule_from_partitioned_job(job, default_status=running) for job in jobs],
    resources={{"io_manager": DuckDBPolarsIOManager("db.duckdb")}},
)
"""
SCHEDULES = {"days_schedule": "days", "hours_schedule": "hours"}
STEP = {"days": timedelta(days=1), "hours": timedelta(hours=1)}


class Served:
    """A folder with a project, and its program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        (folder / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")

    def ledger(self) -> SQLiteLedger:
        return SQLiteLedger(self.folder / ".gapless" / "ledger.sqlite")

    def owe(self, days: float = 0, hours: float = 0) -> dict[str, datetime]:
        """Move the schedules' cursors back, as if nothing had served for so long."""
        now = datetime.now(UTC)
        cursors = {"days_schedule": now - timedelta(days=days), "hours_schedule": now - timedelta(hours=hours)}
        with self.ledger() as ledger:
            for name, cursor in cursors.items():
                ledger.set_schedule(name, cursor=cursor)
        return cursors

    def _environment(self, **variables: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "GAPLESS_HOME"}
        return {**inherited, "COLUMNS": "200", "NO_COLOR": "1", **variables}

    def start(self, *arguments: str, **variables: str) -> Process:
        process = Process(
            [sys.executable, "-m", "gapless.cli.main", *arguments],
            cwd=self.folder,
            env=self._environment(**variables),
            stdout=PIPE,
            stderr=STDOUT,
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()

    def run(self, *arguments: str, **variables: str) -> CompletedProcess[str]:
        command = [sys.executable, "-m", "gapless.cli.main", *arguments]
        return run(command, cwd=self.folder, env=self._environment(**variables), timeout=60)

    def rows(self, asset: str) -> Counter[float]:
        with duckdb.connect(str(self.folder / "db.duckdb")) as connection:
            return Counter(at for (at,) in connection.execute(f'SELECT epoch("at") FROM public.{asset}').fetchall())


@pytest.fixture
def served(tmp_path):
    left = 3600 - time.time() % 3600
    if left < 20:
        time.sleep(left)  # so that no tick of its own comes in the middle of a test
    project = Served(tmp_path)
    yield project
    project.close()


def read_until(process: Process, pattern: str) -> str:
    """The first line that matches; fails if the program ends before."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if re.search(pattern, line):
            return line
    pytest.fail(f"no line matches {pattern!r} in:\n{''.join(seen)}")


def windows_that_closed(asset: str, after: datetime, until: datetime) -> set[float]:
    """Starts of the windows that ended in ``(after, until]``, as seconds."""
    step = STEP[asset].total_seconds()
    first = after.timestamp() // step * step
    return {start for n in range(2000) if after.timestamp() < (start := first + n * step) + step <= until.timestamp()}


def test_kill_9_at_random_moments_loses_and_doubles_no_partition_and_no_tick(served):
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    cursors = served.owe(days=30, hours=40)
    killed = 0
    for _ in range(8):
        process = served.start("serve", "--workers", "2", SLOW="0.1")
        for line in process.stdout:
            if " begins: " in line or " goes on: " in line:
                time.sleep(chance.uniform(0, 0.45))
                process.send_signal(signal.SIGKILL)
                killed += 1
                break
            if " next: " in line:
                pytest.fail(f"everything was made after {killed} kills; seed {seed}")
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
    assert killed == 8

    finished = served.run("serve", "--once")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    with served.ledger() as ledger:
        for schedule, asset in SCHEDULES.items():
            ticks = ledger.ticks(schedule)
            cursor = ledger.schedule(schedule).cursor
            expected = windows_that_closed(asset, cursors[schedule], cursor)
            commits = Counter(
                event.partition
                for event in ledger.events(asset=asset, kinds=(EventKind.MATERIALIZED, EventKind.RECONCILED))
            )
            assert {tick.state for tick in ticks} == {TickState.REQUESTED}, seed
            assert cursor == max(tick.scheduled_at for tick in ticks), seed
            assert set(commits.values()) == {1}, seed
            assert len(commits) == len(expected) >= 30, seed
            assert {record.status for record in ledger.statuses(asset).values()} == {Status.MATERIALIZED}, seed
            assert served.rows(asset) == dict.fromkeys(expected, ROWS), seed
        assert {run.state for run in ledger.runs()} <= {RunState.CRASHED, RunState.SUCCEEDED}, seed


def test_sigterm_drains_and_the_next_serve_goes_on_with_the_tick(served):
    cursors = served.owe(days=12)
    process = served.start("serve", "--workers", "2", SLOW="0.3")
    read_until(process, "begins: days ")
    time.sleep(1)
    process.send_signal(signal.SIGTERM)

    said = process.communicate(timeout=20)[0]

    assert process.returncode == 0, said
    assert "goes on with it: " in said
    assert "stopped, as asked" in said
    with served.ledger() as ledger:
        [tick] = ledger.ticks("days_schedule")
        made = ledger.statuses("days")
        assert tick.state is TickState.STARTED
        assert 0 < len(made) < 12
        assert {record.status for record in made.values()} == {Status.MATERIALIZED}

    finished = served.run("serve", "--once")

    assert finished.returncode == 0
    assert "goes on: days " in finished.stdout
    with served.ledger() as ledger:
        cursor = ledger.schedule("days_schedule").cursor
        commits = Counter(event.partition for event in ledger.events(asset="days", kinds=(EventKind.MATERIALIZED,)))
        assert set(commits.values()) == {1}
    assert set(served.rows("days")) == windows_that_closed("days", cursors["days_schedule"], cursor)


def test_sigterm_while_it_waits_ends_it_with_0(served):
    process = served.start("serve")
    read_until(process, "next: ")
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "stopped, as asked" in said


def test_a_second_serve_is_refused_until_the_first_is_gone_even_by_kill_9(served):
    first = served.start("serve")
    read_until(first, "next: ")

    second = served.run("serve")

    assert second.returncode == 2
    assert f"process {first.pid} serves this project already" in second.stderr
    assert "nothing serves this project" not in served.run("schedules", "list").stdout
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert served.run("serve", "--once").returncode == 0
    assert "nothing serves this project now" in served.run("schedules", "list").stdout


def test_a_failing_partition_fails_alone_is_reported_and_serving_goes_on(served):
    served.owe(days=3, hours=3)
    broken = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"

    ran = served.run("serve", "--once", BROKEN=broken)

    assert ran.returncode == 1
    assert f"days {broken}  failed: ValueError: no data" in ran.stdout
    assert re.search(rf"2 made, 1 failed \(days {broken}: ValueError: no data\)", ran.stdout)
    assert re.search(r"why it failed: gapless runs logs \S+", ran.stdout)
    with served.ledger() as ledger:
        assert [tick.state for tick in ledger.ticks()] == [TickState.REQUESTED] * 2
        assert len(ledger.statuses("hours")) == 3
    again = served.run("serve", "--once")
    assert again.returncode == 0
    assert "begins" not in again.stdout


def test_the_first_serve_makes_nothing_and_says_what_comes_next(served):
    ran = served.run("serve", "--once")
    assert ran.returncode == 0
    assert "serving definitions.py: 2 schedules" in ran.stdout
    assert "nothing is due any more." in ran.stdout
    assert not (served.folder / "db.duckdb").exists()


def test_serve_prints_one_json_object_a_line(served):
    served.owe(days=2)
    ran = served.run("serve", "--once", "--json")
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [event["event"] for event in events] == ["serving", "tick_started", "tick_ended", "stopped"]
    assert events[1]["partitions"] == {"days": 2}
    assert events[2]["materialized"] == 2
    assert events[2]["state"] == "requested"


def test_schedules_are_listed_previewed_stopped_and_started(served):
    served.owe(days=2)
    listed = served.run("schedules", "list").stdout
    assert re.search(r"days_schedule +days +0 0 \* \* \* +UTC +running +\d{4}-\d\d-\d\d 00:00 UTC +-", listed)

    preview = served.run("schedules", "preview", "days_schedule", "--ticks", "2").stdout
    now = datetime.now(UTC)
    yesterday, today, tomorrow = (f"{now + timedelta(days=n):%Y-%m-%d}" for n in (-1, 0, 1))
    assert f"owed now, by the tick of {today} 00:00 UTC:" in preview
    assert f"..{yesterday} (2 partitions)" in preview
    assert re.search(rf"{tomorrow} 00:00 UTC +{today}\n", preview)
    assert len(re.findall("00:00 UTC +2", preview)) == 2

    stopped = served.run("schedules", "stop", "days_schedule").stdout
    assert "days_schedule is stopped." in stopped
    assert "to start it: gapless schedules start days_schedule" in stopped
    assert "is stopped already" in served.run("schedules", "stop", "days_schedule").stdout
    assert "if it were started now" in served.run("schedules", "preview", "days_schedule").stdout

    started = served.run("schedules", "start", "days_schedule").stdout
    assert "days_schedule runs from now on." in started
    assert f"next tick: {tomorrow} 00:00 UTC, for {today}" in started
    assert "what became due before now is not owed" in started
    assert "gapless materialize --job days" in started
    assert "nothing serves this project now" in started
    assert "runs already; nothing changed" in served.run("schedules", "start", "days_schedule").stdout
    assert "begins" not in served.run("serve", "--once").stdout


def test_schedules_as_json(served):
    served.owe(days=2)
    [days, hours] = json.loads(served.run("schedules", "list", "--json").stdout)
    assert (days["schedule"], days["job"], days["running"], days["last_tick"]) == ("days_schedule", "days", True, None)
    assert days["due_tick"].endswith("T00:00:00+00:00")
    assert hours["due_tick"] is None
    preview = json.loads(served.run("schedules", "preview", "days_schedule", "--json", "--ticks", "3").stdout)
    assert preview["owed"]["days"][0]["count"] == 2
    assert [tick["partitions"] for tick in preview["ticks"]] == [1, 1, 1]
    assert json.loads(served.run("schedules", "stop", "days_schedule", "--json").stdout)["changed"] is True
    assert json.loads(served.run("schedules", "start", "days_schedule", "--json").stdout)["running"] is True


@pytest.mark.parametrize("command", ["preview", "start", "stop"])
def test_an_unknown_schedule_is_refused_with_the_closest_name(served, command):
    ran = served.run("schedules", command, "day_schedule")
    assert ran.returncode == 2
    assert "there is no schedule 'day_schedule'. Did you mean 'days_schedule'" in ran.stderr


def test_a_project_without_schedules_cannot_be_served(served):
    text = DEFINITIONS.replace("for job in jobs]", "for job in ()]")
    (served.folder / "definitions.py").write_text(text, encoding="utf-8")
    ran = served.run("serve")
    assert ran.returncode == 2
    assert "definitions.py declares no schedules, so there is nothing to serve." in ran.stderr
    assert "build_schedule_from_partitioned_job" in ran.stderr
    assert served.run("schedules", "list").stdout == "definitions.py declares no schedules.\n"
