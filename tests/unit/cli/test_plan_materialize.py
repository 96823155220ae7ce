"""`plan` and `materialize`: what is asked for, what is said, how it exits."""

import pytest

NOTHING_MISSING = "nothing to do: nothing is missing.\n"


def break_day(project, key):
    (project / f"broken-{key}").touch()


def name_the_day_in_the_reason(project):
    definitions = project / "definitions.py"
    text = definitions.read_text(encoding="utf-8")
    definitions.write_text(text.replace("the file is torn", "{context.partition_key} is torn"), encoding="utf-8")


def repair(project):
    for file in project.glob("broken-*"):
        file.unlink()


def stored_days(cli):
    rows = cli("query", "SELECT date, count(*)::INT AS n FROM plays GROUP BY date ORDER BY date", "--json").json
    return {row["date"]: row["n"] for row in rows}


def test_a_plan_gives_assets_in_order_with_reasons_and_ranges(cli, project):
    cli("materialize", "plays", "--partition", "2024-01-03")

    out = cli("plan").out

    assert out == (
        "15 partitions of 3 assets, in this order:\n\n"
        "plays  13 partitions\n  13 never made: 2024-01-01..2024-01-02, 2024-01-04..2024-01-14\n\n"
        "weekly  1 partition\n  1 never made: 2024-01-07\n\n"
        "report  whole\n  never made\n\n"
        "to run it  gapless materialize\n"
    )


def test_a_plan_lists_every_key_when_asked(cli, project):
    out = cli("plan", "plays*", "--last", "2", "--keys").out

    assert "plays 2024-01-13  asked for\nplays 2024-01-14  asked for\n" in out
    assert "to run it  gapless materialize 'plays*' --last 2" in out


def test_a_plan_as_json_is_the_plan(cli, project):
    value = cli("plan", "plays", "--range", "2024-01-02..2024-01-04", "--json").json

    assert value["total"] == 3
    assert value["steps"][0]["ranges"] == [["2024-01-02", "2024-01-04"]]
    assert value["steps"][0]["reasons"][0]["reason"] == "requested"


def test_a_plan_repeats_the_scope_in_the_command_to_run(cli, project):
    assert "to run it  gapless materialize plays --all" in cli("plan", "plays", "--all").out


def test_an_empty_plan_says_so(cli, project):
    cli("materialize", "plays")

    assert cli("plan", "plays").out == "nothing to make.\n"


def test_a_plan_says_what_is_blocked_and_by_what(cli, project):
    ended = cli("plan", "weekly")

    assert ended.code == 1
    assert "blocked: 1 partition cannot be made now" in ended.out
    assert "weekly 2024-01-07  needs plays 2024-01-07..2024-01-13 (7 partitions), which are missing" in ended.out


def test_materialize_fills_what_is_missing_and_then_has_nothing_to_do(cli, project):
    first, second = cli("materialize"), cli("materialize")

    assert first.code == second.code == 0
    assert "16 materialized; 30 rows in " in first.out
    assert second.out == NOTHING_MISSING
    assert set(stored_days(cli).values()) == {2}


def test_making_partitions_again_replaces_them(cli, project):
    cli("materialize", "plays")

    again = cli("materialize", "plays", "--all")

    assert "14 materialized; 28 rows" in again.out
    assert set(stored_days(cli).values()) == {2}


def test_partitions_are_named_by_key_range_and_last_together(cli, project):
    ended = cli(
        *("materialize", "plays", "--partition", "2024-01-01", "--partition", "2024-01-03"),
        *("--range", "2024-01-05..2024-01-06", "--last", "1"),
    )

    assert ended.code == 0
    assert list(stored_days(cli)) == ["2024-01-01", "2024-01-03", "2024-01-05", "2024-01-06", "2024-01-14"]


def test_a_job_is_a_selection(cli, project):
    ended = cli("materialize", "--job", "plays_job")

    assert "14 materialized" in ended.out
    assert cli("runs", "list", "--json").json[0]["job"] == "plays_job"


