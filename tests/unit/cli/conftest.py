"""A project in a folder of its own, with real DuckDB and SQLite, and the program called as a function."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from gapless.cli.main import main

# Its functions fail where a file says so, so that tests break and repair partitions as the world does.
DEFINITIONS = '''
from pathlib import Path

import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager

days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-15")
weeks = dg.WeeklyPartitionsDefinition(start_date="2024-01-07", end_date="2024-01-15")


def broken(key):
    return Path(f"broken-{key}").exists()


@dg.asset(partitions_def=days, metadata={"partition_expr": "date"}, kinds={"duckdb"}, group_name="raw")
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """One row for each play.

    More about it.
    """
    if broken(context.partition_key):
        raise ValueError(f"the file is torn\\nin two")
    context.log.info("reading")
    context.add_output_metadata({"source": "league"})
    return pl.DataFrame({"date": [context.partition_key] * 2, "yards": [1.5, None]})


@dg.asset(partitions_def=weeks, metadata={"partition_expr": "week"})
def weekly(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"week": [context.partition_key], "plays": [plays.height]})


@dg.asset(deps=[weekly])
def report() -> pl.DataFrame:
    return pl.DataFrame({"text": ["fine"]})


plays_job = dg.define_asset_job("plays_job", selection=["plays"], description="Every day.")

defs = dg.Definitions(
    assets=[plays, weekly, report],
    resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb")},
    jobs=[plays_job],
    schedules=[dg.build_schedule_from_partitioned_job(plays_job)],
)
'''


@dataclass(frozen=True)
class Ended:
    """What a command line left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GAPLESS_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    # Tests rewrite a project within the second, to the same length; Python would take its bytecode for current.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before, path = set(sys.modules), list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def project(folder: Path) -> Path:
    (folder / "definitions.py").write_text(dedent(DEFINITIONS), encoding="utf-8")
    return folder


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The program: ``cli("status", "plays")``."""

    def call(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call
