"""The SQL that a function returned: run inside the database by its writer, the rows never leave it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.messages import one_line
from gapless.storage.duckdb.database.read_only_sql import why_not_reading
from gapless.storage.duckdb.database.streams import ArrowStream
from gapless.storage.duckdb.errors import SqlSourceError, SqlValueError
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.duckdb.reading import selection
from gapless.storage.duckdb.staging.column_types import NULL_TYPE, refuse_column_types
from gapless.storage.duckdb.staging.frames import StagedFrame, column_named_by, refuse_column_names, staged_frame
from gapless.storage.duckdb.staging.gathering import gathered
from gapless.storage.duckdb.staging.spilled import SpilledRows, StagedFiles
from gapless.storage.duckdb.staging.staged_value import Source, StagedValue
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.errors import DatabaseFailure, NeverMaterializedError
from gapless.storage.slices import InputSlices, OutputSlices
from gapless.storage.sql_query import LITERALS, SqlQuery

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.database.connection import Session

__all__ = ["OwnTable", "StagedQuery", "staged_query"]

_LEXEMES = re.compile(rf"{LITERALS} | (?P<mark>\?)", re.DOTALL | re.VERBOSE)
_NOT_THE_QUERYS_FAULT = ("Fatal", "Internal")


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of the very database that the query runs in, and what of it is read."""

    slices: InputSlices
    table: TableName


