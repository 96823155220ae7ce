"""`query` over all that a project stores, `publish`, `compact`, `restore`, and what expires."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from textwrap import dedent

import duckdb
import polars as pl
import pytest

from gapless.ledger.sqlite_file import SQLiteFile

HEAD = """
from pathlib import Path
import polars as pl
import gapless as dg
from gapless import DuckDBPolarsIOManager, DuckDBResource, PolarsParquetIOManager

days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-04")


def frame(context, n=1):
    return pl.DataFrame({"date": [context.partition_key] * n, "n": range(n)})

"""
TWO_FILES = """
@dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return frame(context, 2)


@dg.asset(key=["ref", "teams"], io_manager_key="other")
def teams() -> pl.DataFrame:
    return pl.DataFrame({"team": ["a", "b"]})


@dg.asset(partitions_def=days, io_manager_key="other", metadata={"partition_expr": "date", "table": "plays"})
def old_plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return frame(context, 5)


defs = dg.Definitions(
    assets=[plays, teams, old_plays],
    resources={
        "io_manager": DuckDBPolarsIOManager(database="db.duckdb"),
        "other": DuckDBPolarsIOManager(database="other.duckdb"),
        "duckdb": DuckDBResource(database="notes.duckdb"),
    },
)
"""
PARQUET = """
@dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return frame(context, int(Path("rows").read_text()) if Path("rows").exists() else 2)


@dg.asset(io_manager_key="db")
def teams() -> pl.DataFrame:
    return pl.DataFrame({"team": ["a", "b"]})


