"""Tables in one DuckDB file, written and read as polars frames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from gapless.asset_key import AssetKey
from gapless.errors import StorageError, closest
from gapless.storage.duckdb.table_name import RECORDS_SCHEMA, TableName, quoted
from gapless.storage.errors import (
    ColumnNamesError,
    ColumnTypeError,
    NeverMaterializedError,
    NoPartitionExpressionError,
    PartitionExpressionError,
    QueryError,
    TableNameError,
    UnknownColumnsError,
)
from gapless.storage.slices import (
    CommitRecord,
    Committed,
    InputSlices,
    OutputSlices,
    Refused,
    StagedSlices,
)

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.connection import Database, Session
    from gapless.storage.duckdb.frames import StagedFrame
    from gapless.storage.duckdb.group_commit import GroupCommit
    from gapless.storage.duckdb.predicates import Condition

__all__ = ["DuckDBPolarsIOManager"]


class _Setting(Protocol):
    """A value that is looked up when it is first needed, as `EnvVar` is."""

    def get_value(self) -> str | None: ...


class DuckDBPolarsIOManager:
    """Keeps each asset as a table of one DuckDB file; takes and gives polars frames.

    A slice is replaced whole or not at all, with its commit record in the same transaction. Several processes may use
    one file: they take turns. Safe to use from several threads; `commit` from one at a time.

    Args:
        database: The file's path; relative to the working directory in which the manager is made.
        schema: The schema of assets that name none in their metadata. Without it, an asset lies in the schema that
            its key's last part but one names, or in ``public``.
        lock_timeout: How long to wait while others hold the file, seconds.
    """

    requires_partition_expr = True  # checked when definitions are loaded

    def __init__(
        self,
        database: str | os.PathLike[str] | _Setting,
        schema: str | _Setting | None = None,
        lock_timeout: float | _Setting = 60.0,
    ) -> None:
        self._given_database = database
        self._given_schema = schema
        self._lock_timeout = lock_timeout
        self._path: Path | None = None
        # Kept now: a function may change the working directory before the path is first needed.
        self._folder = Path()
        with suppress(FileNotFoundError):  # the working directory is gone; an absolute path needs none
            self._folder = Path.cwd()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(database={self._given_database!r}, schema={self._given_schema!r})"

    @property
    def database(self) -> Path:
        """The file, as an absolute path; once asked for, it stays the same.

        Raises:
            TableNameError: The setting does not name a file.
        """
        if self._path is None:
            self._path = self._file()
        return self._path

    def _file(self) -> Path:
        given = _resolved(self._given_database, "database")
        if not given or given.startswith((":memory:", "md:", "motherduck:")):
            raise TableNameError(
                f"the database {given!r} is not a file", "Give the path of a file, for example data/db.duckdb"
            )
        return (self._folder / Path(given).expanduser()).absolute()

    def location_of(self, asset: AssetKey, metadata: Mapping[str, Any]) -> str:
        """Where an asset would lie, in words: equal for two assets that would overwrite each other.

        Settings that have no value yet go by their names.

        Raises:
            TableNameError: Metadata or key do not name a table.
        """
        schema = self._given_schema
        with suppress(TableNameError):
            schema = self._schema()
        table = TableName.of(asset, metadata, schema if schema is None or type(schema) is str else repr(schema))
        file = repr(self._given_database)
        with suppress(TableNameError):
            file = os.path.realpath(self._file())
        return f"the table {table.identity} of {file}"

    def table_of(self, output: OutputSlices | InputSlices) -> TableName:
        """Where an asset lies."""
        return self._table(output.asset, output.metadata)

    def _table(self, asset: AssetKey, metadata: Mapping[str, Any]) -> TableName:
        return TableName.of(asset, metadata, self._schema())

    def _schema(self) -> str | None:
        return None if self._given_schema is None else _resolved(self._given_schema, "schema")

    def _refuse_unbounded(self, slices: OutputSlices | InputSlices) -> None:
        """Without an expression a partition would mean the whole table.

        Raises:
            NoPartitionExpressionError: There is none, and there are partitions.
        """
        if not slices.expressions and any(part.key is not None for part in slices.slices):
            keys = tuple(part.key for part in slices.slices)
            raise NoPartitionExpressionError(str(slices.asset), keys, str(self.table_of(slices)))

    # --- writing

    def stage(self, output: OutputSlices, value: Any) -> StagedFrame:
        """Check what can be checked without the table: the type, the names, the partition column.

        Raises:
            StorageError: The value cannot be stored.
        """
        from gapless.storage.duckdb.frames import staged

        self.table_of(output)
        self.database  # noqa: B018  # a setting without a value is told before anything is written
        self._refuse_unbounded(output)
        return staged(output, value)

    def commit(self, staged: Sequence[StagedSlices]) -> list[Committed | Refused]:
        """Replace all slices of `staged` in one transaction; those that cannot be stored are refused alone."""
        from gapless.storage.duckdb.frames import StagedFrame
        from gapless.storage.duckdb.group_commit import GroupCommit

        frames = dict(enumerate(frame for frame in staged if isinstance(frame, StagedFrame)))
        group = GroupCommit(frames, {number: self.table_of(frame.output) for number, frame in frames.items()})
        try:
            self._commit_left(group)
        except StorageError as error:
            # The file as a whole is out of reach or full: nobody who is left would fare better.
            for number in group.left():
                group.outcomes[number] = Refused(error)
            self.close()
        return [group.outcomes[number] for number in frames]

    def wipe(self, target: OutputSlices) -> int:
        """Delete the rows of these slices and their commit records in one transaction; returns how many rows."""
        from gapless.storage.duckdb.commit_records import RECORDS, forget_slices

        self._refuse_unbounded(target)
        if self.is_empty():
            return 0
        table = self.table_of(target)
        with self._session("wipe", "write") as session:
            columns = session.columns(table)
            keys = tuple(part.key for part in target.slices) or (None,)
            whole = None in keys
            condition = None if whole or not columns else _condition(session, target, table, columns)
            session.execute("BEGIN TRANSACTION")
            committed = False
            try:
                deleted = 0
                if columns:
                    where = f" WHERE {condition.sql}" if condition else ""
                    sql = f"DELETE FROM {table.sql(session.catalog)}{where}"
                    ((deleted,),) = session.execute(sql, condition.parameters if condition else ())
                if session.columns(RECORDS):
                    forget_slices(session, str(target.asset), (None,) if whole else keys)
                session.execute("COMMIT")
                committed = True
            finally:
                if not committed:
                    session.rollback()
            return int(deleted)

    # --- reading

    def load(self, source: InputSlices, expected: Any) -> Any:
        """The rows of `source`, found by their bounds, in the order in which they lie in the table.

        Without slices it is an empty frame; one without columns as long as there is no table.

        Raises:
            StorageError: There is no such table or column, or `expected` is not a polars frame.
        """
        import polars as pl

        from gapless.storage.duckdb.frames import as_expected

        asset, table = str(source.asset), self.table_of(source)
        self._refuse_unbounded(source)
        nothing = as_expected(pl.DataFrame(), expected, asset)  # before the work: it checks the annotation
        if self.is_empty():
            if not source.slices:
                return nothing
            raise NeverMaterializedError(asset, str(table), str(self.database))
        with self._session("read", "read") as session:
            columns = session.columns(table)
            if not columns:
                if not source.slices:
                    return nothing
                raise NeverMaterializedError(asset, str(table), str(self.database))
            wanted = _wanted(source, columns, table)
            session.set_timezone(source.timezone)
            sql = f"SELECT {', '.join(map(quoted, wanted))} FROM {table.sql(session.catalog)}"
            if not source.slices:
                frame = session.frame(f"{sql} LIMIT 0")
            elif any(part.key is None for part in source.slices):
                frame = session.frame(sql)
            else:
                condition = _condition(session, source, table, columns)
                frame = session.frame(f"{sql} WHERE {condition.sql}", condition.parameters)
        return as_expected(frame, expected, asset)

    def commit_records(self, run_ids: Sequence[str]) -> list[CommitRecord]:
        """Every commit that these runs made, the latest of each (run, asset, partition), oldest first."""
        from gapless.storage.duckdb.commit_records import records_of_runs

        if not run_ids or self.is_empty():
            return []
        with self._session("read the commit records", "look") as session:
            return records_of_runs(session, run_ids)

    def committed(self, asset: AssetKey, metadata: Mapping[str, Any]) -> dict[str | None, CommitRecord]:
        """The newest commit of each partition of `asset`; empty without its table. Creates nothing."""
        from gapless.storage.duckdb.commit_records import committed_partitions

        table = self._table(asset, metadata)
        if self.is_empty():
            return {}
        with self._session("read the commit records", "look") as session:
            return committed_partitions(session, str(asset)) if session.columns(table) else {}

    def is_empty(self) -> bool:
        """Whether the file is not there, or holds nothing at all; does not open it.

        Raises:
            StorageError: The setting names no file, or this user may not look.
        """
        database = self._database()
        return not database.exists() or database.path.stat().st_size == 0

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of one SQL statement, which can read the tables but change nothing.

        Raises:
            QueryError: DuckDB refuses it.
        """
        from gapless.storage.errors import DatabaseFailure

        with self._session("query", "look") as session:
            session.set_timezone("UTC")
            try:
                return session.query(sql)
            except DatabaseFailure as error:
                reason = error.reason
        raise QueryError(sql, reason)

    def tables(self) -> list[str]:
        """The tables of the file, ``schema.table``, without our records; empty if there is no file."""
        if self.is_empty():
            return []
        with self._session("list the tables", "look") as session:
            rows = session.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name <> ?"
                " ORDER BY ALL",
                [session.catalog, RECORDS_SCHEMA],
            )
        return [f"{schema}.{table}" for schema, table in rows]

    # --- taking turns

    def yield_turn(self) -> None:
        """Let other processes in, if any waits, or if the file has not been used for a while."""
        if self._path is not None:
            self._database().yield_turn()

    def stop_waiting(self) -> None:
        """End every wait for another process that is under way, as if its time were up."""
        if self._path is not None:
            self._database().stop_waiting()

    def close(self) -> None:
        """Release the file; it is opened again on demand."""
        if self._path is not None:
            self._database().close()

    def _database(self) -> Database:
        from gapless.storage.duckdb.connection import Database

        return Database.at(self.database)

    def _session(self, doing: str, mode: Literal["write", "read", "look"]) -> AbstractContextManager[Session]:
        return self._database().session(_seconds(self._lock_timeout), doing, mode)

    def _commit_left(self, group: GroupCommit) -> None:
        """Commit what is left of `group`; if a COMMIT itself fails, its records say whether it took.

        Raises:
            StorageError: The file as a whole is out of reach or full.
        """
        from gapless.storage.duckdb.commit_records import was_committed
        from gapless.storage.duckdb.group_commit import CommitUncertainError, is_environmental

        alone = False
        while left := group.left():
            try:
                with self._session("commit", "write") as session:
                    group.run(session, left[:1] if alone else left)
                continue
            except CommitUncertainError as error:
                uncertain = error
            self._database().close()  # after such an error the connection may be good for nothing
            with self._session("read the commit records", "read") as session:
                took = was_committed(session, uncertain.committed_us)
            if took:
                group.outcomes |= uncertain.expected
            elif is_environmental(uncertain.failure):
                raise uncertain.failure
            elif alone or len(left) == 1:
                group.outcomes[left[0]] = Refused(uncertain.failure)
            else:
                alone = True


