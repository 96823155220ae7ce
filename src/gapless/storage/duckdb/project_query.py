"""A person's SQL over all that a project stores: several DuckDB files, and tables that lie in files of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gapless.errors import StorageError
from gapless.storage.duckdb.database.connection import Database, scratch_session
from gapless.storage.duckdb.database.session import Session
from gapless.storage.duckdb.table_name import RECORDS_SCHEMA, TableName, quoted
from gapless.storage.errors import DatabaseFailure, QueryError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ScannedTable", "answer", "answer_of_file", "asked"]

_DOING = "query"
_OF_FILES = frozenset({"IO", "InvalidInput", "HTTP"})  # DuckDB's kinds of errors where a file is gone or torn
_SCANNED = "files"  # the catalog of what lies in files of its own


@dataclass(frozen=True, slots=True)
class ScannedTable:
    """A table that lies in files of its own.

    Attributes:
        name: What it is called in SQL.
        source: The SELECT that reads it, or its rows; asked for only if somebody names the table. None if it holds
            nothing yet.
        unreadable: Asked once reading it may have failed: which of its files cannot be read.
    """

    name: TableName
    source: Callable[[], str | pl.LazyFrame | None]
    unreadable: Callable[[], StorageError | None] = lambda: None


def answer(sql: str, files: Mapping[Path, float], scanned: Sequence[ScannedTable] = ()) -> pl.DataFrame:
    """The rows of one SQL statement, which can read but change nothing.

    Args:
        files: DuckDB files, and how long to wait for each, seconds. Those that are not there are left out.
        scanned: Further tables, whose names have to be told from those of the files.

    Raises:
        QueryError: It is refused, or names a table of which there are two.
        StorageError: A file cannot be read.
    """
    databases = {database: wait for path, wait in sorted(files.items()) if (database := Database.at(path)).exists()}
    with ExitStack() as stack:
        if databases:
            first, *others = databases
            session = stack.enter_context(first.session(databases[first], _DOING, "look"))
            taken = {session.catalog.casefold(), _SCANNED}
            for other in others:
                catalog = _unused(other.catalog, taken)
                stack.enter_context(other.lent_to(session, catalog, databases[other], _DOING))
                session.others.append(catalog)
        else:
            session = stack.enter_context(scratch_session())
        return asked(session, sql, scanned)


def answer_of_file(sql: str, path: Path) -> pl.DataFrame:
    """As `answer`, of one DuckDB file that nobody writes to.

    Raises:
        QueryError: It is refused.
        StorageError: The file cannot be read.
    """
    with scratch_session() as session:
        catalog = _unused(path.name.split(".")[0] or "data", {"memory", "temp", "system", "main", _SCANNED})
        session.attach(path, catalog, "READ_ONLY")
        try:
            session.others.append(catalog)
            return asked(session, sql)
        finally:
            session.detach(catalog)


def _unused(name: str, taken: set[str]) -> str:
    number, unused = 1, name
    while unused.casefold() in taken:
        number += 1
        unused = f"{name}_{number}"
    taken.add(unused.casefold())
    return unused


def asked(session: Session, sql: str, scanned: Sequence[ScannedTable] = ()) -> pl.DataFrame:
    """As `answer`, of what `session` has attached.

    Raises:
        QueryError: It is refused, or names a table of which there are two.
    """
    named = session.tables_read(sql)
    tables = _tables(session)
    tables += [(_SCANNED, table.name.schema, table.name.table) for table in scanned]
    _refuse_ambiguous(sql, named, tables)
    wanted = [table for table in scanned if named is None or _names(named, table)]
    session.set_timezone("UTC")
    try:
        with _views(session, wanted):
            return session.query(sql)
    except DatabaseFailure as error:
        kind, reason = error.kind, error.reason
    # Asked only of failures to read: to answer, it may read all files.
    for table in wanted if kind in _OF_FILES else ():
        if (unreadable := table.unreadable()) is not None:
            raise unreadable
    there = [name for name in tables if name[0] != _SCANNED]
    there += [(_SCANNED, one.name.schema, one.name.table) for one in scanned if _holds_rows(one)]
    catalogs = {catalog for catalog, _, _ in there}
    raise QueryError(sql, reason, tuple(".".join(name if len(catalogs) > 1 else name[1:]) for name in there))


def _holds_rows(table: ScannedTable) -> bool:
    try:
        return table.source() is not None
    except StorageError:  # one that cannot be read now is there all the same
        return True


def _tables(session: Session) -> list[tuple[str, str, str]]:
    """The catalog, schema and name of each, without our records."""
    catalogs = [session.catalog, *session.others]
    rows = session.execute(
        "SELECT database_name, schema_name, name FROM (SELECT database_name, schema_name, table_name AS name FROM"
        " duckdb_tables() UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views())"
        f" WHERE database_name IN ({', '.join('?' * len(catalogs))}) AND schema_name <> ? ORDER BY ALL",
        [*catalogs, RECORDS_SCHEMA],
    )
    return [(catalog, schema, name) for catalog, schema, name in rows]


def _refuse_ambiguous(sql: str, named: set[str] | None, tables: Sequence[tuple[str, str, str]]) -> None:
    """A bare name that two files have would silently mean the first one's.

    Raises:
        QueryError: The query has one.
    """
    for name in sorted(named or ()):
        bare = _bare(name)
        homes = [table for table in tables if bare is not None and table[2].casefold() == bare]
        if len({catalog for catalog, _, _ in homes}) > 1:
            choices = " or ".join(".".join(home) for home in homes)
            raise QueryError(sql, f"there is more than one table {homes[0][2]}; write {choices}")


def _bare(written: str) -> str | None:
    """The name, folded, of a table that is written without its schema; None if it has one."""
    name = written.partition(" AS ")[0].strip()
    quotes = len(name) > 1 and name[0] == name[-1] == '"'
    if quotes:
        return name[1:-1].replace('""', '"').casefold()
    return None if "." in name else name.casefold()


def _names(named: set[str], table: ScannedTable) -> bool:
    wanted = table.name.table.casefold()
    return any(wanted in written.casefold() for written in named)


@contextmanager
def _views(session: Session, tables: Sequence[ScannedTable]) -> Iterator[None]:
    """These as views of a catalog of their own."""
    sources = [(table.name, source) for table in tables if (source := table.source()) is not None]
    if not sources:
        yield
        return
    session.execute(f"ATTACH ':memory:' AS {quoted(_SCANNED)}")
    try:
        with TemporaryDirectory(prefix="gapless-query-") as folder:
            for number, (name, source) in enumerate(sources):
                select = source if isinstance(source, str) else _spilled(source, Path(folder, f"{number}.parquet"))
                session.execute(f"CREATE SCHEMA IF NOT EXISTS {name.schema_sql(_SCANNED)}")
                session.execute(f"CREATE VIEW {name.sql(_SCANNED)} AS {select}")
            session.others.append(_SCANNED)
            yield
    finally:
        if _SCANNED in session.others:
            session.others.remove(_SCANNED)
        session.execute(f"USE {quoted(session.catalog)}")
        session.detach(_SCANNED)


def _spilled(rows: pl.LazyFrame, file: Path) -> str:
    """Rows that DuckDB cannot read where they lie, without holding them all in memory."""
    from polars.exceptions import PolarsError

    try:
        rows.sink_parquet(file)
    except (OSError, PolarsError) as error:
        raise DatabaseFailure(str(file), "IO", " ".join(str(error).split())) from None
    return f"SELECT * FROM read_parquet('{file}')"
