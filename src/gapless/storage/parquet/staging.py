"""Values on their way into files: read and checked as for a table of DuckDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.staged_query import staged_query
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.staging.values import rows_of
from gapless.storage.duckdb.staging.values import staged as staged_rows
from gapless.storage.slices import OutputSlices
from gapless.storage.sql_query import SqlQuery

__all__ = ["staged"]


def staged(output: OutputSlices, value: Any, new_folder: Callable[[], Path]) -> StagedValue:
    """Read `value` and check what can be checked without the table; a query runs now, in a database in memory.

    Raises:
        StorageError: The value cannot be stored.
    """
    if not isinstance(value, SqlQuery):
        return staged_rows(output, value, new_folder)
    import polars as pl

    sources = {
        name: rows_of(output, source.store.load(source.slices, pl.LazyFrame), new_folder)
        for name, source in value.sources.items()
    }
    query = staged_query(output, value, sources, scratch_session, new_folder)
    try:
        return staged_rows(output, query.rows(), new_folder)
    finally:
        query.discard()
