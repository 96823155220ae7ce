"""Looking at a project: `list`, `status`, `partitions list`."""

import pytest

from gapless.ledger.contract import EventKind, Outcome, RunRecord, RunState, Status
from gapless.ledger.home import open_ledger


def test_list_names_assets_jobs_and_schedules(cli, project):
    out = cli("list").out

    assert "definitions.py: 3 assets" in out
    assert "plays   daily from 2024-01-01 to before 2024-01-15   -       raw      duckdb" in out
    assert "weekly  weekly from 2024-01-07 to before 2024-01-15  plays" in out
    assert "report  unpartitioned                                weekly" in out
    assert "plays_job  plays   Every day." in out
    assert "plays_job_schedule  plays_job  0 0 * * *  UTC       stopped" in out


def test_list_shows_the_first_line_of_a_description_where_there_is_room(cli, project, monkeypatch):
    assert "One row for each play." in cli("list").out
    assert "More about it." not in cli("list").out
    monkeypatch.setenv("COLUMNS", "80")
    assert "One row" not in cli("list").out


def test_list_leaves_out_columns_that_say_nothing(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    (project / "definitions.py").write_text(text.replace(', kinds={"duckdb"}, group_name="raw"', ""), encoding="utf-8")

    out = cli("list").out

    assert "GROUP" not in out
    assert "KINDS" not in out


def test_list_names_the_checks_of_each_asset(cli, project):
    assert "CHECKS" not in cli("list").out
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace("dg.Definitions(", "dg.Definitions(asset_checks=[dg.checks.not_null('plays', 'id')], ")
    (project / "definitions.py").write_text(text, encoding="utf-8")

    head, *rows = cli("list").out.splitlines()[2:6]
    assert "CHECKS" in head
    assert ["not_null_id" in row for row in rows] == [True, False, False]
    assert cli("list", "--json").json["assets"][0]["checks"] == [
        {"check": "not_null_id", "blocking": True, "description": "not_null of 'id'", "metadata": {}}
    ]


def test_list_knows_that_a_schedule_was_started(cli, project):
    with open_ledger() as ledger:
        ledger.set_schedule("plays_job_schedule", running=True)

    assert cli("list").out.rstrip().endswith("running")
    assert cli("list", "--json").json["schedules"][0]["running"] is True


def test_list_as_json_has_everything(cli, project):
    value = cli("list", "--json").json

    assert [asset["asset"] for asset in value["assets"]] == ["plays", "weekly", "report"]
    assert value["assets"][0]["description"].endswith("More about it.")
    assert value["assets"][1]["reads"] == ["plays"]
    assert value["assets"][2]["partitions"] is None
    assert value["jobs"] == [{"job": "plays_job", "assets": ["plays"], "description": "Every day."}]


def test_looking_leaves_no_trace(cli, project):
    for line in (
        ["list"],
        ["status"],
        ["status", "plays"],
        ["partitions", "list", "plays"],
        ["plan"],
        ["runs", "list"],
    ):
        assert cli(*line).code == 0

    assert not (project / ".gapless").exists()
    assert not (project / "db.duckdb").exists()


def test_status_counts_what_is_there_and_says_what_to_do(cli, project):
    (project / "broken-2024-01-05").touch()
    cli("materialize", "plays", "--range", "2024-01-01..2024-01-06")

    out = cli("status").out

    assert out.splitlines()[0].split() == ["ASSET", "PARTITIONS", "DONE", "FAILED", "MISSING", "ROWS", "UPDATED"]
    rows = [line.split() for line in out.splitlines()]
    assert ["plays", "■■■■✗■········", "14", "5", "1", "8", "10", "just", "now"] in rows
    assert ["report", "·", "-", "0", "-", "1", "-", "-"] in rows
    assert "■ materialized  ✗ failed  · missing" in out
    assert "retry what failed  gapless materialize --failed" in out
    assert "see why            gapless status plays" in out
    assert "fill the gaps      gapless materialize" in out


def test_status_of_a_complete_project_gives_no_advice(cli, project):
    cli("materialize")

    out = cli("status").out

    assert "MISSING" in out
    assert "gapless" not in out


def test_status_of_one_asset_shows_its_calendar_its_gaps_and_its_failures(cli, project):
    for key in ("05", "06"):
        (project / f"broken-2024-01-{key}").touch()
    cli("materialize", "plays", "--range", "2024-01-03..2024-01-06")

    out = cli("status", "plays").out

    assert out.startswith("plays  daily from 2024-01-01 to before 2024-01-15\n")
    assert "2 of 14 partitions materialized, 2 failed, 10 missing, 4 rows, last committed just now (" in out
    assert "2024-01  · · ■ ■ ✗ ✗ · · · · · · · ·                                    2/14" in out
    assert "failed: 2\n  2024-01-05..2024-01-06  ValueError: the file is torn\n" in out
    assert "missing: 10\n  2024-01-01..2024-01-02  (2)\n  2024-01-07..2024-01-14  (8)\n" in out
    assert "gapless materialize plays --failed" in out


def test_status_tells_failures_that_still_have_older_rows(cli, project):
    cli("materialize", "plays", "--range", "2024-01-03..2024-01-04")
    for key in ("03", "04"):
        (project / f"broken-2024-01-{key}").touch()
    cli("materialize", "plays", "--range", "2024-01-03..2024-01-04")

    assert "2 of them still have the rows of an earlier success." in cli("status", "plays").out


def test_status_shows_what_was_skipped_and_why(cli, project):
    (project / "broken-2024-01-09").touch()
    cli("materialize", "plays*", "--range", "2024-01-07..2024-01-13")

    out = cli("status", "weekly").out

    assert "0 of 1 partition materialized, 1 skipped" in out
    assert "2024  " in out
    assert "skipped: 1\n  2024-01-07  plays 2024-01-09 failed\n" in out


def test_status_of_an_unpartitioned_asset_is_a_sentence(cli, project):
    assert cli("status", "report").out.startswith("report  unpartitioned\nmissing\n")
    cli("materialize")
    assert cli("status", "report").out.startswith("report  unpartitioned\nmaterialized, 1 row, last committed just now")


def test_status_of_several_assets_is_a_table(cli, project):
    out = cli("status", "plays", "weekly").out

    assert "report" not in out
    assert "weekly" in out


@pytest.mark.parametrize("name", ["play", "plais"])
def test_status_of_an_unknown_asset_offers_the_closest(name, cli, project):
    ended = cli("status", name)

    assert ended.code == 2
    assert f"there is no asset '{name}'. Did you mean 'plays'?" in ended.err


def test_status_as_json(cli, project):
    cli("materialize", "plays", "--last", "3")

    assert [asset["materialized"] for asset in cli("status", "--json").json["assets"]] == [3, 0, 0]
    one = cli("status", "plays", "--json").json
    assert one["gaps"] == [{"first": "2024-01-01", "last": "2024-01-11", "count": 11}]
    assert one["heat_map"]["rows"][0]["cells"][13] == "materialized"


def test_status_counts_records_that_the_definition_does_not_have(cli, project):
    cli("materialize", "plays", "--partition", "2024-01-01")
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace('start_date="2024-01-01"', 'start_date="2024-01-02"')
    (project / "definitions.py").write_text(text, encoding="utf-8")

    said = "plays: 1 partition on record is not in its partitions definition; not counted."
    assert said in cli("status").out
    assert said in cli("status", "plays").out


def test_status_names_what_is_recorded_of_assets_that_are_gone(cli, project):
    cli("materialize", "--range", "2024-01-07..2024-01-13")
    text = (project / "definitions.py").read_text(encoding="utf-8")
    for old in ("def report()", "def weekly("):
        text = text.replace(old, old.replace("def ", "def new_"))
    text = text.replace("deps=[weekly]", "deps=[new_weekly]").replace(
        "plays, weekly, report", "plays, new_weekly, new_report"
    )
    (project / "definitions.py").write_text(text, encoding="utf-8")

    said = (
        "recorded, but not defined any more: report (1 partition), weekly (1 partition)."
        " To wipe them, define them again."
    )
    assert said in cli("status").out
    assert said not in cli("status", "plays", "new_weekly").out
    assert cli("status", "--json").json["not_defined"] == {"report": 1, "weekly": 1}


def test_gaps_that_cannot_be_filled_now_are_not_offered_to_be_filled(cli, project):
    out = cli("status", "weekly").out

    assert "fill the gaps" not in out
    assert "weekly 2024-01-07  needs plays 2024-01-07..2024-01-13 (7 partitions), which are missing" in out
    assert "make what they read too  gapless materialize '*weekly'" in out
    assert "fill the gaps" in cli("status").out


def test_gaps_behind_a_failure_are_explained_and_the_failure_is_what_to_retry(cli, project):
    (project / "broken-2024-01-09").touch()
    cli("materialize", "plays")

    out = cli("status").out

    assert "fill the gaps" not in out
    assert "weekly 2024-01-07  needs plays 2024-01-09, which failed" in out
    assert "retry what failed  gapless materialize --failed" in out


def test_gaps_that_will_never_be_filled_say_what_to_change(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace(
        "Daily" + 'PartitionsDefinition(start_date="2024-01-01"', 'DailyPartitionsDefinition(start_date="2024-01-10"'
    )
    (project / "definitions.py").write_text(text, encoding="utf-8")
    cli("materialize", "plays")

    for command in ("status", "plan", "materialize"):
        out = cli(command, "weekly").out

        assert "needs plays 2024-01-07..2024-01-09 (3 partitions), which do not exist" in out
        assert "allow_nonexistent_upstream_partitions=True" in out
        assert "begin weekly later: start_date" in out
        assert "gapless materialize" not in out


def test_what_a_function_says_and_upstream_never_has_is_told_what_helps(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text += """
@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["a"]),
    deps=[dg.AssetDep("plays", partition_mapping=dg.FunctionPartitionMapping(lambda key: "nope"))],
)
def odd() -> None: ...


defs = dg.Definitions(assets=[*defs.assets, odd], resources=defs.resources)
"""
    (project / "definitions.py").write_text(text, encoding="utf-8")

    out = cli("plan", "odd").out

    assert "odd a  needs plays nope, which does not exist" in out
    assert "FunctionPartitionMapping(\n  …, wait_for=WaitPolicy.existing()) as the partition_mapping" in out
    assert "or correct what it reads." in out
    assert "allow_nonexistent_upstream_partitions" not in out


def test_a_function_of_the_project_that_raises_is_not_called_a_bug_of_ours(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text += """
@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["a"]),
    deps=[dg.AssetDep("plays", partition_mapping=dg.FunctionPartitionMapping(lambda key: 1 / 0))],
)
def odd() -> None: ...


defs = dg.Definitions(assets=[*defs.assets, odd], resources=defs.resources)
"""
    (project / "definitions.py").write_text(text, encoding="utf-8")

    for command in ("plan", "materialize"):
        ended = cli(command, "odd")

        assert ended.code == 2
        assert "raised ZeroDivisionError: division by zero" in ended.err
        assert "bug" not in ended.err


def test_status_of_an_asset_whose_first_partition_is_still_to_come(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace('start_date="2024-01-01", end_date="2024-01-15"', 'start_date="2999-01-01"')
    (project / "definitions.py").write_text(text, encoding="utf-8")

    ended = cli("status", "plays")

    assert ended.code == 0
    assert "No partition exists yet." in ended.out


@pytest.mark.parametrize("look", [["status"], ["partitions", "list", "plays"]], ids=" ".join)
def test_a_run_whose_process_died_is_reconciled_before_looking(cli, project, look):
    from datetime import UTC, datetime

    from gapless.ledger.process import this_process

    now, here = datetime.now(UTC), this_process()
    with open_ledger() as ledger:
        ledger.start_run(
            RunRecord("r-dead", RunState.RUNNING, now, 1, {}, host=here.host, pid=2**22 + 1, process_started=1.0)
        )
        ledger.record(
            "r-dead", [Outcome("plays", "2024-01-01", EventKind.MATERIALIZED, now, Status.MATERIALIZED, rows=1)]
        )
        ledger.claim("r-dead", "plays", ["2024-01-02", "2024-01-03"], now)

    first, second = cli(*look), cli(*look)

    assert first.err.splitlines()[0] == (
        "note: run r-dead ended without a word: its process died. 2 partitions were claimed by it and are free again,"
        " with the rows from before."
    )
    assert "r-dead" not in second.err
    assert "crashed" in cli("runs", "list").out


def test_many_reasons_and_many_gaps_are_cut_with_their_count(cli, project):
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    with open_ledger() as ledger:
        ledger.start_run(RunRecord("r", RunState.RUNNING, now, 1, {}, host="elsewhere", pid=1))
        ledger.record(
            "r",
            [
                Outcome("plays", f"2024-01-{n:02d}", EventKind.FAILED, now, Status.FAILED, f"reason {n}")
                for n in range(1, 8)
            ],
        )
        ledger.end_run("r", RunState.FAILED, now)

    assert "… and 2 partitions for 2 other reasons" in cli("status", "plays").out


def test_more_gaps_than_fit_are_summed_up_oldest_first(cli, folder):
    (folder / "definitions.py").write_text(
        "import gapless as dg\n"
        'days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01")\n'
        "@dg.asset(partitions_def=days)\n"
        "def odd(context) -> dg.MaterializeResult:\n"
        "    return dg.MaterializeResult()\n",
        encoding="utf-8",
    )
    odd = [word for n in range(1, 32, 2) for word in ("--partition", f"2024-01-{n:02d}")]
    assert cli("materialize", *odd).code == 0

    out = cli("status", "odd").out

    assert "missing: 15" in out
    assert "  2024-01-30\n  … and 5 earlier partitions in 5 ranges\n" in out


def test_partitions_list_gives_each_key_with_its_state(cli, project):
    (project / "broken-2024-01-02").touch()
    cli("materialize", "plays", "--range", "2024-01-01..2024-01-02")

    lines = cli("partitions", "list", "plays").out.splitlines()

    assert len(lines) == 14
    assert lines[0] == "■ 2024-01-01  materialized  2 rows"
    assert lines[1] == "✗ 2024-01-02  failed  ValueError: the file is torn"
    assert lines[2] == "· 2024-01-03  missing"


def test_partitions_list_can_be_limited_to_the_newest(cli, project):
    out = cli("partitions", "list", "plays", "--limit", "2").out

    assert out == "· 2024-01-13  missing\n· 2024-01-14  missing\n… the newest 2 of 14 partitions\n"


def test_partitions_list_as_json(cli, project):
    cli("materialize", "plays", "--partition", "2024-01-14")

    value = cli("partitions", "list", "plays", "--json", "--limit", "1").json

    assert value["extent"] == 14
    (one,) = value["partitions"]
    assert (one["partition"], one["status"], one["rows"], one["reason"]) == ("2024-01-14", "materialized", 2, None)


def test_partitions_list_of_an_unpartitioned_asset_is_refused(cli, project):
    ended = cli("partitions", "list", "report")

    assert ended.code == 2
    assert ended.err == (
        "error: asset 'report' is unpartitioned, so it has no partitions to list. See it with: gapless status report\n"
    )


def test_partitions_list_of_an_unknown_asset_offers_the_closest(cli, project):
    assert "Did you mean 'weekly'?" in cli("partitions", "list", "weekl").err


@pytest.mark.parametrize("columns", [60, 80, 100, 140])
@pytest.mark.parametrize("line", ["list", "status", "status plays", "status weekly"])
def test_lines_fit_the_terminal(line, columns, cli, project, monkeypatch):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace('end_date="2024-01-15")', 'end_date="2024-01-15", timezone="America/New_York")')
    (project / "definitions.py").write_text(text, encoding="utf-8")
    (project / "broken-2024-01-05").touch()
    cli("materialize")
    monkeypatch.setenv("COLUMNS", str(columns))

    out = cli(*line.split()).out

    longest = max(map(len, out.splitlines()))
    assert longest <= (columns if columns > 60 else 74)  # below that, a month of days does not fit


def test_where_there_is_room_the_bar_is_longer(cli, project, monkeypatch):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace("2024-01-01", "2023-01-01")
    (project / "definitions.py").write_text(text, encoding="utf-8")

    monkeypatch.setenv("COLUMNS", "60")
    narrow = cli("status").out.count("·")
    monkeypatch.setenv("COLUMNS", "120")

    assert narrow < cli("status").out.count("·")
