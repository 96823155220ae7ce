"""After a run: `runs`, `query`, `wipe`."""

import shutil

import pytest

from gapless.ledger.contract import RunRecord, RunState
from gapless.ledger.home import open_ledger


@pytest.fixture
def with_a_failure(cli, project):
    """The first week of plays, without the 5th; the days of the week of 7th to 13th are missing."""
    (project / "broken-2024-01-05").touch()
    assert cli("materialize", "plays", "--range", "2024-01-01..2024-01-06").code == 1
    return project


def newest(cli):
    return cli("runs", "list", "--json").json[0]["run_id"]


def test_before_the_first_run_there_is_a_way_to_begin(cli, project):
    assert cli("runs", "list").out == "nothing has run yet. Start with: gapless materialize\n"
    for command in ("show", "logs"):
        ended = cli("runs", command)
        assert ended.code == 2
        assert ended.err == "error: nothing has run yet. Start with: gapless materialize\n"


def test_runs_are_listed_newest_first(cli, with_a_failure):
    cli("materialize", "plays", "--last", "1")

    lines = cli("runs", "list").out.splitlines()

    assert lines[0].split() == ["RUN", "STATE", "STARTED", "TOOK", "PARTITIONS", "JOB", "TRIGGER"]
    assert "succeeded" in lines[1]
    assert "failed" in lines[2]
    assert len(cli("runs", "list", "--limit", "1").out.splitlines()) == 2


def test_runs_need_no_definitions(cli, with_a_failure):
    (with_a_failure / "definitions.py").write_text("1 / 0", encoding="utf-8")

    for line in (["list"], ["show"], ["logs"]):
        assert cli("runs", *line).code == 0


def test_show_gives_partitions_by_outcome(cli, with_a_failure):
    out = cli("runs", "show").out

    assert f"run {newest(cli)}  failed\n" in out
    assert "; 6 partitions planned\n" in out
    assert "materialized  plays  5 partitions, 10 rows\n  2024-01-01, 2024-01-02, 2024-01-03, 2024-01-04, " in out
    assert "failed  plays  1 partition\n  2024-01-05\n  ValueError: the file is torn\n" in out
    assert f"see why  gapless runs logs {newest(cli)} --failed" in out


def test_show_gives_ranges_where_all_went_well(cli, project):
    cli("materialize", "plays", "--last", "4")

    assert "materialized  plays  4 partitions, 8 rows\n  2024-01-11..2024-01-14\n" in cli("runs", "show").out


def test_show_sums_up_many_keys(cli, project):
    (project / "broken-2024-01-14").touch()
    cli("materialize", "plays")

    assert "2024-01-06 and 7 more\n" in cli("runs", "show").out


def test_a_run_is_found_by_the_start_of_its_id(cli, with_a_failure):
    run = newest(cli)

    assert f"run {run}" in cli("runs", "show", run[:-2]).out


def test_show_as_json_has_outcomes_and_plan(cli, with_a_failure):
    value = cli("runs", "show", "--json").json

    assert value["state"] == "failed"
    assert [outcome["outcome"] for outcome in value["outcomes"]] == ["materialized", "failed"]
    assert value["outcomes"][1]["partitions"] == ["2024-01-05"]
    assert value["plan"]["total"] == 6


@pytest.mark.parametrize("command", ["show", "logs"])
def test_an_unknown_run_is_refused(command, cli, with_a_failure):
    ended = cli("runs", command, "nope")

    assert ended.code == 2
    assert ended.err == "error: there is no run 'nope'. List the runs with: gapless runs list\n"


def test_a_run_whose_process_is_gone_is_called_dead(cli, project):
    from datetime import UTC, datetime

    from gapless.ledger.process import this_process

    now, here = datetime.now(UTC), this_process()
    with open_ledger() as ledger:
        ledger.start_run(
            RunRecord("r-dead", RunState.RUNNING, now, 1, {}, host=here.host, pid=2**22 + 1, process_started=1.0)
        )
        ledger.claim("r-dead", "plays", ["2024-01-02"], now)

    assert "dead" in cli("runs", "list").out
    assert "Dead: its process is gone." in cli("runs", "list").out
    assert "was at work on 1 partition\n  plays 2024-01-02\n" in cli("runs", "show").out
    assert cli("runs", "show", "--json").json["process_gone"] is True


