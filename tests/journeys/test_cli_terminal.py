"""The program as a person runs it: in a process, on a terminal, with Ctrl-C and a closed pipe."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

GAPLESS = [sys.executable, "-m", "gapless.cli.main"]
SLOW = """
import time
from pathlib import Path

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2025-01-01")


@dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
def slow(context: dg.AssetExecutionContext) -> pl.DataFrame:
    time.sleep(0.05)
    Path("begun").touch()
    if context.partition_key == "2024-01-02":
        raise ValueError("no second of January")
    return pl.DataFrame({"date": [context.partition_key]})


defs = dg.Definitions([slow], resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb")})
"""


def environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("GAPLESS_HOME", "NO_COLOR", "COLUMNS")}
    return {**kept, **extra}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "definitions.py").write_text(SLOW, encoding="utf-8")
    return tmp_path


def gapless(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*GAPLESS, *arguments],
        cwd=folder,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str, **extra: str) -> None:
        parent, child = pty.openpty()
        self.process = subprocess.Popen(
            [*GAPLESS, *arguments],
            cwd=folder,
            env=environment(TERM="xterm-256color", COLUMNS="100", **extra),
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
        )
        os.close(child)
        self._screen = parent
        self.raw = ""

    def end(self) -> int:
        """Wait for the end; everything that was shown is then in `raw`."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self._screen], [], [], 0.1)[0]:
                try:
                    shown = os.read(self._screen, 65_536)
                except OSError:  # the other end is closed: how Linux says that the terminal's last process ended
                    break
                self.raw += shown.decode("utf-8", "replace")
                if not shown:
                    break
            elif self.process.poll() is not None:
                break
        code = self.process.wait(30)
        os.close(self._screen)
        return code

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw).replace("\r", "\n")


def test_a_terminal_shows_a_live_bar_and_colours(project):
    terminal = Terminal(project, "materialize", "slow", "--range", "2024-01-01..2024-01-20")

    assert terminal.end() == 1
    assert re.search(r"\d+ done · 1 failed · \d+ left · [\d.]+/s", terminal.text)
    assert "failed slow 2024-01-02: ValueError: no second of January" in terminal.text
    assert "19 materialized, 1 failed; 19 rows in " in terminal.text
    assert "\x1b[31m" in terminal.raw


def test_a_terminal_without_colours_shows_the_same(project):
    terminal = Terminal(project, "materialize", "slow", "--range", "2024-01-01..2024-01-20", "--no-color")

    assert terminal.end() == 1
    assert "1 failed" in terminal.text
    assert not re.search(r"\x1b\[(\d+;)*3\d", terminal.raw)


def test_errors_are_wrapped_at_the_width_of_the_terminal(project):
    terminal = Terminal(project, "materialize", "slow", "--partition", "2024-13-01")

    assert terminal.end() == 2
    lines = [line for line in terminal.text.splitlines() if line.strip()]
    assert len(lines) > 1
    assert all(len(line) < 100 for line in lines)
    assert lines[1].startswith("       ")


def test_ctrl_c_keeps_what_is_finished_and_the_next_one_carries_on(project):
    running = subprocess.Popen(
        [*GAPLESS, "materialize", "slow"],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(project / "begun")
    time.sleep(0.5)

    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)

    assert running.returncode == 130, out + err
    stopped = re.search(r"stopped: (\d+) materialized, (?:1 failed, )?(\d+) interrupted\.", out)
    assert stopped, out
    assert "the next one carries on:\n  gapless materialize slow\n" in out
    made = int(stopped.group(1))
    assert 0 < made < 365
    stored = json.loads(gapless(project, "query", "SELECT count(*) AS n FROM slow", "--json").stdout)
    assert stored == [{"n": made}]
    runs = json.loads(gapless(project, "runs", "show", "--json").stdout)
    assert runs["state"] == "canceled"
    assert runs["open"] == []
    rest = gapless(project, "materialize", "slow", "--range", "2024-01-01..2024-01-31", "--missing")
    assert rest.returncode == 0, rest.stdout + rest.stderr
    status = json.loads(gapless(project, "status", "slow", "--json").stdout)
    assert status["materialized"] >= max(30, made)


def test_nothing_but_our_own_words_is_left_on_standard_error(project):
    ended = gapless(project, "materialize", "slow", "--range", "2024-01-01..2024-01-03")

    assert ended.returncode == 1
    assert ended.stderr == ""
    assert gapless(project, "query", "SELECT nope FROM slow").stderr.startswith("error: the query failed")


def test_a_reader_that_leaves_early_is_no_error(project):
    ended = subprocess.run(
        ["sh", "-c", f"{' '.join(GAPLESS)} partitions list slow | head -n 1"],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.stdout == "· 2024-01-01  missing\n"
    assert ended.stderr == ""


def test_a_terminal_that_cannot_print_unicode_gets_ascii(project):
    gapless(project, "materialize", "slow", "--range", "2024-01-01..2024-01-03")

    ended = gapless(project, "status", "slow", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")

    assert ended.returncode == 0, ended.stderr
    assert "2024-01  # x # . ." in ended.stdout
    assert ended.stdout.isascii()


def test_an_older_ledger_elsewhere_is_found_by_its_variable(project, tmp_path):
    home = tmp_path / "elsewhere"

    gapless(project, "materialize", "slow", "--partition", "2024-01-01", GAPLESS_HOME=str(home))

    assert (home / "ledger.sqlite").exists()
    assert not (project / ".gapless").exists()
    status = gapless(project, "status", "slow", "--json", GAPLESS_HOME=str(home))
    assert json.loads(status.stdout)["materialized"] == 1
