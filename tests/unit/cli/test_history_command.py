"""`gapless history`: what became of a partition, as a table and as JSON."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import pytest

from gapless.ledger.contract import EventKind, Outcome
from gapless.ledger.home import open_ledger


def lines(ended):
    assert ended.code == 0, ended.err
    return ended.out.splitlines()


@pytest.fixture
def made(project, cli):
    assert cli("materialize", "plays", "--last", "3").code == 0
    return project


def test_a_commit_is_shown_with_what_it_left(made, cli):
    head, line = lines(cli("history", "plays", "--partition", "2024-01-14"))
    assert head.split() == ["N", "WHEN", "WHAT", "ROWS", "SIZE", "VERSION", "RUN"]
    assert re.fullmatch(
        r"\*  \d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  materialized +2 +\d+ bytes  [0-9a-f]{8}  [0-9a-f-]+", line
    )


def test_the_newest_is_first_and_only_what_is_there_is_marked(made, cli):
    assert cli("materialize", "plays", "--partition", "2024-01-13", "--all").code == 0
    assert cli("materialize", "plays", "--partition", "2024-01-13", "--all").code == 0
    found = cli("history", "plays", "--partition", "2024-01-13", "--json").json["history"]
    assert [entry["current"] for entry in found] == [True, False, False]
    assert [entry["number"] for entry in found] == sorted((entry["number"] for entry in found), reverse=True)
    assert len({entry["version"] for entry in found}) == 1  # equal rows
    assert len({entry["run_id"] for entry in found}) == 3
    assert len(cli("history", "plays", "--partition", "2024-01-13", "--limit", "2", "--json").json["history"]) == 2


def test_of_all_of_an_asset_the_partitions_are_told(made, cli):
    head, *rest = lines(cli("history", "plays"))
    assert "PARTITION" in head
    assert {line.split()[4] for line in rest} == {"2024-01-14", "2024-01-13", "2024-01-12"}
    assert all(line.startswith("*") for line in rest)


def test_inputs_are_named_with_their_versions(project, cli):
    assert cli("materialize").code == 0
    found = cli("history", "weekly", "--json").json["history"]
    assert {entry["inputs"]["plays"]["partitions"] for entry in found} == {7}
    (version,) = {entry["inputs"]["plays"]["version"][:8] for entry in found if entry["partition"] == "2024-01-07"}
    (line,) = [line for line in lines(cli("history", "weekly")) if "2024-01-07" in line]
    assert f"plays ×7 {version}" in line


def test_a_failure_leaves_what_was_there(made, cli, project):
    (project / "broken-2024-01-14").touch()
    assert cli("materialize", "plays", "--partition", "2024-01-14", "--all").code == 1
    failed, before = cli("history", "plays", "--partition", "2024-01-14", "--json").json["history"]
    assert (failed["what"], failed["current"], failed["rows"]) == ("failed", False, None)
    assert "the file is torn" in failed["reason"]
    assert (before["what"], before["current"]) == ("materialized", True)
    assert "failed" in cli("history", "plays", "--partition", "2024-01-14").out


def test_what_was_wiped_is_there_no_more(made, cli):
    assert cli("wipe", "plays", "--partition", "2024-01-14", "--yes").code == 0
    wiped, before = cli("history", "plays", "--partition", "2024-01-14", "--json").json["history"]
    assert (wiped["what"], before["what"]) == ("wiped", "materialized")
    assert (before["current"], before["rows"]) == (False, 2)
    assert cli("wipe", "plays", "--yes").code == 0
    everything, *_ = cli("history", "plays", "--partition", "2024-01-13", "--json").json["history"]
    assert (everything["what"], everything["partition"]) == ("wiped", None)


def test_what_only_the_data_knows_is_shown_too(made, cli, project):
    for path in (project / ".gapless").iterdir():
        path.unlink()
    for partition in ((), ("--partition", "2024-01-14")):
        found = cli("history", "plays", *partition, "--json").json["history"]
        assert {(entry["recorded"], entry["current"], entry["rows"]) for entry in found} == {(False, True, 2)}
        assert len(found) == (1 if partition else 3)
    assert "known to the data only" in cli("history", "plays").out


def test_what_checks_found_stands_beside_the_commit(made, cli):
    run_id = cli("history", "plays", "--partition", "2024-01-14", "--json").json["history"][0]["run_id"]

    def checked(run, name, passed):
        payload = {"check": name, "passed": passed, "severity": "WARN", "blocking": False, "description": "1 of 2 rows"}
        with open_ledger() as ledger:
            at = ledger.events(limit=1)[0].at
            ledger.record(run, [Outcome("plays", "2024-01-14", EventKind.CHECKED, at, None, payload=payload)])

    checked(run_id, "row_count", True)
    checked(run_id, "no_nulls", False)
    (entry,) = cli("history", "plays", "--partition", "2024-01-14", "--json").json["history"]
    assert [(check["name"], check["passed"]) for check in entry["checks"]] == [("row_count", True), ("no_nulls", False)]
    shown = lines(cli("history", "plays"))
    place = next(place for place, line in enumerate(shown) if "2024-01-14" in line)
    assert shown[place + 1] == "   no_nulls did not pass: 1 of 2 rows; 1 check passed"
    checked("later", "no_nulls", False)
    alone, _ = cli("history", "plays", "--partition", "2024-01-14", "--json").json["history"]
    assert (alone["what"], alone["run_id"]) == ("checked", "later")


def test_nothing_yet_says_how_to_begin(project, cli):
    ended = cli("history", "plays")
    assert ended.out == "nothing has happened to plays yet. Make it with: gapless materialize plays\n"
    ended = cli("history", "plays", "--partition", "2024-01-02")
    assert ended.out.endswith("gapless materialize plays --partition 2024-01-02\n")
    assert cli("history", "plays", "--json").json == {"asset": "plays", "partition": None, "history": []}


def test_what_does_not_exist_is_refused_as_everywhere(project, cli):
    assert "Did you mean 'plays'" in cli("history", "play").err or "plays" in cli("history", "play").err
    assert cli("history", "play").code == 2
    ended = cli("history", "plays", "--partition", "2024-02-30")
    assert ended.code == 2
    assert "asset 'plays' has no partition '2024-02-30'" in ended.err
    ended = cli("history", "report", "--partition", "2024-01-02")
    assert "asset 'report' is unpartitioned, so no partition of it can be named" in ended.err


def test_a_partition_that_left_the_definition_keeps_its_history(made, cli, project):
    path = project / "definitions.py"
    path.write_text(path.read_text().replace('end_date="2024-01-15")\nweeks', 'end_date="2024-01-10")\nweeks'))
    (entry,) = cli("history", "plays", "--partition", "2024-01-14", "--json").json["history"]
    assert entry["what"] == "materialized"


def test_a_database_that_somebody_holds_leaves_what_was_recorded(made, cli, project):
    path = project / "definitions.py"
    path.write_text(path.read_text().replace('database="db.duckdb"', 'database="db.duckdb", lock_timeout=0.2'))
    program = textwrap.dedent("""
        import duckdb
        connection = duckdb.connect("db.duckdb")
        print("in", flush=True)
        input()
    """)
    holder = subprocess.Popen(
        [sys.executable, "-c", program], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    ended = cli("history", "plays", "--partition", "2024-01-14", "--json")
    holder.communicate("\n")
    assert ended.err.startswith("note: this is what was recorded; the data could not be asked: ")
    (entry,) = ended.json["history"]
    assert (entry["rows"], entry["current"], entry["number"]) == (2, True, None)
