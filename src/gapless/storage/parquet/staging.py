"""Values on their way into files: read and checked as for a table of DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.staged_query import staged_query
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.staging.values import rows_of
from gapless.storage.duckdb.staging.values import staged as staged_rows
from gapless.storage.errors import ColumnTypeError
from gapless.storage.slices import OutputSlices
from gapless.storage.sql_query import SqlQuery

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataTypeClass

__all__ = ["staged"]


def staged(output: OutputSlices, value: Any, new_folder: Callable[[], Path]) -> StagedValue:
    """Read `value` and check what can be checked without the table; a query runs now, in a database in memory.

    Raises:
        StorageError: The value cannot be stored.
    """
    if not isinstance(value, SqlQuery):
        return _checked(staged_rows(output, value, new_folder))
    import polars as pl

    sources = {
        name: rows_of(output, source.store.load(source.slices, pl.LazyFrame), new_folder)
        for name, source in value.sources.items()
    }
    query = staged_query(output, value, sources, scratch_session, new_folder)
    try:
        return _checked(staged_rows(output, query.rows(), new_folder))
    finally:
        query.discard()


def _checked(staged: StagedValue) -> StagedValue:
    """Parquet files cannot hold everything that a table of DuckDB can.

    Raises:
        ColumnTypeError: There is such a column.
    """
    for name, kind in staged.rows().collect_schema().items():
        if _has_empty_struct(kind):
            keys, fix = tuple(part.key for part in staged.output.slices), "Give the struct a field, or drop the column"
            staged.discard()
            raise ColumnTypeError(str(staged.output.asset), keys, name, str(kind), fix)
    return staged


def _has_empty_struct(kind: pl.DataType | DataTypeClass) -> bool:
    import polars as pl

    if isinstance(kind, pl.Struct):
        return not kind.fields or any(_has_empty_struct(field.dtype) for field in kind.fields)
    return isinstance(kind, (pl.List, pl.Array)) and _has_empty_struct(kind.inner)