def test_plain_lines_tell_the_start_each_failure_and_the_end(cli, project):
    break_day(project, "2024-01-05")

    ended = cli("materialize", "plays", "--range", "2024-01-04..2024-01-06")

    lines = ended.out.splitlines()
    assert ended.code == 1
    assert lines[0].startswith("run 20")
    assert lines[0].endswith(": 3 partitions of plays")
    assert lines[1] == "failed plays 2024-01-05: ValueError: the file is torn"
    assert lines[2].startswith("2 materialized, 1 failed; 4 rows in ")


def test_the_summary_shows_one_failure_in_full_and_the_way_on(cli, project):
    name_the_day_in_the_reason(project)
    for day in range(1, 9):
        break_day(project, f"2024-01-0{day}")

    out = cli("materialize", "plays").out

    assert "failed: 8\n" in out
    assert "    Traceback (most recent call last):\n" in out
    assert "definitions.py" in out
    assert "is torn\n    in two\n" in out
    assert out.count("Traceback") == 1
    assert "  … and 3 more\n" in out
    run = cli("runs", "list", "--json").json[0]["run_id"]
    assert "retry these  gapless materialize plays --failed\n" in out
    assert f"see why      gapless runs logs {run} --failed\n" in out


def test_partitions_that_failed_for_one_reason_are_told_together(cli, project):
    for day in range(1, 9):
        break_day(project, f"2024-01-0{day}")

    out = cli("materialize", "plays", "--workers", "1").out

    assert "failed: 8\n  plays 2024-01-01 and 7 more:\n    Traceback (most recent call last):\n" in out
    assert out.count("Traceback") == 1
    assert "\n  … and" not in out.partition("skipped:")[0]


def test_only_the_first_failures_are_told_as_they_occur(cli, project):
    name_the_day_in_the_reason(project)
    for day in range(1, 15):
        break_day(project, f"2024-01-{day:02d}")

    out = cli("materialize", "plays", "--workers", "1").out

    assert out.count("failed plays") == 10
    assert "further failures are only counted here." in out


