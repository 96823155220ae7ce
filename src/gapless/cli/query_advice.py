"""What is wrong with a query that was refused, and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gapless.errors import closest
from gapless.storage.errors import QueryError

__all__ = ["advised"]

_MOST_TABLES = 20
_SHOW_ALL = 'gapless query "SHOW ALL TABLES"'

_WRITES = {
    **dict.fromkeys(("DELETE", "DROP", "TRUNCATE"), "To take out what an asset holds: gapless wipe ASSET"),
    **dict.fromkeys(("COPY", "EXPORT"), "To write files: gapless publish --to FOLDER"),
    **dict.fromkeys(
        ("INSERT", "UPDATE", "MERGE", "CREATE", "ALTER"), "To make what an asset holds: gapless materialize"
    ),
    "ATTACH": "To read another file, give it to the project: Definitions(resources={…: DuckDBResource(database=…)})",
}
_BY_HAND = "To run any SQL by hand, use DuckDBResource.get_connection() in a function"
_STARTS = ("SELECT", "FROM", "WITH", "VALUES", "PIVOT", "SUMMARIZE", "DESCRIBE", "SHOW", "EXPLAIN", "PRAGMA")
_CALL = re.compile(r"""\s*(?:gapless|dg)\.sql\(\s*f?(?P<quotes>["']+)(?P<sql>.*?)(?P=quotes)\s*\)\s*;?\s*""", re.DOTALL)
_BRACES = re.compile(r"\{\s*(\w[\w/. ]*)\}")
_TABLE = re.compile(r'Table with name "?(?P<name>.+?)"? does not exist')
_COLUMN = re.compile(r'Referenced column "(?P<name>.+?)" (?:was )?not found|does not have a column named "(?P<of>.+?)"')
_CANDIDATE = re.compile(r'"([^"]+)"')
_DATE = re.compile(r"""(?<![\w'"-])\d{4}-\d{2}-\d{2}(?![\w'"-])""")


def advised(error: QueryError, absent: Mapping[str, str]) -> QueryError:
    """`error`, with what to do about it.

    Args:
        absent: Why assets that no query finds are no tables, a sentence without its full stop, by what a table of
            theirs would be called.
    """
    # DuckDB's own suggestions may be tables of its own or of our records.
    reason = error.reason.partition(" Did you mean ")[0] if _TABLE.search(error.reason) else error.reason
    reason = reason.replace("Candidate bindings: : ", "Candidate bindings: ")
    lines = [reason, *_advice(error, absent)]
    return QueryError(error.sql, "\n".join(line for line in lines if line), error.tables)


def _advice(error: QueryError, absent: Mapping[str, str]) -> Sequence[str]:
    sql, reason = error.sql, error.reason
    call, braces, table = _CALL.fullmatch(sql), _BRACES.search(sql), _TABLE.search(reason)
    if reason.startswith("expected one statement, not 0"):
        return [f"Give one: {_example(error.tables)}"]
    if reason.startswith("expected one statement"):
        return ["Give each to a gapless query of its own"]
    if call is not None:
        return [f"Give the SQL alone: {_typed(call['sql'])}"]
    if braces is not None and "syntax error" in reason:
        given = _BRACES.sub(lambda name: name[1].strip().replace("/", "."), sql)
        return [f"Braces name assets in gapless.sql() only; here tables go by their names: {_typed(given)}"]
    if "is no reading" in reason:
        return [_WRITES.get(reason.split()[0], _BY_HAND)]
    if table is not None:
        return _of_unknown_table(table["name"], error.tables, absent)
    for sign, advice in _BY_SIGN.items():
        if sign in reason:
            return advice(error)
    return []


def _of_unknown_table(name: str, tables: Sequence[str], absent: Mapping[str, str]) -> list[str]:
    name = name.rpartition(".")[2].casefold()
    why = absent.get(name, "")
    if not tables:
        return [why or "Nothing is stored yet. Begin with: gapless materialize"]
    bare = {table.rpartition(".")[2].casefold(): table for table in reversed(tables)}
    near = [bare[one] for one in closest(name, bare)]
    meant = f"Did you mean {' or '.join(near)}?" if near and not why else ""
    more = f", … ({len(tables):,} in all: {_SHOW_ALL})" if len(tables) > _MOST_TABLES else ""
    return [why, meant, f"The tables are: {', '.join(tables[:_MOST_TABLES])}{more}"]


def _of_unknown_column(error: QueryError) -> list[str]:
    found = _COLUMN.search(error.reason)
    name = (found["name"] or found["of"]) if found else ""
    candidates = _CANDIDATE.findall(error.reason.partition("Candidate bindings:")[2])
    if "FROM clause is missing" in error.reason:
        return [f"Say where from: FROM {_a_table(error)}"]
    if f'"{name}"' in error.sql and not closest(name, candidates):
        text = name.replace("'", "''")
        return [f"Double quotes name a column; a text has single ones: '{text}'"]
    spaced = next((one for one in candidates if not one.isidentifier() and one.split()[0] == name), None)
    if spaced is not None:
        return [f'A name with spaces or signs has double quotes: "{spaced}"']
    return [f'See all columns: gapless query "DESCRIBE {_a_table(error)}"']


def _of_syntax(error: QueryError) -> list[str]:
    """Where it is wrong, and what may be meant."""
    sql = " ".join(error.sql.split())
    place = re.search(r'at or near "(.+)"', error.reason)
    near = place[1] if place else ""
    where = _marked(error.sql)
    first = re.match(r"\w+", sql)
    if sql.rstrip(";").casefold() in {name for table in error.tables for name in _names(table)}:
        return [*where, f"To see a table: {_typed(f'FROM {sql}')}"]
    if first is not None and first[0] == near and first[0].upper() not in _STARTS:
        meant = closest(near.upper(), _STARTS, 1)
        guess = f"Did you mean {meant[0]}? " if meant else ""
        return [
            *where,
            f"{guess}A query begins with {', '.join(_STARTS[:-1])} or {_STARTS[-1]}: {_example(error.tables)}",
        ]
    if sql.count("(") > sql.count(")"):
        return [*where, "A closing parenthesis is missing"]
    slash = re.search(r"\b([\w.]+(?:/[\w.]+)+)", sql) if near == "/" else None
    if slash is not None:
        return [*where, f"A slash of an asset's name is a dot in SQL: {slash[1].replace('/', '.')}"]
    if near and re.search(rf"{re.escape(near)}\s*;?$", sql):
        return [*where, f"Something is missing after {near}, or it is too much"]
    return [*where, "Correct it there"]


def _marked(sql: str) -> list[str]:
    """The line in which DuckDB's parser stops, and a mark below the place; empty if it does not say."""
    import duckdb

    try:
        duckdb.extract_statements(sql)
    except duckdb.Error as error:
        lines = str(error).splitlines()
        for number, line in enumerate(lines[:-1]):
            head = re.match(r"LINE \d+: ", line)
            if head is not None:
                return [f"  {line[head.end() :]}", f"  {lines[number + 1][head.end() :]}"]
    return []


def _of_unquoted(error: QueryError) -> list[str]:
    date = _DATE.search(error.sql)
    if date is not None:
        return [f"Without quotes {date[0]} is a subtraction; write '{date[0]}'"]
    return ["Compare with a value of the column's type; TRY_CAST(… AS …) gives NULL for what cannot be converted"]


def _of_files(error: QueryError) -> list[str]:
    return [f"Paths begin at {Path.cwd()}; a table of the project has no quotes"]


_BY_SIGN: Mapping[str, Callable[[QueryError], Sequence[str]]] = {
    "unterminated": lambda error: [*_marked(error.sql), "Close it; a quote inside of a text is written twice: 'it''s'"],
    "syntax error": _of_syntax,
    "Referenced column": _of_unknown_column,
    "does not have a column named": _of_unknown_column,
    "side of join": _of_unknown_column,
    "Could not convert": _of_unquoted,
    "No function matches": _of_unquoted,
    "Cannot compare values": _of_unquoted,
    "No files found": _of_files,
}


def _names(table: str) -> set[str]:
    """What a table, with its schema and perhaps its catalog before it, may be called."""
    parts = table.casefold().split(".")
    return {".".join(parts[start:]) for start in range(len(parts))}


def _a_table(error: QueryError) -> str:
    """One that the SQL names, else TABLE."""
    words = set(re.findall(r"\w+", error.sql.casefold()))
    bare = (table.rpartition(".")[2] for table in error.tables)
    return next((name for name in bare if name.casefold() in words), "TABLE")


def _example(tables: Sequence[str]) -> str:
    return f'gapless query "FROM {tables[0]} LIMIT 10"' if tables else _SHOW_ALL


def _typed(sql: str) -> str:
    quote = "'" if '"' in sql else '"'
    return f"gapless query {quote}{sql.strip()}{quote}"