defs = dg.Definitions(
    assets=[plays, teams],
    resources={
        "io_manager": PolarsParquetIOManager(base_dir="data"),
        "db": DuckDBPolarsIOManager(database="db.duckdb"),
        "notes": PolarsParquetIOManager(base_dir="notes"),
        "pickles": dg.FilesystemIOManager("pickles"),
    },
)
"""


def write(folder, text):
    (folder / "definitions.py").write_text(HEAD + dedent(text), encoding="utf-8")


@pytest.fixture
def two_files(cli, folder):
    write(folder, TWO_FILES)
    assert cli("materialize").code == 0
    return folder


@pytest.fixture
def parquet(cli, folder):
    write(folder, PARQUET)
    assert cli("materialize").code == 0
    return folder


def rows(cli, sql, *options):
    ended = cli("query", sql, "--json", *options)
    assert ended.code == 0, ended.err
    return [tuple(row.values()) for row in ended.json]


# --- query


def test_tables_of_all_files_go_by_their_names_alone(cli, two_files):
    sql = "SELECT count(*) FROM teams, (SELECT DISTINCT date FROM db.plays)"

    assert rows(cli, sql) == [(6,)]


def test_a_name_that_two_files_have_is_refused_with_the_choices(cli, two_files):
    ended = cli("query", "SELECT * FROM plays")

    assert ended.code == 1
    assert ended.err == (
        "error: the query failed: there is more than one table plays; write db.public.plays or other.public.plays\n"
    )
    assert rows(cli, "SELECT count(*) FROM db.public.plays") == [(6,)]
    assert rows(cli, "SELECT count(*) FROM other.plays") == [(15,)]


def test_a_name_that_the_query_itself_defines_is_not_ambiguous(cli, two_files):
    assert rows(cli, "WITH plays AS (SELECT 7 AS n) SELECT n FROM plays") == [(7,)]


def test_one_resource_can_be_asked_alone(cli, two_files):
    assert rows(cli, "SELECT count(*) FROM plays", "--resource", "other") == [(15,)]
    assert cli("query", "SELECT 1", "--resource", "io_manger").err == (
        "error: there is no resource 'io_manger' that can be queried. There is: io_manager\n"
    )


def test_a_table_that_there_is_not_is_told_with_those_there_are(cli, two_files):
    assert "The tables are: db.public.plays, other.public.plays, other.ref.teams" in cli("query", "FROM players").err


def test_files_of_resources_are_read_too(cli, two_files):
    with duckdb.connect("notes.duckdb") as connection:
        connection.execute("CREATE TABLE notes AS SELECT 'mind the gap' AS text")

    assert rows(cli, "SELECT text FROM notes") == [("mind the gap",)]


def test_no_file_can_be_changed(cli, two_files):
    for sql in ("DELETE FROM teams", "CREATE TABLE other.public.x AS SELECT 1"):
        assert cli("query", sql).code == 1
    assert rows(cli, "SELECT count(*) FROM teams") == [(2,)]


def test_tables_that_lie_in_parquet_files_are_read_beside_the_others(cli, parquet):
    assert rows(cli, "SELECT count(*), count(DISTINCT team) FROM plays, teams") == [(12, 2)]
    assert rows(cli, "SELECT count(*) FROM files.public.plays") == [(6,)]


def test_tables_whose_partitions_share_a_file_are_read_too(cli, parquet):
    assert cli("compact", "plays").code == 0

    assert rows(cli, "SELECT date, count(*) FROM plays GROUP BY date ORDER BY date") == [
        ("2024-01-01", 2),
        ("2024-01-02", 2),
        ("2024-01-03", 2),
    ]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("harm", ["deleted", "torn"])
def test_a_query_on_a_file_that_is_gone_or_torn_names_the_partition_and_the_cure(cli, parquet, harm, packed):
    if packed:
        cli("compact")
    file = next((parquet / "data").rglob("*.parquet" if packed else "*=2024-01-02/*.parquet"))
    if harm == "deleted":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:40])
    ended = cli("query", "SELECT * FROM plays")
    assert ended.code == 1
    day = "2024-01-01" if packed else "2024-01-02"
    told = " ".join(ended.err.split())
    assert told.startswith(f"error: asset 'plays', partition '{day}': its file {file} cannot be read: ")
    assert f"gapless materialize plays --partition {day}" in told
    assert cli("query", "SELECT nothing FROM plays").code == 1
    assert rows(cli, "SELECT count(*) FROM teams") == [(2,)]


def test_a_project_without_a_database_is_queried_all_the_same(cli, folder):
    write(
        folder,
        PARQUET.replace('"db": DuckDBPolarsIOManager(database="db.duckdb"),', "").replace('"db"', '"io_manager"'),
    )
    cli("materialize", "plays")

    assert rows(cli, "SELECT count(*) FROM plays") == [(6,)]


def test_a_query_before_anything_is_stored_says_how_to_begin(cli, folder):
    write(folder, TWO_FILES)

    assert cli("query", "FROM games").err.endswith("\nNothing is stored yet. Begin with: gapless materialize\n")
    assert cli("query", "FROM plays").err.endswith("has no table yet. Make it: gapless materialize plays\n")


# --- publish


def test_publish_says_what_it_published(cli, parquet):
    ended = cli("publish", "--to", "bi.duckdb")

    assert ended.code == 0, ended.err
    assert [line.split() for line in ended.out.splitlines()[:3]] == [
        ["ASSET", "PARTITIONS", "ROWS"],
        ["plays", "3", "6"],
        ["teams", "-", "2"],
    ]
    assert "published 2 assets, 8 rows, " in ended.out
    assert ended.out.splitlines()[-1].endswith(" s")
    with duckdb.connect("bi.duckdb", read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM public.plays").fetchone() == (6,)


def test_publish_a_selection_as_parquet_with_json(cli, two_files):
    facts = cli("publish", "plays", "--to", "bi", "--json").json

    assert (facts["as"], facts["rows"], [one["asset"] for one in facts["assets"]]) == ("parquet", 6, ["plays"])
    assert facts["left_out"] == []
    assert pl.read_parquet("bi/plays/*.parquet").height == 6


def test_the_published_copy_is_queried_without_the_live_files(cli, parquet):
    assert cli("query", "SELECT 1", "--published").code == 2
    cli("publish", "--to", "bi")
    cli("wipe", "plays", "--yes")
    (parquet / "definitions.py").write_text("1 / 0", encoding="utf-8")

    assert rows(cli, "SELECT count(*) FROM plays", "--published") == [(6,)]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--to", "s3://bucket/x"], 2, "s3://bucket/x is no path of this machine. Publish to a folder"),
        (["--to", "db.duckdb"], 1, "it is a database or folder of the project itself. Choose another path."),
        (["--to", "data"], 1, "it is a database or folder of the project itself. Choose another path."),
        (["--to", "notes/bi.duckdb"], 1, "/notes, where the project stores. Choose another path."),
        (["--to", "pickles/bi"], 1, "/pickles, where the project stores. Choose another path."),
        (["--to", "."], 1, "there are other things in it ("),
        (["--to", ".gapless"], 1, "there are other things in it ("),
        (["--to", "db.duckdb.wal", "--as", "duckdb"], 1, "/db.duckdb. Choose another path."),
        (["--to", "definitions.py", "--as", "duckdb"], 1, "that Gapless has not published"),
        ([], 2, "missing option '--to'"),
    ],
)
def test_publish_refuses_what_it_cannot_do(arguments, code, message, cli, parquet):
    ended = cli("publish", *arguments)

    assert message in ended.err.replace("\n", " ")
    assert "Traceback" not in ended.err
    assert ended.code == code


def test_a_store_whose_setting_has_no_value_takes_no_place(tmp_path):
    from gapless import DuckDBPolarsIOManager, EnvVar, FilesystemIOManager
    from gapless.cli.publish import _places

    stores = {"a": DuckDBPolarsIOManager(database=EnvVar("NO_SUCH_SETTING")), "b": FilesystemIOManager(tmp_path)}
    assert list(_places(stores)) == [tmp_path]


def test_assets_that_are_not_stored_as_tables_are_told(cli, folder):
    write(
        folder,
        PARQUET.replace("defs =", "@dg.asset\ndef mail() -> None: ...\n\n\ndefs =").replace(
            "assets=[plays", "assets=[mail, plays"
        ),
    )
    cli("materialize")

    assert "not stored as tables, and not in it: mail.\n" in cli("publish", "--to", "bi").out
    assert cli("publish", "mail", "--to", "bi").err.startswith(
        "error: none of mail is stored where Gapless can read it as a table."
    )


def test_a_copy_is_published_though_where_it_is_cannot_be_written_down(cli, parquet):
    (parquet / ".gapless" / "published.json").mkdir()

    ended = cli("publish", "--to", "bi.duckdb")

    assert ended.code == 0
    assert "published 2 assets, 8 rows, " in ended.out
    assert ended.err == (
        "warning: the copy is published, but where it is could not be written down in"
        f" {parquet / '.gapless'}: Is a directory. Until a copy is published that can be, `gapless query --published`"
        " does not find this one.\n"
    )


# --- compact, restore


def test_compact_makes_room_although_there_is_none_for_the_ledger(cli, parquet, monkeypatch):
    def full(*_):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(SQLiteFile, "_connect", full)
    ended = cli("compact")

    assert ended.code == 0
    assert "3 of 3 files packed" in ended.out
    assert ended.err == (
        f"note: no room left on the disk for the ledger {parquet / '.gapless' / 'ledger.sqlite'}: what runs that died"
        " have made is not recorded now, but by the next command that finds room. Compacting all the same.\n"
    )


def test_compact_says_what_became_smaller(cli, parquet):
    facts = cli("compact", "--json").json
    assert {"place", "bytes_before", "bytes_after", "detail"} == set(facts[0])

    out = cli("compact").out
    assert out.splitlines()[0].split() == ["PLACE", "BEFORE", "AFTER"]


def test_compact_tells_what_it_did_although_one_store_cannot_be_compacted(cli, parquet):
    for path in (parquet / "data").rglob("*.parquet"):
        path.write_bytes(b"PAR1")
    ended = cli("compact")
    assert ended.code == 1
    assert "db.duckdb" in ended.out
    assert ended.err.startswith("error: asset 'plays'")


@pytest.mark.parametrize("name", ["files", "gapless_published"])
def test_a_database_may_be_called_like_a_part_of_ours(cli, folder, name):
    write(folder, PARQUET.replace("db.duckdb", f"{name}.duckdb"))
    assert cli("materialize").code == 0
    assert rows(cli, "SELECT count(*) FROM plays, teams") == [(12,)]
    assert cli("compact").code == 0
    assert cli("publish", "--to", "copy.duckdb").code == 0


def test_compact_before_anything_is_stored(cli, folder):
    write(folder, TWO_FILES)

    assert cli("compact").out == "nothing is stored yet.\n"
    assert list(folder.glob("*.duckdb")) == []


def test_compact_of_what_is_stored_elsewhere_is_refused(cli, folder):
    write(folder, "@dg.asset\ndef mail() -> None: ...\n")

    assert cli("compact").err == (
        "error: none of mail lies in a store that can be compacted. Those of Gapless can: DuckDB and Parquet\n"
    )


def remake(cli, folder, count):
    (folder / "rows").write_text(str(count))
    assert cli("materialize", "plays", "--partition", "2024-01-02").code == 0


COUNT = "SELECT count(*) FROM plays WHERE date = '2024-01-02'"


def test_restore_brings_back_the_version_before(cli, parquet):
    remake(cli, parquet, 5)

    ended = cli("restore", "plays", "--partition", "2024-01-02", "--yes")

    assert ended.code == 0, ended.err
    assert "2 rows of" in ended.out
    assert ended.out.endswith("plays 2024-01-02: restored, 2 rows.\n")
    assert rows(cli, COUNT) == [(2,)]
    assert cli("status", "plays", "--json").json["rows"] == 6
    assert cli("runs", "list", "--json").json[0]["trigger"] == "restore"


def entries(cli):
    found = cli("history", "plays", "--partition", "2024-01-02", "--json").json["history"]
    return {entry["rows"]: entry for entry in found}


@pytest.mark.parametrize("by", ["number", "version", "run_id"])
def test_restore_takes_what_history_prints(by, cli, parquet):
    remake(cli, parquet, 5)
    remake(cli, parquet, 7)
    known = entries(cli)

    ended = cli("restore", "plays", "--partition", "2024-01-02", "--to", str(known[2][by]), "--yes", "--json")

    assert ended.code == 0, ended.err
    assert ended.json["number"] == known[2]["number"]
    assert rows(cli, COUNT) == [(2,)]


def test_restore_asks_first(cli, parquet, monkeypatch):
    remake(cli, parquet, 5)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _="": "n")

    assert cli("restore", "plays", "--partition", "2024-01-02").out.endswith("nothing was restored.\n")
    assert rows(cli, COUNT) == [(5,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plays"], "asset 'plays' is restored partition by partition. Name one: --partition KEY"),
        (["plays", "--partition", "2024-01-01"], "plays 2024-01-01 has no earlier version. See what there was: "),
        (["plays", "--partition", "2024-01-09"], "has no partition '2024-01-09'"),
        (["plays", "--partition", "2024-01-02", "--to", "99"], "plays 2024-01-02 has no version '99'."),
        (["teams", "--partition", "x"], "asset 'teams' is unpartitioned"),
        (["teams"], "Make it again from what it reads: gapless materialize teams"),
        (["plaiz"], "Did you mean 'plays'?"),
    ],
)
def test_restore_refuses_what_cannot_be(arguments, message, cli, parquet):
    ended = cli("restore", *arguments, "--yes")

    assert ended.code == 2
    assert message in ended.err


def test_what_is_there_now_is_not_restored(cli, parquet):
    remake(cli, parquet, 5)
    number = entries(cli)[5]["number"]

    ended = cli("restore", "plays", "--partition", "2024-01-02", "--to", str(number), "--yes")

    assert f"plays 2024-01-02: version '{number}' is what is there now" in ended.err


# --- what expires


def test_what_expires_is_shown_left_out_and_wiped_by_hand(cli, folder):
    start = (datetime.now(UTC) - timedelta(days=10)).strftime("%Y-%m-%d")
    text = f"""
    days = dg.DailyPartitionsDefinition(start_date="{start}")


    @dg.asset(partitions_def=days, metadata={{"partition_expr": "date"}}, keep="5d")
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return frame(context, 2)


    defs = dg.Definitions(assets=[plays], resources={{"io_manager": DuckDBPolarsIOManager(database="db.duckdb")}})
    """
    write(folder, text)

    assert "5 materialized" in cli("materialize").out
    assert "left out: 5 partitions of plays that have expired (kept 5 days).\n" in cli("plan", "--all").out
    assert "asked for, though expired: it will be dropped again" in cli("plan", "plays", "--partition", start).out
    status = cli("status", "plays")
    assert "5 of 10 partitions materialized, 5 expired, 10 rows" in status.out
    assert "missing" not in status.out
    assert cli("status", "--json").json["assets"][0]["expired"] == 5
    assert cli("partitions", "list", "plays").out.startswith(f"_ {start}  expired\n")
    assert cli("wipe", "--expired", "--yes").out == "nothing has expired that is still there.\n"

    cli("materialize", "plays", "--partition", start)
    assert "6 of 10 partitions materialized, 4 expired" in cli("status", "plays").out
    wiped = cli("wipe", "--expired", "plays", "--yes")
    assert wiped.out == f"  plays  1 partition: {start}\nplays: 1 partition forgotten, 2 rows deleted.\n"
    assert "5 of 10 partitions materialized, 5 expired" in cli("status", "plays").out


def test_nothing_expires_of_what_is_kept(cli, parquet):
    assert cli("wipe", "--expired", "--yes").err == (
        'error: nothing ever expires of plays, teams: no `keep` is declared. Declare it: @asset(…, keep="90d")\n'
    )
    ended = cli("wipe", "--expired", "plays", "--last", "1", "--yes")
    assert ended.code == 2
    assert "--expired and a newest 1 were given; expired partitions name themselves." in ended.err
    assert rows(cli, "SELECT count(*) FROM plays") == [(6,)]


def test_serving_wipes_what_has_expired_also_without_schedules(cli, folder):
    start = (datetime.now(UTC) - timedelta(days=3)).strftime("%Y-%m-%d")
    text = f"""
    days = dg.DailyPartitionsDefinition(start_date="{start}")


    @dg.asset(partitions_def=days, metadata={{"partition_expr": "date"}}, keep="1d")
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return frame(context, 2)


    defs = dg.Definitions(assets=[plays], resources={{"io_manager": DuckDBPolarsIOManager(database="db.duckdb")}})
    """
    write(folder, text)
    cli("materialize", "plays", "--last", "3")

    served = cli("serve", "--once")

    assert served.code == 0, served.err
    assert "retention  plays: 2 partitions older than 1 day wiped, 4 rows\n" in served.out
    assert cli("runs", "list", "--json").json[0]["trigger"] == "retention"
    assert rows(cli, "SELECT count(*) FROM plays") == [(2,)]

    cli("materialize", "plays", "--partition", start)
    line = cli("serve", "--once", "--json").out.splitlines()[1]
    assert '"event": "retention", "asset": "plays", "partitions": 1, "rows": 2, "error": null' in line
