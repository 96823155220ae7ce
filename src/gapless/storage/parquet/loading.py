"""Rows as what an input's annotation asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.database.streams import ArrowStream
from gapless.storage.duckdb.loaded import Wanted, wanted_by
from gapless.storage.duckdb.loaded import loaded as loaded_by_duckdb
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.parquet.reading import collected
from gapless.storage.parquet.table_commit import TableFiles

if TYPE_CHECKING:
    import polars as pl

__all__ = ["loaded"]


def loaded(table: TableFiles, rows: pl.LazyFrame, expected: Any) -> Any:
    """`rows` of `table` as `expected`, an annotation; a lazy frame reads them when it is collected.

    Raises:
        InputTypeError: It asks for something that cannot be given.
        DataFileError: The files cannot be read.
    """
    wanted = wanted_by(expected, Wanted.POLARS, table.asset)
    if wanted is Wanted.LAZY:
        return rows
    frame = collected(table.asset, str(table.place), rows)
    if wanted is Wanted.POLARS:
        return frame
    with scratch_session() as session, session.registered("gapless_loaded", ArrowStream(frame)) as source:
        every = Condition(f"SELECT * FROM {source}")
        return loaded_by_duckdb(session, every, wanted, table.files.new_folder)