def test_a_frame_that_does_not_fit_is_shown_with_its_message(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace('"date": [context.partition_key] * 2', '"date": ["2024-01-01", "2024-01-02"]')
    (project / "definitions.py").write_text(text, encoding="utf-8")

    out = cli("materialize", "plays", "--range", "2024-01-01..2024-01-02").out

    assert "failed plays 2024-01-01: " in out
    assert "asset 'plays', partition" not in out.splitlines()[1]  # it is said once
    assert "2024-01-02" in out


def test_what_depends_on_a_failure_is_skipped_and_failed_repairs_both(cli, project):
    break_day(project, "2024-01-09")

    first = cli("materialize", "plays*", "--range", "2024-01-07..2024-01-13")
    repair(project)
    repaired = cli("materialize", "--failed")

    assert first.code == 1
    assert "6 materialized, 1 failed, 2 skipped" in first.out
    assert "skipped: 2\n  weekly 2024-01-07: plays 2024-01-09 failed\n" in first.out
    assert repaired.code == 0
    assert "3 materialized; 4 rows" in repaired.out
    assert cli("materialize", "--failed").out == "nothing to do: no partition has failed.\n"


def test_failed_partitions_are_left_out_of_missing_and_the_way_to_them_is_told(cli, project):
    break_day(project, "2024-01-09")
    cli("materialize", "plays")

    ended = cli("materialize", "plays")

    assert ended.code == 0
    assert ended.out == (
        NOTHING_MISSING + "\nfailed before and left out: 1 of plays. To try them again:\n"
        "  gapless materialize plays --failed\n"
    )


def test_what_is_blocked_is_told_and_exits_with_1(cli, project):
    ended = cli("materialize", "weekly")

    assert ended.code == 1
    assert ended.out.startswith("nothing can be made now.\n\nblocked: 1 partition cannot be made now\n")
    assert not cli("runs", "list", "--json").json


def test_materialize_as_json_is_one_value(cli, project):
    break_day(project, "2024-01-09")

    ended = cli("materialize", "plays*", "--range", "2024-01-07..2024-01-13", "--json")

    value = ended.json
    assert ended.code == 1
    assert (value["state"], value["planned"], value["materialized"], value["rows"]) == ("failed", 9, 6, 12)
    assert value["failed"] == [{"asset": "plays", "partition": "2024-01-09", "reason": "ValueError: the file is torn"}]
    assert [skipped["asset"] for skipped in value["skipped"]] == ["weekly", "report"]


def test_a_blocked_plan_as_json(cli, project):
    value = cli("materialize", "weekly", "--json").json

    assert (value["run_id"], value["planned"], value["materialized"]) == (None, 0, 0)
    assert value["blocked"][0]["partition"] == "2024-01-07"


@pytest.mark.parametrize("command", ["plan", "materialize"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["plaiz"], "there is no asset 'plaiz'. Did you mean 'plays'?"),
        (["plays", "--partition", "2024-1-5"], "asset 'plays' has no partition '2024-1-5'. Nearest: '2024-01-05'."),
        (["plays", "--partition", "2024-01-15"], "asset 'plays' has no partition '2024-01-15'. Nearest: '2024-01-14'"),
        (["plays", "--range", "2024-01-05"], "cannot use '2024-01-05' as a range of partitions: it has no '..'."),
        (["plays", "--range", "2024-01-05.."], "its end is empty"),
        (["plays", "--range", "2024-01-05..2024-01-04"], "its start '2024-01-05' comes after its end '2024-01-04'"),
        (["plays", "--range", "2024-01-05..2024-09-04"], "asset 'plays' has no partition '2024-09-04'"),
        (["plays", "--last", "0"], "cannot take the last 0 partitions. Ask for at least one: --last 1"),
        (["plays", "--last", "many"], "invalid value for '--last': 'many' is not a valid integer."),
        (["plays", "--all", "--failed"], "--failed and --all contradict each other; give one of them."),
        (["report", "--partition", "2024-01-05"], "asset 'report' is unpartitioned, so there is no partition"),
        (["report", "--last", "2"], "asset 'report' is unpartitioned, so there is no newest 2 to make"),
        (["report", "--range", "a..b"], "asset 'report' is unpartitioned, so there is no range 'a..b' to make"),
        (["--job", "plays_jib"], "there is no job 'plays_jib'. Did you mean 'plays_job'?"),
        (["plays", "--job", "plays_job"], "a job has its own selection, give one of them."),
        (["group:rav"], "selection 'group:rav': no asset has this group."),
        (["pl*ys"], "patterns are written key:pl*ys"),
        (["plays", "--partition", "'; drop table plays; --"], 'has no partition "\'; drop table plays; --"'),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_way_out(command, options, message, cli, project):
    ended = cli(command, *options)

    assert ended.code == 2
    assert ended.out == ""
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert not (project / "db.duckdb").exists()


def test_there_is_at_least_one_worker(cli, project):
    assert "invalid value for '--workers': 0 is not in the range x>=1" in cli("materialize", "--workers", "0").err


def test_an_unpartitioned_asset_beside_a_partitioned_one_is_made_whole(cli, project):
    (project / "definitions.py").write_text(
        (project / "definitions.py").read_text(encoding="utf-8").replace("deps=[weekly]", ""), encoding="utf-8"
    )

    assert "3 partitions of 2 assets" in cli("materialize", "plays", "report", "--last", "2").out


def test_a_lookup_table_does_not_put_all_of_its_readers_in_view(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8").replace("deps=[weekly]", "")
    text = text.replace("def plays(context: dg.AssetExecutionContext)", "def plays(context, report: pl.DataFrame)")
    (project / "definitions.py").write_text(text, encoding="utf-8")

    value = cli("plan", "report", "plays", "--partition", "2024-01-05", "--json").json

    assert {step["asset"]: step["partitions"] for step in value["steps"]} == {"report": 1, "plays": 1}