def test_logs_hold_outcomes_metadata_and_log_lines_in_order(cli, with_a_failure):
    out = cli("runs", "logs").out

    assert "  run started" in out
    assert "  plays 2024-01-01  info: reading\n" in out
    assert "  plays 2024-01-01  materialized  2 rows, " in out
    assert "          source: league\n" in out
    assert "run ended" in out.splitlines()[-1]


def test_logs_of_failures_hold_whole_tracebacks(cli, with_a_failure):
    out = cli("runs", "logs", "--failed").out

    assert "plays 2024-01-05  failed" in out
    assert "          Traceback (most recent call last):\n" in out
    assert "          ValueError: the file is torn\n          in two\n" in out
    assert "materialized" not in out


def test_logs_of_a_run_without_failures_say_so(cli, project):
    cli("materialize", "plays", "--last", "1")

    assert cli("runs", "logs", "--failed").out == f"run {newest(cli)} has no failures.\n"


def test_logs_as_json(cli, with_a_failure):
    events = cli("runs", "logs", "--failed", "--json").json

    assert [(event["kind"], event["partition"]) for event in events] == [("failed", "2024-01-05")]
    assert "torn" in events[0]["payload"]["traceback"]


def test_query_prints_a_table(cli, project):
    cli("materialize", "plays", "--last", "2")

    out = cli("query", "SELECT date, yards, date > '2024-01-13' AS late FROM plays ORDER BY date, yards").out

    assert out.splitlines() == [
        "date        yards  late",
        "2024-01-13    1.5  false",
        "2024-01-13      -  false",
        "2024-01-14    1.5  true",
        "2024-01-14      -  true",
    ]


def test_query_as_json_has_every_row(cli, project):
    cli("materialize", "plays", "--last", "1")

    assert cli("query", "SELECT * FROM plays ORDER BY yards", "--json").json == [
        {"date": "2024-01-14", "yards": 1.5},
        {"date": "2024-01-14", "yards": None},
    ]


def test_query_as_json_says_what_json_cannot_however_deep_it_lies(cli, project):
    cli("materialize", "plays", "--last", "1")

    sql = "SELECT 'inf'::DOUBLE AS n, ['-inf'::DOUBLE, 1.5::DOUBLE] AS l, [{'f': 'nan'::DOUBLE}] AS s"
    assert cli("query", sql, "--json").json == [{"n": "inf", "l": ["-inf", 1.5], "s": [{"f": "nan"}]}]


def test_query_prints_so_many_rows_and_counts_the_others(cli, project):
    cli("materialize", "plays", "--last", "1")

    out = cli("query", "SELECT * FROM range(60) AS numbers(n) ORDER BY n").out
    assert out.splitlines()[-1] == "… 10 more rows; all of them with --limit 0"
    assert len(cli("query", "SELECT * FROM range(60)", "--limit", "0").out.splitlines()) == 61
    assert cli("query", "SELECT 1 AS n WHERE false").out == "n\n(no rows)\n"


def test_query_shows_dates_lists_and_structs(cli, project):
    cli("materialize", "plays", "--last", "1")

    out = cli("query", "SELECT TIMESTAMP '2024-01-05 06:00' AS t, [1, NULL] AS l, {'a': 1} AS s").out

    assert "2024-01-05 06:00:00  [1, -]  {'a': 1}" in out


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "the query failed: syntax error at or near"),
        ("SELECT * FROM plais", "The tables are: public.plays"),
        ("SELECT nope FROM plays", "nope"),
        ("DROP TABLE plays", "the query failed: "),
    ],
)
def test_sql_that_is_refused_is_one_message(sql, message, cli, project):
    cli("materialize", "plays", "--last", "1")

    ended = cli("query", sql)

    assert ended.code == 1
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert len(cli("query", "SELECT * FROM plays", "--json").json) == 2


def test_query_without_a_store_that_answers(cli, folder):
    (folder / "definitions.py").write_text("import gapless as dg\n@dg.asset\ndef a() -> None: ...\n", encoding="utf-8")

    ended = cli("query", "SELECT 1")

    assert ended.code == 2
    assert ended.err == (
        "error: no IO manager of this project can be queried. DuckDBPolarsIOManager can; give it as a resource\n"
    )