@dataclass(frozen=True, slots=True)
class StagedQuery(StagedValue):
    """A query that waits for its commit, which runs it; unless its rows were asked for before: then those are stored.

    Attributes:
        query: What the function returned.
        sources: By name in the query: a table of the database, or rows that another store has given.
        reading: Opens a session on the database, to look at the rows before the commit.
        new_folder: Makes a folder for files, if there have to be any.
    """

    query: SqlQuery
    sources: Mapping[str, OwnTable | pl.DataFrame | SpilledRows]
    reading: Callable[[], AbstractContextManager[Session]]
    new_folder: Callable[[], Path]
    _seen: list[_Seen] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        held = sum(_held_bytes(source) for source in self.sources.values())
        return held + (self._seen[0].value.nbytes if self._seen else 0)

    def rows(self) -> pl.LazyFrame:
        """The rows that will be stored.

        Raises:
            StorageError: The query cannot be run, or its rows not be stored.
        """
        import polars as pl

        if not self._seen:
            with ExitStack() as held:
                session = held.enter_context(self.reading())
                text, parameters, types = self._described(session, held)
                try:
                    rows = gathered(session.batches(text, parameters, self.new_folder), self.new_folder)
                except DatabaseFailure as error:
                    raise self._told(error) from None
            if isinstance(rows, pl.DataFrame):
                self._seen.append(_Seen(staged_frame(self.output, rows), types))
            else:
                self._seen.append(_Seen(StagedFiles(self.output, rows), types))
        return self._seen[0].value.rows()

    def looked_at(self) -> StagedFrame | StagedFiles:
        """The rows that will be stored, as a value of their own.

        Raises:
            StorageError: The query cannot be run, or its rows not be stored.
        """
        self.rows()
        return self._seen[0].value

    def source(self, session: Session, held: ExitStack) -> Source:
        if self._seen:
            return self._seen[0].source(session, held)
        text, parameters, types = self._described(session, held)
        session.limit_memory(len(types), held)
        catalog = session.scratch_catalog(self.new_folder)
        table = f"{quoted(catalog)}.main.{quoted(f'query_{id(self)}')}"
        held.callback(session.attempt, f"DROP TABLE IF EXISTS {table}")
        try:
            ((height,),) = session.execute(f"CREATE OR REPLACE TABLE {table} AS {text}", parameters)
        except DatabaseFailure as error:
            raise self._told(error) from None
        typed = {name: kind for name, kind in types.items() if kind != NULL_TYPE}
        nulls = tuple(name for name in types if name not in typed)
        return Source(table, typed, tuple(types), nulls, height, _size(session, table, typed, height))

    def discard(self) -> None:
        for source in self.sources.values():
            if isinstance(source, SpilledRows):
                source.remove()
        for seen in self._seen:
            seen.value.discard()

    def _described(self, session: Session, held: ExitStack) -> tuple[str, dict[str, Any], dict[str, str]]:
        """The SQL, its parameters, and name to type of the columns that it gives."""
        parameters: dict[str, Any] = dict(self.query.parameters)
        tables = {}
        for number, (name, source) in enumerate(self.sources.items()):
            tables[name] = self._table_of(session, held, source, f"gapless_{number}_", parameters)
        session.set_timezone(self.output.timezone)
        text = self.query.filled(tables)
        try:
            described = session.execute(f"DESCRIBE {text}", parameters)
        except DatabaseFailure as error:
            raise self._told(error) from None
        refuse_column_names(self.output, [row[0] for row in described])
        types = {row[0]: row[1] for row in described}
        refuse_column_types(self.output, {name: kind for name, kind in types.items() if kind != NULL_TYPE})
        return text, parameters, types

    def _table_of(
        self,
        session: Session,
        held: ExitStack,
        source: OwnTable | pl.DataFrame | SpilledRows,
        prefix: str,
        parameters: dict[str, Any],
    ) -> str:
        """What stands in the text for the rows of `source`, whose own parameters are added to `parameters`."""
        if isinstance(source, SpilledRows):
            return source.select_from(session, held)[0]
        if not isinstance(source, OwnTable):
            stream = ArrowStream(source)
            return held.enter_context(session.registered(f"gapless_{id(stream)}", stream))
        columns = session.columns(source.table)
        if not columns:
            raise NeverMaterializedError(str(source.slices.asset), str(source.table), session.database)
        selected = selection(session, source.slices, source.table, columns)
        found = _by_name(selected, prefix)
        # Only what is no plain column may mean another thing in the query's own time zone.
        plain = all(column_named_by(expression, list(columns)) for expression in source.slices.expressions)
        if found is not None and (plain or source.slices.timezone == self.output.timezone):
            parameters |= found[1]
            return f"({found[0]})"
        table = f"{quoted(session.scratch_catalog(self.new_folder))}.main.{quoted(f'{prefix}{id(self)}')}"
        held.callback(session.attempt, f"DROP TABLE IF EXISTS {table}")
        session.execute(f"CREATE OR REPLACE TABLE {table} AS {selected.sql}", selected.parameters)
        return table

    def _told(self, error: DatabaseFailure) -> SqlValueError | DatabaseFailure:
        if error.kind in _NOT_THE_QUERYS_FAULT:
            return error
        return SqlValueError(str(self.output.asset), self.keys, self.query.text, error.reason)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The result of a query that was looked at.

    Attributes:
        types: Name to type in the database; a frame does not have all of them.
    """

    value: StagedFrame | StagedFiles
    types: Mapping[str, str]

    def source(self, session: Session, held: ExitStack) -> Source:
        found = self.value.source(session, held)
        types = {name: self.types[name] for name in found.types}
        casts = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in types.items())
        sql = f"(SELECT {casts} FROM {found.sql})" if types else found.sql
        return Source(sql, types, found.columns, found.null_columns, found.height, found.nbytes)


def staged_query(
    output: OutputSlices,
    query: SqlQuery,
    sources: Mapping[str, OwnTable | pl.DataFrame | SpilledRows],
    reading: Callable[[], AbstractContextManager[Session]],
    new_folder: Callable[[], Path],
) -> StagedQuery:
    """Check what can be checked without the database: that the text is one statement that reads what it may read.

    Raises:
        StorageError: It is not.
    """
    import duckdb

    asset, keys = str(output.asset), tuple(part.key for part in output.slices)
    unknown = next((name for name in query.names if name not in sources), None)
    if unknown is not None:
        raise SqlSourceError(asset, keys, unknown, tuple(sources))
    if taken := [name for name in query.parameters if name.startswith("gapless_")]:
        raise SqlValueError(
            asset, keys, query.text, f"the parameter ${taken[0]} has a name that Gapless keeps for itself"
        )
    try:
        reason = why_not_reading(query.filled(dict.fromkeys(query.names, "(SELECT 1)")))
    except duckdb.Error as error:
        reason = one_line(str(error))
    if reason is not None:
        raise SqlValueError(asset, keys, query.text, reason)
    return StagedQuery(output, query, sources, reading, new_folder)


def _by_name(selected: Condition, prefix: str) -> tuple[str, dict[str, Any]] | None:
    """The SQL with ``$name`` in the place of question marks, and the parameters; None if they do not add up."""
    names = [f"{prefix}{number}" for number in range(len(selected.parameters))]
    left = iter(names)
    marks = 0

    def named(found: re.Match[str]) -> str:
        nonlocal marks
        if found["mark"] is None:
            return found[0]
        marks += 1
        return f"${next(left, '')}"

    text = _LEXEMES.sub(named, selected.sql)
    return (text, dict(zip(names, selected.parameters, strict=True))) if marks == len(names) else None


def _size(session: Session, table: str, types: Mapping[str, str], height: int) -> int:
    """About how many bytes the rows take: eight for a value, and what text has."""
    texts = [name for name, kind in types.items() if kind == "VARCHAR"]
    if not texts:
        return 8 * height * len(types)
    lengths = " + ".join(f"coalesce(sum(strlen({quoted(name)})), 0)" for name in texts)
    ((length,),) = session.execute(f"SELECT {lengths} FROM {table}")
    return int(length) + 8 * height * (len(types) - len(texts))


def _held_bytes(source: OwnTable | pl.DataFrame | SpilledRows) -> int:
    return 0 if isinstance(source, (OwnTable, SpilledRows)) else int(source.estimated_size())
