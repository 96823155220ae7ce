"""What the command line says when the database or the ledger is gone."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

import pytest

from nursery import run as run_program

DEFINITIONS = textwrap.dedent(
    """
    import polars as pl
    import gapless as dg

    daily = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")

    @dg.asset(partitions_def=daily, metadata={"partition_expr": "date"})
    def plays(context) -> pl.DataFrame:
        return pl.DataFrame({"date": [context.partition_key]})

    defs = dg.Definitions(assets=[plays], resources={"io_manager": dg.DuckDBPolarsIOManager("db.duckdb")})
    """
)


@pytest.fixture
def gapless(tmp_path):
    (tmp_path / "definitions.py").write_text(DEFINITIONS)

    def run(*arguments):
        environment = {**os.environ, "GAPLESS_HOME": "", "NO_COLOR": "1"}
        return run_program([sys.executable, "-m", "gapless.cli.main", *arguments], cwd=tmp_path, env=environment)

    assert run("materialize").returncode == 0
    return run


LOST = (
    "note: 5 partitions of plays were recorded as made, but the database does not hold them: they count as missing.\n"
)
FOUND = "note: the database holds 5 partitions of plays that nothing was recorded about: they count as made.\n"


def test_a_deleted_database_is_told_by_plan_and_run_and_made_again(gapless, tmp_path):
    (tmp_path / "db.duckdb").unlink()
    status = gapless("status")
    assert "db.duckdb" in status.stderr
    assert "holds nothing any more; what is shown as materialized in it is gone" in status.stderr
    planned = gapless("plan")
    assert planned.stderr == LOST
    assert "5 never made: 2024-01-01..2024-01-05" in planned.stdout
    made = gapless("materialize")
    assert made.stderr == LOST
    assert "5 materialized" in made.stdout
    assert gapless("plan").stderr == ""
    assert gapless("status").stderr == ""


def test_a_backup_with_other_rows_is_told_and_believed(gapless, tmp_path):
    shutil.copy(tmp_path / "db.duckdb", tmp_path / "backup.duckdb")
    definitions = tmp_path / "definitions.py"
    definitions.write_text(definitions.read_text().replace("[context.partition_key]", "[context.partition_key] * 2"))
    assert gapless("materialize", "--last", "2", "--all").returncode == 0
    shutil.copy(tmp_path / "backup.duckdb", tmp_path / "db.duckdb")
    told = (
        "note: of 2 partitions of plays the database holds another version than was recorded:"
        " what it holds counts as made.\n"
    )
    planned = gapless("plan")
    assert (planned.stderr, planned.stdout) == (told, "nothing to make.\n")
    assert gapless("materialize").stderr == told
    assert gapless("materialize").stderr == ""


def test_a_deleted_ledger_learns_from_the_database(gapless, tmp_path):
    shutil.rmtree(tmp_path / ".gapless")
    planned = gapless("plan")
    assert (planned.stderr, planned.stdout) == (FOUND, "nothing to make.\n")
    assert not (tmp_path / ".gapless").exists()
    assert gapless("materialize").stderr == FOUND
    assert gapless("materialize").stderr == ""
