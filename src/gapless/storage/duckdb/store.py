"""Tables in one DuckDB file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gapless.asset_key import AssetKey
from gapless.errors import StorageError
from gapless.storage.duckdb.table_name import RECORDS_SCHEMA, TableName
from gapless.storage.errors import (
    NeverMaterializedError,
    NoPartitionExpressionError,
    TableNameError,
)
from gapless.storage.settings import Setting, seconds, value_of
from gapless.storage.slice_io_manager import SliceIOManager
from gapless.storage.slices import (
    CommitRecord,
    Committed,
    Compaction,
    InputSlices,
    OutputSlices,
    Refused,
    StagedSlices,
    Uncertain,
)
from gapless.storage.sql_query import SqlQuery

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.database.connection import Database, Session
    from gapless.storage.duckdb.membership.condition import Condition
    from gapless.storage.duckdb.staged_query import OwnTable, StagedQuery
    from gapless.storage.duckdb.staging.spilled import SpilledRows
    from gapless.storage.duckdb.staging.staged_value import StagedValue
    from gapless.storage.duckdb.staging.staging_folder import StagingFolder

__all__ = ["DuckDBIOManager", "DuckDBPandasIOManager", "DuckDBPolarsIOManager"]


class DuckDBIOManager(SliceIOManager):
    """Keeps each asset as a table of one DuckDB file.

    Takes polars, pandas and Arrow data, DuckDB relations, iterators of these, and `gapless.sql`. Gives an input what
    its parameter's annotation asks for, and without one polars frames.

    A slice is replaced whole or not at all, with its commit record in the same transaction. Several processes may use
    one file: they take turns. Safe to use from several threads; `commit` from one at a time.

    Args:
        database: The file's path; relative to the working directory in which the manager is made.
        schema: The schema of assets that name none in their metadata. Without it, an asset lies in the schema that
            its key's last part but one names, or in ``public``.
        lock_timeout: How long to wait while others hold the file, seconds.
    """

    requires_partition_expr = True  # checked when definitions are loaded
    _default_type = "POLARS"  # what `Wanted` calls it

    def __init__(
        self,
        database: str | os.PathLike[str] | Setting,
        schema: str | Setting | None = None,
        lock_timeout: float | Setting = 60.0,
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
        given = os.fspath(value_of(self._given_database, "database"))
        if not given or given.startswith((":memory:", "md:", "motherduck:")):
            raise TableNameError(
                f"the database {given!r} is not a file", "Give the path of a file, for example data/db.duckdb"
            )
        return (self._folder / Path(given).expanduser()).absolute()

    @property
    def lock_timeout(self) -> float:
        """How long to wait while others hold the file, seconds.

        Raises:
            TableNameError: The setting is no number.
        """
        return seconds(self._lock_timeout)

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
        return None if self._given_schema is None else str(value_of(self._given_schema, "schema"))

    def _refuse_unbounded(self, slices: OutputSlices | InputSlices) -> None:
        """Without an expression a partition would mean the whole table.

        Raises:
            NoPartitionExpressionError: There is none, and there are partitions.
        """
        if not slices.expressions and any(part.key is not None for part in slices.slices):
            keys = tuple(part.key for part in slices.slices)
            raise NoPartitionExpressionError(str(slices.asset), keys, str(self.table_of(slices)))

    # --- writing

    def stage(self, output: OutputSlices, value: Any) -> StagedValue:
        """Check what can be checked without the table: the type, the names, the partition column.

        Raises:
            StorageError: The value cannot be stored.
        """
        from gapless.storage.duckdb.staging.values import staged

        self.table_of(output)
        self.database  # noqa: B018  # a setting without a value is told before anything is written
        self._refuse_unbounded(output)
        if isinstance(value, SqlQuery):
            return self._staged_query(output, value)
        return staged(output, value, self._new_staging)

    def _staged_query(self, output: OutputSlices, query: SqlQuery) -> StagedQuery:
        import polars as pl

        from gapless.storage.duckdb.staged_query import OwnTable, staged_query
        from gapless.storage.duckdb.staging.values import rows_of

        sources: dict[str, OwnTable | pl.DataFrame | SpilledRows] = {}
        for name, source in query.sources.items():
            store, slices = source.store, source.slices
            if isinstance(store, DuckDBIOManager):
                here = store._database() is self._database()
                store._refuse_unbounded(slices)
                sources[name] = OwnTable(slices, store.table_of(slices)) if here else store._rows(slices)
            else:
                sources[name] = rows_of(output, store.load(slices, pl.LazyFrame), self._new_staging)
        return staged_query(output, query, sources, lambda: self._session("read", "read"), self._new_staging)

    def _new_staging(self) -> Path:
        return self._staging_folder().new()

    def _staging_folder(self) -> StagingFolder:
        from gapless.storage.duckdb.staging.staging_folder import StagingFolder

        return StagingFolder.beside(self._database().path)

    def split(self, staged: StagedSlices) -> list[StagedSlices]:
        """One value for each slice of `staged`, in their order, its rows checked to lie inside.

        Rows outside all slices are left out where the boundary policy says so, and counted; where it allows them, they
        stay with the first slice.

        Raises:
            StorageError: Rows lie outside all slices, and the boundary policy refuses them.
        """
        from gapless.storage.duckdb.splitting import parts_of

        return list(parts_of(staged, self.table_of(staged.output), self._new_staging))

    def commit(self, staged: Sequence[StagedSlices]) -> list[Committed | Refused | Uncertain]:
        """Replace all slices of `staged` in one transaction; those that cannot be stored are refused alone."""
        from gapless.storage.duckdb.commits.certainty import commit_left
        from gapless.storage.duckdb.commits.group_commit import GroupCommit, broken
        from gapless.storage.duckdb.staging.staged_value import StagedValue

        frames = dict(enumerate(frame for frame in staged if isinstance(frame, StagedValue)))
        group = GroupCommit(frames, {number: self.table_of(frame.output) for number, frame in frames.items()})
        try:
            commit_left(group, self._database(), self.lock_timeout)
        except StorageError as error:
            # The file as a whole is out of reach or full: nobody who is left would fare better.
            group.refuse_left(error)
            self.close()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a bug of ours, or a panic beneath: what is certain by now is said all the same
            group.refuse_left(broken(error))
            self.close()
        finally:
            for number, value in frames.items():
                # What was refused of several slices may yet be split.
                if len(value.output.slices) == 1 or isinstance(group.outcomes.get(number), Committed):
                    value.discard()
        return [group.outcomes[number] for number in frames]

    def wipe(self, target: OutputSlices) -> int:
        """Delete the rows of these slices and their commit records in one transaction; returns how many rows."""
        from gapless.storage.duckdb.wiping import wiped

        self._refuse_unbounded(target)
        if self.is_empty():
            return 0
        with self._session("wipe", "write") as session:
            return wiped(session, target, self.table_of(target))

    # --- reading

    def load(self, source: InputSlices, expected: Any) -> Any:
        """The rows of `source`, found by their bounds, in the order in which they lie in the table.

        Without slices there are no rows; and no columns either as long as there is no table.

        Args:
            expected: A polars DataFrame or LazyFrame, a pandas DataFrame, a pyarrow Table or RecordBatchReader. What is
                lazy, or a reader, does not hold many rows in memory.

        Raises:
            StorageError: There is no such table or column, or `expected` is something else.
        """
        from gapless.storage.duckdb.loaded import Wanted, loaded, nothing_as, wanted_by

        wanted = wanted_by(expected, Wanted[self._default_type], str(source.asset))  # before the work
        self._refuse_unbounded(source)
        with self._selected(source) as (session, selected):
            if session is None or selected is None:
                return nothing_as(wanted)
            return loaded(session, selected, wanted, self._staging_folder().new)

    def _rows(self, source: InputSlices) -> pl.DataFrame | SpilledRows:
        """The rows of `source`, in files where they are too many for memory."""
        from gapless.storage.duckdb.loaded import selected_rows

        self._refuse_unbounded(source)
        with self._selected(source) as (session, selected):
            if session is None or selected is None:
                raise NeverMaterializedError(str(source.asset), str(self.table_of(source)), str(self.database))
            return selected_rows(session, selected, self._staging_folder().new)

    @contextmanager
    def _selected(self, source: InputSlices) -> Iterator[tuple[Session, Condition] | tuple[None, None]]:
        """A session, and the SELECT of the rows of `source` to run in it; None if there are neither table nor slices.

        Raises:
            NeverMaterializedError: There is no table, but rows are asked for.
        """
        from gapless.storage.duckdb.reading import selection

        table = self.table_of(source)
        if not self.is_empty():
            with self._session("read", "read") as session:
                if columns := session.columns(table):
                    yield session, selection(session, source, table, columns)
                    return
        if source.slices:
            raise NeverMaterializedError(str(source.asset), str(table), str(self.database))
        yield None, None

    def commit_records(self, run_ids: Sequence[str]) -> list[CommitRecord]:
        """Every commit that these runs made, the latest of each (run, asset, partition), oldest first."""
        from gapless.storage.duckdb.commits.commit_records import records_of_runs

        if not run_ids or self.is_empty():
            return []
        with self._session("read the commit records", "look") as session:
            return records_of_runs(session, run_ids)

    def committed(self, asset: AssetKey, metadata: Mapping[str, Any]) -> dict[str | None, CommitRecord]:
        """The newest commit of each partition of `asset`; empty without its table. Creates nothing."""
        from gapless.storage.duckdb.commits.commit_records import committed_partitions

        table = self._table(asset, metadata)
        if self.is_empty():
            return {}
        with self._session("read the commit records", "look") as session:
            return committed_partitions(session, str(asset), table) if session.columns(table) else {}

    def commits(
        self, asset: AssetKey, metadata: Mapping[str, Any], partition: str | None, limit: int = 100
    ) -> list[CommitRecord]:
        """Every commit of one partition that is known, newest first; the newest twenty outlive a compaction."""
        from gapless.storage.duckdb.commits.commit_records import commits_of

        table = self._table(asset, metadata)
        if self.is_empty():
            return []
        with self._session("read the commit records", "look") as session:
            return commits_of(session, str(asset), table, partition, limit)

    def is_empty(self) -> bool:
        """Whether the file is not there, or holds nothing at all; does not open it.

        Raises:
            StorageError: The setting names no file, or this user may not look.
        """
        return self._database().is_empty()

    def query(self, sql: str) -> pl.DataFrame:
        """The rows of one SQL statement, which can read the tables but change nothing.

        Raises:
            QueryError: DuckDB refuses it.
        """
        from gapless.storage.duckdb.project_query import asked

        with self._session("query", "look") as session:
            return asked(session, sql)

    def tables(self) -> list[str]:
        """The tables of the file, ``schema.table``, without our records; empty if there is no file."""
        if self.is_empty():
            return []
        with self._session("list the tables", "look") as session:
            sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name <> ?"
            rows = session.execute(f"{sql} ORDER BY ALL", [session.catalog, RECORDS_SCHEMA])
        return [f"{schema}.{table}" for schema, table in rows]

    def compact(self, now: datetime) -> list[Compaction]:
        """Write the file anew without the room that replaced rows have left, if enough is; forget old commit records.

        Raises:
            StorageError: The file cannot be read or written; it is as it was.
        """
        from gapless.storage.duckdb.compaction import compact

        if self.is_empty():
            return []
        return [compact(self._database(), self.lock_timeout)]

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
            self._staging_folder().tidy()

    def _database(self) -> Database:
        from gapless.storage.duckdb.database.connection import Database

        return Database.at(self.database)

    def _session(self, doing: str, mode: Literal["write", "read", "look"]) -> AbstractContextManager[Session]:
        return self._database().session(self.lock_timeout, doing, mode)


class DuckDBPolarsIOManager(DuckDBIOManager):
    """A `DuckDBIOManager` that gives polars frames to inputs without an annotation."""


class DuckDBPandasIOManager(DuckDBIOManager):
    """A `DuckDBIOManager` that gives pandas frames to inputs without an annotation."""

    _default_type = "PANDAS"
