"""`--partitions TEXT` of `plan`, `materialize` and `wipe`, and `partitions list ASSET TEXT`."""

import pytest

MULTI = """
import gapless as dg

days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-15")
regions = dg.StaticPartitionsDefinition(["eu", "us", "last"])


@dg.asset(partitions_def=dg.MultiPartitionsDefinition({"date": days, "region": regions}))
def sales(context) -> dg.MaterializeResult:
    return dg.MaterializeResult()
"""


def planned(cli, *words):
    ended = cli("plan", *words, "--keys")
    assert ended.code == 0, ended.err
    return [line.split("  ")[0] for line in ended.out.splitlines() if line.startswith(("plays ", "sales "))]


@pytest.fixture
def sales(folder):
    (folder / "definitions.py").write_text(MULTI, encoding="utf-8")


def test_a_selection_names_what_is_planned(cli, project):
    keys = planned(cli, "plays", "--partitions", "2024-01-03..2024-01-04, last 1")

    assert keys == ["plays 2024-01-03", "plays 2024-01-04", "plays 2024-01-14"]


def test_what_reads_the_selected_partitions_follows(cli, project):
    out = cli("plan", "plays*", "--partitions", "2024-01-07..2024-01-13").out

    assert "7 asked for: 2024-01-07..2024-01-13" in out
    assert "1 asked for: 2024-01-07" in out


def test_a_selection_is_united_with_what_the_other_options_name(cli, project):
    keys = planned(cli, "plays", "--partitions", "first 1", "--partition", "2024-01-05", "--last", "1")

    assert keys == ["plays 2024-01-01", "plays 2024-01-05", "plays 2024-01-14"]


def test_a_selection_asks_for_what_is_recorded(cli, project):
    (project / "broken-2024-01-02").touch()
    cli("materialize", "plays", "--partitions", "..2024-01-10")
    (project / "broken-2024-01-02").unlink()

    assert planned(cli, "plays", "--partitions", "failed | missing & last 1") == [
        "plays 2024-01-02",
        "plays 2024-01-14",
    ]
    assert cli("materialize", "plays", "--partitions", "not materialized").code == 0
    assert planned(cli, "plays", "--partitions", "failed, missing") == []


def test_a_selection_that_cannot_be_understood_points_at_the_character(cli, project):
    ended = cli("plan", "plays", "--partitions", "2024-01 & 2024-01-99")

    assert ended.code == 2
    assert ended.err == (
        "error: cannot select partitions: there is no partition '2024-01-99'. Nearest: '2024-01-14'."
        " Its partitions are 2024-01-01 to 2024-01-14.\n"
        "  2024-01 & 2024-01-99\n"
        "            ^\n"
    )


def test_an_empty_selection_is_refused_rather_than_taken_for_all(cli, project):
    assert "it is empty. Write all for every partition." in cli("plan", "plays", "--partitions", "").err
    assert "it is empty" in cli("wipe", "plays", "--partitions", " ", "--yes").err


def test_staleness_is_not_recorded_yet(cli, project):
    message = "which partitions are stale is not recorded yet. What is recorded: failed, materialized, missing,"

    assert message in cli("plan", "plays", "--partitions", "stale").err


def test_an_asset_without_partitions_has_none_to_select(cli, project):
    said = "asset 'report' is unpartitioned, so there is no selection of partitions '2024-01' to make"

    assert said in cli("plan", "report", "--partitions", "2024-01").err


def test_what_plan_offers_to_run_has_the_selection_quoted_for_the_shell(cli, project):
    assert "gapless materialize plays --partitions 'last 2 & missing'" in " ".join(
        cli("plan", "plays", "--partitions", "last 2 & missing").out.split()
    )


def test_what_is_selected_is_wiped_of_each_asset(cli, project):
    cli("materialize", "plays")

    out = cli("wipe", "plays", "--partitions", "not 2024-01-03..", "--yes").out

    assert "2 partitions: 2024-01-01..2024-01-02" in out
    assert planned(cli, "plays", "--missing") == ["plays 2024-01-01", "plays 2024-01-02"]


def test_dimensions_are_selected_by_name(cli, folder, sales):
    keys = planned(cli, "sales", "--partitions", 'region=eu,"last" & date=2024-01-13..')

    assert keys == [f"sales 2024-01-{day}|{region}" for day in (13, 14) for region in ("eu", "last")]


def test_the_newest_of_several_dimensions_are_those_of_time(cli, folder, sales):
    assert planned(cli, "sales", "--last", "1") == [f"sales 2024-01-14|{region}" for region in ("eu", "us", "last")]


def test_partitions_list_shows_those_selected(cli, project):
    (project / "broken-2024-01-02").touch()
    cli("materialize", "plays", "--last", "14")

    assert cli("partitions", "list", "plays", "failed, first 1").out.splitlines() == [
        "■ 2024-01-01  materialized  2 rows",
        "✗ 2024-01-02  failed  ValueError: the file is torn",
    ]
    limited = cli("partitions", "list", "plays", "2024-01-10..", "--limit", "1").out.splitlines()
    assert limited == ["■ 2024-01-14  materialized  2 rows", "… the newest 1 of 5 partitions"]
    assert cli("partitions", "list", "plays", "missing").out == "of 14 partitions of plays, none is selected.\n"


def test_partitions_list_as_json_holds_those_selected(cli, project):
    value = cli("partitions", "list", "plays", "last 2", "--json").json

    assert value["extent"] == 14
    assert [one["partition"] for one in value["partitions"]] == ["2024-01-13", "2024-01-14"]
