"""`gapless demo` tells a story, and every word of it is true."""

import os
import re
import subprocess
import sys

import duckdb
import pytest


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "plays"
    environment = {**os.environ, "COLUMNS": "100", "GAPLESS_HOME": str(folder.parent / "must-not-be-used")}
    ended = subprocess.run(
        [sys.executable, "-m", "gapless.cli.main", "demo", "--dir", str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder, ended.stdout


def test_the_commands_are_shown_as_a_person_types_them(told):
    _, out = told

    assert re.findall(r"^\$ (.*)$", out, re.MULTILINE) == [
        "gapless list",
        "gapless materialize",
        "truncate --size 0 2024/02/14/plays.csv",
        "gapless materialize 'plays*' --range 2024-02-11..2024-02-17",
        "gapless status plays",
        "gapless materialize --failed",
        "gapless status",
        "gapless query 'SELECT team, count(*) AS plays, sum(points) AS points FROM plays GROUP BY team"
        " ORDER BY points DESC LIMIT 3'",
    ]


def test_all_is_made_one_day_breaks_and_only_that_is_repaired(told):
    _, out = told

    assert "67 materialized; 12,042 rows" in out
    assert "6 materialized, 1 failed, 1 skipped; 1,200 rows" in out
    assert "2024-02-14  NoDataError: empty CSV" in out
    assert "1 of them still has the rows of an earlier success." in out
    assert "2 materialized; 206 rows" in out


def test_in_the_end_every_row_is_there_once(told):
    folder, _ = told

    with duckdb.connect(str(folder / "db.duckdb"), read_only=True) as connection:
        connection.execute("SET search_path = 'public'")
        plays = connection.execute("SELECT count(*), count(DISTINCT play_id), count(DISTINCT date) FROM plays")
        assert plays.fetchone() == (12_000, 12_000, 60)
        weeks = connection.execute("SELECT count(*), count(DISTINCT week) FROM team_weeks")
        assert weeks.fetchone() == (42, 7)


def test_it_ends_with_what_to_type_next_and_keeps_out_of_other_projects(told):
    folder, out = told

    assert f"Now you:\n  cd {folder}\n" in out
    assert (folder / ".gapless").is_dir()
    assert not (folder.parent / "must-not-be-used").exists()
