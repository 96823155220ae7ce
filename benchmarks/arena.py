"""Where the contestants meet: the scratch folder with the generated plays, and the interpreters."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.measure import Contestant

__all__ = ["CONTESTANTS", "DAGSTER_SETTINGS", "Arena"]

HERE = Path(__file__).parent
CONTESTANTS = HERE / "contestants"
START = "2021-01-01"
PEER_VENV = HERE / ".peer-venv"
DAGSTER_SETTINGS = {"../dagster-home/dagster.yaml": "telemetry:\n  enabled: false\n"}
PEER_REQUIREMENTS = HERE / "peer-requirements.txt"


@dataclass(frozen=True)
class Arena:
    """The place and the size of one benchmark session.

    Attributes:
        folder: A scratch folder.
        days: Days of plays, at least 60.
        rounds: Runs of each contestant of a question.
        rows: Plays a day.
        partitions: Recorded partitions that the status question asks about.
        peer_days: Days for the peer that takes a third of a second for each.
        windows: Partitions of the definitions that the question about partitions asks.
        peer_windows: The same where the peer is asked too, which takes seconds for each operation.
        slices: Slices that are written and read one by one.
        read_rows: Rows of the table that they are read from.
        stream_rows: Rows of the slice that is larger than memory.
        chosen_peer: An interpreter that has the packages of peer-requirements.txt; None makes a virtual environment.
    """

    folder: Path
    days: int = 1_000
    rounds: int = 3
    rows: int = 1_000
    partitions: int = 10_000
    peer_days: int = 30
    windows: int = 1_000_000
    peer_windows: int = 100_000
    slices: int = 1_000
    read_rows: int = 10_000_000
    stream_rows: int = 50_000_000
    chosen_peer: Path | None = None

    @cached_property
    def plays(self) -> Path:
        """The folder with ``YYYY/MM/DD/plays.csv``, where the contestants work; generated when first asked for."""
        into = self.folder / "plays"
        print(f"writing {self.days:,} days of {self.rows:,} plays", file=sys.stderr)
        generator = HERE.parent / "examples" / "plays" / "generate_plays.py"
        size = ["--start", START, "--days", str(self.days), "--rows", str(self.rows)]
        subprocess.run([sys.executable, generator, "--into", into, *size], check=True)
        return into

    @cached_property
    def peer_python(self) -> Path:
        """The interpreter that has the incumbent; its virtual environment is made on first use."""
        if self.chosen_peer is not None:
            return self.chosen_peer
        python = PEER_VENV / "bin" / "python"
        wanted = PEER_REQUIREMENTS.read_text(encoding="utf-8")
        installed = PEER_VENV / "installed.txt"
        if not installed.exists() or installed.read_text(encoding="utf-8") != wanted:
            print(f"installing {PEER_REQUIREMENTS.name} into {PEER_VENV}", file=sys.stderr)
            venv.create(PEER_VENV, with_pip=True, clear=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", PEER_REQUIREMENTS], check=True)
            installed.write_text(wanted, encoding="utf-8")
        return python

    @property
    def gapless(self) -> Path:
        """The `gapless` program of this interpreter's environment."""
        return Path(sys.executable).parent / "gapless"

    @property
    def environment(self) -> dict[str, str]:
        """What the contestants are told: the days that exist, and where to remember what happened."""
        return {
            "BENCH_START": START,
            "BENCH_DAYS": str(self.days),
            "GAPLESS_HOME": str(self.folder / "gapless-home"),
            "DAGSTER_HOME": str(self.folder / "dagster-home"),
        }

    def filling(self, name: str, *argv: str | Path, days: int | None = None) -> Contestant:
        """A contestant that fills an empty table with all days, or the first `days`."""
        days = days or self.days
        return Contestant(
            name,
            argv,
            self.plays,
            environment={**self.environment, "BENCH_DAYS": str(days)},
            fresh=("db.duckdb", "db.duckdb.wal", "../gapless-home", "../dagster-home"),
            files=DAGSTER_SETTINGS,
            produces={"rows": days * self.rows, "days": days},
        )

    @property
    def ours(self) -> Contestant:
        """`gapless materialize` of all days."""
        definitions = CONTESTANTS / "gapless_plays.py"
        return self.filling("gapless", self.gapless, "materialize", "plays", "-f", definitions, "--all")