def test_wipe_deletes_rows_and_status_of_the_named_partitions(cli, project):
    cli("materialize", "plays")

    ended = cli("wipe", "plays", "--range", "2024-01-03..2024-01-04", "--last", "1", "--yes")

    assert ended.code == 0
    assert "plays  3 partitions: 2024-01-03..2024-01-04, 2024-01-14\n" in ended.out
    assert "plays: 3 partitions forgotten, 6 rows deleted.\n" in ended.out
    assert cli("query", "SELECT count(*) AS n FROM plays", "--json").json == [{"n": 22}]
    assert cli("status", "plays", "--json").json["missing"] == 3
    assert "3 materialized" in cli("materialize", "plays").out


def test_wipe_of_a_whole_asset_leaves_others_alone(cli, project):
    cli("materialize")

    ended = cli("wipe", "plays", "--yes")

    assert "plays  all of it, 14 partitions on record\n" in ended.out
    assert "plays: 14 partitions forgotten, 28 rows deleted.\n" in ended.out
    assert [asset["materialized"] for asset in cli("status", "--json").json["assets"]] == [0, 1, 1]


def test_wipe_knows_what_the_data_holds_though_the_ledger_was_lost(cli, project):
    cli("materialize", "plays", "--last", "3")
    shutil.rmtree(project / ".gapless")

    some = cli("wipe", "plays", "--partitions", "materialized & ..2024-01-13", "--yes")
    assert "plays  2 partitions: 2024-01-12..2024-01-13\n" in some.out
    assert some.err.startswith("note: the database holds 3 partitions of plays that nothing was recorded about")

    rest = cli("wipe", "plays", "--yes")
    assert "plays  all of it, 1 partition on record\n" in rest.out
    assert rest.out.endswith("0 partitions forgotten, 2 rows deleted.\n")


def test_wipe_asks_first(cli, project, monkeypatch):
    cli("materialize", "plays", "--last", "1")
    answers = iter(["n", "y"])
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _="": next(answers))

    refused, agreed = cli("wipe", "plays"), cli("wipe", "plays")

    assert refused.code == 0
    assert refused.out.endswith("nothing was wiped.\n")
    assert "1 partition forgotten" in agreed.out


def test_wipe_as_json(cli, project):
    cli("materialize", "plays", "--last", "1")

    assert cli("wipe", "plays", "--yes", "--json").json == [{"asset": "plays", "partitions": 1, "rows": 2}]


def test_wipe_is_in_the_list_of_runs(cli, project):
    cli("materialize", "plays", "--last", "1")
    cli("wipe", "plays", "--yes")

    run = cli("runs", "list", "--json").json[0]
    assert (run["trigger"], run["state"]) == ("wipe", "succeeded")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name what to wipe; '*' is every asset."),
        (["plays", "--partition", "2024-02-30"], "asset 'plays' has no partition '2024-02-30'"),
        (["report", "--last", "1"], "asset 'report' is unpartitioned, so no partition of it can be named."),
        (["plaiz"], "Did you mean 'plays'?"),
    ],
)
def test_wipe_refuses_what_it_does_not_understand(options, message, cli, project):
    cli("materialize", "plays", "--last", "1")

    ended = cli("wipe", *options, "--yes")

    assert ended.code == 2
    assert message in ended.err
    assert cli("status", "plays", "--json").json["materialized"] == 1


def test_wipe_does_not_touch_what_another_run_is_making(cli, project):
    from datetime import UTC, datetime

    cli("materialize", "plays", "--last", "2")
    now = datetime.now(UTC)
    with open_ledger() as ledger:
        ledger.start_run(RunRecord("r-live", RunState.RUNNING, now, 1, {}, host="elsewhere", pid=1))
        ledger.claim("r-live", "plays", ["2024-01-14"], now)

    ended = cli("wipe", "plays", "--yes")

    assert ended.code == 2
    assert "run r-live is making plays 2024-01-14; nothing of it was wiped." in ended.err
    assert cli("query", "SELECT count(*) AS n FROM plays", "--json").json == [{"n": 4}]
    assert cli("runs", "list", "--json").json[0]["state"] == "failed"


def test_wipe_forgets_the_status_of_assets_that_keep_their_own_data(cli, folder):
    (folder / "definitions.py").write_text("import gapless as dg\n@dg.asset\ndef a() -> None: ...\n", encoding="utf-8")
    cli("materialize")

    assert cli("wipe", "a", "--yes").out.endswith(
        "a: 1 partition forgotten. Its rows were not touched: no IO manager of ours stores them.\n"
    )
