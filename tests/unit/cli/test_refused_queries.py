"""What `query` says of SQL that is refused: what was wrong, where, and what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

DEFINITIONS = """
import polars as pl

import gapless as dg
from gapless import DuckDBPolarsIOManager, FilesystemIOManager, PolarsParquetIOManager


@dg.asset
def plays() -> pl.DataFrame:
    return pl.DataFrame({"date": ["2024-01-01"], "yards": [1], "game id": [7]})


@dg.asset(key=["ref", "teams"], io_manager_key="files")
def teams() -> pl.DataFrame:
    return pl.DataFrame({"team": ["a"]})


@dg.asset(io_manager_key="pickles")
def mail() -> int:
    return 3


@dg.asset(deps=[plays])
def report() -> None: ...


@dg.asset
def later() -> pl.DataFrame:
    return pl.DataFrame({"n": [1]})


defs = dg.Definitions(
    assets=[plays, teams, mail, report, later],
    resources={
        "io_manager": DuckDBPolarsIOManager(database="db.duckdb"),
        "files": PolarsParquetIOManager("data"),
        "pickles": FilesystemIOManager("pickles"),
    },
)
"""
BEGINS = "A query begins with SELECT, FROM, WITH, VALUES, PIVOT, SUMMARIZE, DESCRIBE, SHOW, EXPLAIN or PRAGMA"
TABLES = "The tables are: db.public.plays, files.ref.teams"
REFUSED = {
    "": 'Give one: gapless query "FROM db.public.plays LIMIT 10"',
    "SELECT 1; SELECT 2": "Give each to a gapless query of its own",
    'gapless.sql("from plays")': 'Give the SQL alone: gapless query "from plays"',
    "dg.sql('''from plays''')": 'Give the SQL alone: gapless query "from plays"',
    "FROM {ref/teams}": 'Braces name assets in gapless.sql() only; here tables go by their names: gapless query "FROM '
    'ref.teams"',
    "FROM plais": f"Did you mean db.public.plays?\n{TABLES}",
    "FROM mail": f"Asset 'mail' is stored by FilesystemIOManager, not as a table\n{TABLES}",
    "FROM report": f"Asset 'report' is stored by its own function, not as a table\n{TABLES}",
    "FROM ref.later": f"Asset 'later' has no table yet. Make it: gapless materialize later\n{TABLES}",
    "FROM ref/teams": "  FROM ref/teams\n          ^\nA slash of an asset's name is a dot in SQL: ref.teams",
    "plays": '  plays\n  ^^^^^\nTo see a table: gapless query "FROM plays"',
    "selct 1": f'  selct 1\n  ^^^^^\nDid you mean SELECT? {BEGINS}: gapless query "FROM db.public.plays LIMIT 10"',
    "SELECT date yards\nFROM FROM plays": "  FROM FROM plays\n       ^^^^\nCorrect it there",
    "FROM plays LIMIT": "  FROM plays LIMIT\n             ^^^^^\nSomething is missing after LIMIT, or it is too much",
    "FROM (FROM plays": "  FROM (FROM plays\n             ^^^^^\nA closing parenthesis is missing",
    "SELECT 'abc": "  SELECT 'abc\n         ^\nClose it; a quote inside of a text is written twice: 'it''s'",
    "SELECT yadrs FROM plays": 'See all columns: gapless query "DESCRIBE plays"',
    "SELECT plays.team FROM plays, teams": 'See all columns: gapless query "DESCRIBE plays"',
    "FROM plays JOIN teams USING (nope)": 'See all columns: gapless query "DESCRIBE plays"',
    "SELECT game id FROM plays": 'A name with spaces or signs has double quotes: "game id"',
    'FROM plays WHERE date = "2024-01-01"': "Double quotes name a column; a text has single ones: '2024-01-01'",
    'SELECT "plays"': "Say where from: FROM plays",
    "FROM plays WHERE date = 2024-01-01": "Without quotes 2024-01-01 is a subtraction; write '2024-01-01'",
    "FROM plays WHERE yards = 'abc'": "Compare with a value of the column's type; TRY_CAST(… AS …) gives NULL for what"
    " cannot be converted",
    "FROM 'nofile.parquet'": "Paths begin at {cwd}; a table of the project has no quotes",
    "DELETE FROM plays": "To take out what an asset holds: gapless wipe ASSET",
    "INSERT INTO plays VALUES (1)": "To make what an asset holds: gapless materialize",
    "COPY plays TO 'x.csv'": "To write files: gapless publish --to FOLDER",
    "ATTACH 'x.duckdb'": "To read another file, give it to the project: Definitions(resources={…:"
    " DuckDBResource(database=…)})",
    "SET threads = 1": "To run any SQL by hand, use DuckDBResource.get_connection() in a function",
}


def test_every_refusal_says_what_to_type_next(cli, folder):
    (folder / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    assert cli("materialize", "plays", "ref/teams", "mail").code == 0

    for sql, advice in REFUSED.items():
        ended = cli("query", sql)
        assert (ended.code, ended.out) == (1, ""), sql
        assert ended.err.startswith("error: the query failed: ")
        assert ended.err.endswith(f"\n{advice.replace('{cwd}', str(Path.cwd()))}\n"), sql


def test_tables_that_duckdb_or_our_records_have_are_not_proposed(cli, folder):
    (folder / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    assert cli("query", "FROM plays").err == (
        "error: the query failed: Table with name plays does not exist!\n"
        "Asset 'plays' has no table yet. Make it: gapless materialize plays\n"
    )
    assert cli("query", "FROM comits").err.endswith("\nNothing is stored yet. Begin with: gapless materialize\n")
    assert cli("materialize", "plays").code == 0
    assert "Did you mean" not in cli("query", "FROM comits").err


@pytest.mark.parametrize(
    ("tables", "shown"), [(20, "t19"), (21, 't19, … (21 in all: gapless query "SHOW ALL TABLES")')]
)
def test_of_many_tables_some_are_shown(tables, shown):
    from gapless.cli.query_advice import advised
    from gapless.storage.errors import QueryError

    names = tuple(f"t{number}" for number in range(tables))
    error = advised(QueryError("FROM x", "Table with name x does not exist!", names), {})
    assert str(error).endswith(f", {shown}")
