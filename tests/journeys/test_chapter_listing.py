"""The chapter's listing: as it stands under ``--as-dagster``, and with the changes that the chapter needs to run."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest

from nursery import run

LISTING = Path(__file__).with_name("chapter_listing.py.txt").read_text(encoding="utf-8")
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plays" / "definitions.py"
GENERATOR = ROOT / "examples" / "plays" / "generate_plays.py"
GAPLESS = Path(sys.executable).parent / "gapless"
ROWS = 20


def with_gapless_imports(listing: str) -> str:
    return replaced(
        replaced(listing, "import dagster as dg", "import gapless as dg"),
        "from dagster_duckdb_polars import DuckDBPolarsIOManager",
        "from gapless import DuckDBPolarsIOManager",
    )


def with_literal(listing: str) -> str:
    bare = 'partition_datetime.strftime("%Y-%m-%d")'
    return replaced(listing, bare, f"pl.lit({bare})")


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with ten days of plays, from 2024-01-01 on."""
    size = ["--days", "10", "--rows", str(ROWS)]
    subprocess.run([sys.executable, GENERATOR, "--into", tmp_path, *size], check=True)
    return tmp_path


def gapless(folder: Path, *arguments: str) -> CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "GAPLESS_HOME"}
    environment["COLUMNS"] = "200"
    return run([GAPLESS, *arguments], cwd=folder, env=environment)


def rows_by_day(folder: Path) -> dict[str, int]:
    with duckdb.connect(str(folder / "db.duckdb"), read_only=True) as connection:
        return dict(
            connection.execute("SELECT date, count(*) FROM public.plays GROUP BY date ORDER BY date").fetchall()
        )


def test_the_unedited_listing_lists_and_plans_as_dagster(project):
    (project / "definitions.py").write_text(LISTING, encoding="utf-8")

    listed = gapless(project, "list", "--as-dagster")
    planned = gapless(project, "plan", "plays", "--range", "2024-01-01..2024-01-10", "--as-dagster", "--json")

    assert listed.returncode == 0, listed.stderr
    assert "plays" in listed.stdout
    assert "plays_job_schedule" in listed.stdout
    assert planned.returncode == 0, planned.stderr
    assert "2024-01-10" in json.dumps(json.loads(planned.stdout))
    assert not (project / "db.duckdb").exists()


def test_the_unedited_listing_says_that_dagster_resolves_to_gapless(project):
    (project / "definitions.py").write_text(LISTING, encoding="utf-8")

    listed = gapless(project, "list", "--as-dagster")

    assert "dagster is not installed" in listed.stdout + listed.stderr


def test_running_the_unedited_listing_fails_with_a_hint_at_the_literal(project):
    (project / "definitions.py").write_text(LISTING, encoding="utf-8")

    ran = gapless(project, "materialize", "plays", "--partition", "2024-01-01", "--as-dagster")

    assert ran.returncode == 1
    assert "pl.lit" in ran.stdout + ran.stderr


def test_without_the_flag_the_unedited_listing_is_told_how_to_run(project):
    (project / "definitions.py").write_text(LISTING, encoding="utf-8")

    listed = gapless(project, "list")

    assert listed.returncode == 2
    assert "--as-dagster" in listed.stderr
    assert "import gapless as dg" in listed.stderr


def test_with_imports_and_literal_changed_it_runs_from_files_to_table(project):
    (project / "definitions.py").write_text(with_literal(with_gapless_imports(LISTING)), encoding="utf-8")

    ran = gapless(project, "materialize", "plays", "--range", "2024-01-01..2024-01-10")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert rows_by_day(project) == {f"2024-01-{day:02d}": ROWS for day in range(1, 11)}


def test_with_only_the_literal_changed_it_runs_as_dagster(project):
    (project / "definitions.py").write_text(with_literal(LISTING), encoding="utf-8")

    ran = gapless(project, "materialize", "plays", "--range", "2024-01-01..2024-01-10", "--as-dagster")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert rows_by_day(project) == {f"2024-01-{day:02d}": ROWS for day in range(1, 11)}


def test_making_a_day_again_replaces_its_rows_and_no_others(project):
    (project / "definitions.py").write_text(with_literal(with_gapless_imports(LISTING)), encoding="utf-8")
    gapless(project, "materialize", "plays", "--range", "2024-01-01..2024-01-03")

    again = gapless(project, "materialize", "plays", "--partition", "2024-01-02")

    assert again.returncode == 0, again.stdout + again.stderr
    assert rows_by_day(project) == {"2024-01-01": ROWS, "2024-01-02": ROWS, "2024-01-03": ROWS}


def test_a_failed_day_is_repaired_by_failed_alone(project):
    (project / "definitions.py").write_text(with_literal(with_gapless_imports(LISTING)), encoding="utf-8")
    broken = project / "2024" / "01" / "05" / "plays.csv"
    whole = broken.read_text(encoding="utf-8")
    broken.unlink()

    first = gapless(project, "materialize", "plays", "--range", "2024-01-01..2024-01-10")

    assert first.returncode == 1
    assert "2024-01-05" not in rows_by_day(project)
    assert len(rows_by_day(project)) == 9

    broken.write_text(whole, encoding="utf-8")
    repaired = gapless(project, "materialize", "plays", "--failed")

    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert rows_by_day(project) == {f"2024-01-{day:02d}": ROWS for day in range(1, 11)}


def test_the_example_is_the_listing_with_these_changes():
    """The example may be laid out differently, but it declares and does the same."""
    changed = with_literal(with_gapless_imports(LISTING))

    assert statements(EXAMPLE.read_text(encoding="utf-8")) == statements(changed)


def statements(text: str) -> str:
    # The listing names the frame before it returns it.
    return ast.unparse(ast.parse(text)).replace("    df = pl.", "    return pl.").replace("    return df\n", "")
