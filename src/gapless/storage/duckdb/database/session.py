"""A cursor on an open DuckDB database: statements, frames, and a person's own SQL. Errors in our words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.errors import StorageError
from gapless.storage.duckdb.database.exact_integers import exactly
from gapless.storage.duckdb.database.memory_limit import MemoryLimit
from gapless.storage.duckdb.database.messages import one_line, translated
from gapless.storage.duckdb.database.read_only_sql import why_not_reading
from gapless.storage.duckdb.database.shown_query import beyond_python, fit_to_show
from gapless.storage.duckdb.database.streams import ArrowStream, batches_of_stream
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.errors import DatabaseFailure

if TYPE_CHECKING:
    import duckdb
    import polars as pl

__all__ = ["Session"]


class Session:
    """A cursor on the open database, for one thread, for a short while.

    Attributes:
        catalog: The attached database's name in SQL.
        others: Those of further databases whose tables a person's SQL finds too.

    Args:
        known_columns: Of tables that have not changed since, by their SQL names; what is looked up is added. None to
            look always.
        memory: The limit that it shares with the other sessions of its instance; None if there are none.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        catalog: str,
        database: Path,
        known_columns: dict[str, dict[str, str]] | None = None,
        memory: MemoryLimit | None = None,
    ) -> None:
        self._cursor = cursor
        self._known_columns = known_columns
        self._timezone: str | None = None
        self.catalog = catalog
        self.others: list[str] = []
        self.database = str(database)
        self._scratch: tuple[str, Path] | None = None
        self._memory = memory or MemoryLimit()

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it has any.

        Args:
            parameters: For question marks, in order; or for ``$name``, by name.

        Raises:
            StorageError: DuckDB refused it.
        """
        import duckdb

        try:
            return self._cursor.execute(sql, _bindable(parameters)).fetchall()
        except duckdb.Error as error:
            failure = translated(error, self.database)
        # Raised outside: DuckDB's exception, kept alive as a context, would keep its whole connection alive.
        raise failure

    def frame(self, sql: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
        """The rows of a query, through Arrow's C stream; without columns if the statement yields none.

        Raises:
            StorageError: DuckDB refused it.
        """
        import duckdb
        import polars as pl

        try:
            relation = self._cursor.sql(sql, params=list(parameters))
            return pl.DataFrame() if relation is None else pl.DataFrame(ArrowStream(exactly(relation)))
        except duckdb.Error as error:
            failure = translated(error, self.database)
        except BaseException as error:
            # polars panics, below Exception, over Arrow types that it does not know.
            if type(error).__name__ not in ("PanicException", "ComputeError"):
                raise
            failure = DatabaseFailure(self.database, "Arrow", _passed_on(error))
        raise failure

    def batches(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any], new_folder: Callable[[], Path]
    ) -> Iterator[pl.DataFrame]:
        """The rows of a query, a batch at a time; at least one batch.

        Args:
            new_folder: As `batches_of_stream` has it.

        Raises:
            StorageError: DuckDB refused it, or failed on the way.
        """
        import duckdb

        try:
            relation = self._cursor.sql(sql, params=_bindable(parameters))
            yield from batches_of_stream(exactly(relation), new_folder)
        except duckdb.Error as error:
            failure = translated(error, self.database)
        except BaseException as error:
            if type(error).__name__ not in ("PanicException", "ComputeError"):
                raise
            failure = DatabaseFailure(self.database, "Arrow", _passed_on(error))
        else:
            return
        raise failure

    def pandas(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The rows of a query as a pandas DataFrame, made by DuckDB.

        Raises:
            StorageError: DuckDB refused it.
        """
        import duckdb

        try:
            return self._cursor.sql(sql, params=list(parameters)).df()
        except duckdb.Error as error:
            failure = translated(error, self.database)
        raise failure

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The rows of a query as a pyarrow Table.

        Raises:
            StorageError: DuckDB refused it.
        """
        import duckdb
        import pyarrow as pa

        try:
            return pa.table(ArrowStream(exactly(self._cursor.sql(sql, params=list(parameters)))))
        except duckdb.Error as error:
            failure = translated(error, self.database)
        except (pa.ArrowException, OSError) as error:
            failure = DatabaseFailure(self.database, "Arrow", _passed_on(error))
        raise failure

    def columns(self, table: TableName) -> dict[str, str]:
        """Name to type, in order; empty if there is no such table."""
        name = table.sql(self.catalog)
        if self._known_columns is not None and name in self._known_columns:
            return dict(self._known_columns[name])
        try:
            # Not DESCRIBE: of a table "json" that is not there yet, that would look for a file of such a name.
            found = self.execute("PRAGMA table_info('" + name.replace("'", "''") + "')")
        except DatabaseFailure as error:
            if error.kind == "Catalog":
                return {}
            raise
        columns = {row[1]: row[2] for row in found}
        if self._known_columns is not None:
            self._known_columns[name] = dict(columns)
        return columns

    def tables(self) -> set[str]:
        """The `TableName.identity` of each table. Unlike asking one that is not there, this ends no transaction."""
        sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?"
        return {TableName(schema, table).identity for schema, table in self.execute(sql, [self.catalog])}

    def set_timezone(self, name: str) -> None:
        """The zone in which this session reads and writes civil time, whatever the machine's is."""
        if name != self._timezone:
            self.execute("SET TimeZone = '" + name.replace("'", "''") + "'")
            self._timezone = name

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of a person's SQL: one statement that only reads, in a transaction that can only read.

        Raises:
            StorageError: It is something else, or DuckDB refused it.
        """
        import duckdb

        try:
            reason = why_not_reading(sql)
        except duckdb.Error as error:
            failure = translated(error, self.database)
        else:
            if reason is not None:
                raise DatabaseFailure(self.database, "Parser", reason)
            self._search_every_schema()
            self.execute("BEGIN TRANSACTION READ ONLY")
            try:
                return self._shown(sql)
            finally:
                self.rollback()
        raise failure

    def _shown(self, sql: str) -> pl.DataFrame:
        import duckdb

        try:
            relation = self._cursor.sql(sql)
            names, types = (relation.columns, [str(kind) for kind in relation.types]) if relation else ([], [])
        except duckdb.Error as error:
            failure = translated(error, self.database)
        else:
            frame = self.frame(fit_to_show(sql, names, types))
            odd = beyond_python(frame)
            return self.frame(fit_to_show(sql, names, types, odd)) if odd else frame
        raise failure

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """The cursor itself."""
        return self._cursor

    def hand_over(self) -> duckdb.DuckDBPyConnection:
        """The cursor, for a person's own SQL on tables that go by their names alone."""
        self._search_every_schema()
        return self._cursor

    def _search_every_schema(self) -> None:
        """Lets a person leave out the schema: ``public`` comes first, then ``main``, then the others by name."""
        self.execute(f"USE {quoted(self.catalog)}")
        path = []
        for catalog in (self.catalog, *self.others):
            schemas = self.execute(
                "SELECT schema_name FROM duckdb_schemas() WHERE database_name = ? AND NOT internal"
                " ORDER BY schema_name <> 'public', schema_name",
                [catalog],
            )
            names = [name for (name,) in schemas if name != "main"]
            names.insert(1 if names[:1] == ["public"] else 0, "main")
            path += [f"{quoted(catalog)}.{quoted(name)}" for name in names]
        self.execute("SET search_path = '" + ",".join(path).replace("'", "''") + "'")

    def tables_read(self, sql: str) -> set[str] | None:
        """The tables that a person's SQL names, as it writes them; None if that cannot be told."""
        with suppress(Exception):
            if why_not_reading(sql) is None:  # to name those of an EXPORT, DuckDB makes its folder
                return set(self._cursor.get_table_names(sql, qualified=True))
        return None

    def attach(self, path: Path, catalog: str, options: str) -> None:
        """Attach one more file, which no other database of this process may have open.

        Raises:
            StorageError: DuckDB cannot open it.
        """
        where = "'" + str(path).replace("'", "''") + "'"
        self.execute(f"ATTACH {where} AS {quoted(catalog)} (TYPE duckdb, {options})")

    def detach(self, catalog: str) -> None:
        """Let go of what `attach` attached.

        Raises:
            StorageError: It is in use, or what was written could not be brought into the file.
        """
        self.execute(f"DETACH {quoted(catalog)}")

    @contextmanager
    def registered(self, name: str, stream: Any) -> Iterator[str]:
        """`stream`, an object with ``__arrow_c_stream__``, as a table of this session; yields its quoted name."""
        scanned = stream  # which lives as long: names are made of its id
        if isinstance(stream, ArrowStream) and _filters_with_pyarrow():
            scanned = stream.for_pyarrow()
        self._cursor.register(name, scanned)
        try:
            yield quoted(name)
        finally:
            with suppress(Exception):
                self._cursor.unregister(name)

    def scratch_catalog(self, new_folder: Callable[[], Path]) -> str:
        """A further database, in a file of its own that goes with the session, for what a query has made.

        Raises:
            StorageError: There is no room for it.
        """
        if self._scratch is None:
            folder = new_folder()
            catalog = f"gapless_{folder.name}_{id(self)}"
            self._scratch = catalog, folder
            self.attach(folder / "rows.duckdb", catalog, "READ_WRITE")
        return self._scratch[0]

    def limit_memory(self, columns: int, held: ExitStack) -> None:
        """Have DuckDB write rows that may be many, of so many columns, to disk, until `held` is closed.

        It would keep all it can in memory first. The limit holds for the other sessions, too.
        """
        self._memory.hold(self.execute, columns, held)

    def attempt(self, sql: str) -> None:
        """Run one statement that puts something away; if it cannot, that harms nothing."""
        with suppress(StorageError):
            self.execute(sql)

    def rollback(self) -> bool:
        """End the transaction, if there is one, without a trace; whether there was."""
        try:
            self._cursor.execute("ROLLBACK")
        except Exception:  # there was none, or the connection is gone, and the transaction with it
            return False
        return True

    def close(self) -> None:
        if self._scratch is not None:
            catalog, folder = self._scratch
            self.attempt(f"DETACH {quoted(catalog)}")
            shutil.rmtree(folder, ignore_errors=True)
            self._scratch = None
        with suppress(Exception):
            self._cursor.close()


def _bindable(parameters: Sequence[Any] | Mapping[str, Any]) -> list[Any] | dict[str, Any]:
    return dict(parameters) if isinstance(parameters, Mapping) else list(parameters)


def _passed_on(error: BaseException) -> str:
    """What DuckDB said to who read its stream, on one line."""
    return one_line(str(error).removeprefix("got external error: "))


@cache
def _filters_with_pyarrow() -> bool:
    """Whether DuckDB has pyarrow filter the streams that it scans: versions before 2 do, where it is installed."""
    import duckdb

    return int(duckdb.__version__.partition(".")[0]) < 2 and find_spec("pyarrow") is not None