def _seconds(setting: float | _Setting) -> float:
    get_value = getattr(setting, "get_value", None)  # asked first: an EnvVar.int is a number too
    value = setting if get_value is None else get_value()
    try:
        return float(cast("float", value))
    except (TypeError, ValueError):
        raise TableNameError(
            f"the lock_timeout is {setting!r}, which is {value!r} and no number of seconds", "Set it to a number"
        ) from None


def _resolved(setting: str | os.PathLike[str] | _Setting, what: str) -> str:
    get_value = getattr(setting, "get_value", None)  # asked first: an EnvVar is a string too, its own name
    if get_value is None:
        return os.fspath(cast("str | os.PathLike[str]", setting))
    value: str | None = get_value()
    if not value:
        name = getattr(setting, "env_var_name", "")
        fix = f"Set it: export {name}=…" if name else "Set that variable"
        raise TableNameError(f"the {what} is {setting!r}, which has no value", fix)
    return value


def _wanted(source: InputSlices, columns: Mapping[str, str], table: TableName) -> list[str]:
    """The columns to read, named as the table names them."""
    asset = str(source.asset)
    by_folded = {name.casefold(): name for name in columns}
    asked = list(columns) if source.columns is None else list(source.columns)
    if not asked:
        raise ColumnNamesError(
            asset, (), "the input's metadata {'columns': []} asks for no column", "Name one, or leave it out for all"
        )
    unknown = tuple(name for name in asked if name.casefold() not in by_folded)
    if unknown:
        nearest = tuple(near for name in unknown for near in closest(name, columns, limit=1))
        raise UnknownColumnsError(asset, unknown, tuple(columns), str(table), nearest)
    wanted = [by_folded[name.casefold()] for name in asked]
    for name in wanted:
        if columns[name].startswith("INTERVAL"):
            fix = 'Leave it out with the input\'s metadata {"columns": […]}'
            raise ColumnTypeError(asset, (), name, columns[name], fix)
    return wanted


def _condition(
    session: Session, source: InputSlices | OutputSlices, table: TableName, columns: Mapping[str, str]
) -> Condition:
    from gapless.storage.duckdb.membership import membership_of
    from gapless.storage.duckdb.predicates import Condition
    from gapless.storage.duckdb.table_replacement import has_rows

    session.set_timezone(source.timezone)
    name = table.sql(session.catalog)
    try:
        membership = membership_of(session, source, columns, f"SELECT * FROM {name}")
    except PartitionExpressionError:
        if has_rows(session, name, columns):
            raise
        return Condition("FALSE")  # only frames without values so far: the columns may not have their types yet
    return membership.where(source.slices)
