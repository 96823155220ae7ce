"""Rows as what an input's annotation asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.database.streams import ArrowStream
from gapless.storage.duckdb.loaded import Wanted, wanted_by
from gapless.storage.duckdb.loaded import loaded as loaded_by_duckdb
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.parquet.damage import first_damaged
from gapless.storage.parquet.errors import DataFileError
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.reading import collected
from gapless.storage.parquet.table_commit import TableFiles

if TYPE_CHECKING:
    import polars as pl

__all__ = ["loaded"]


def loaded(
    table: TableFiles, manifest: Manifest, versions: Sequence[Version], rows: pl.LazyFrame, expected: Any
) -> Any:
    """`rows`, of `versions` of `table`, as `expected`, an annotation; a lazy frame reads them when it is collected.

    Raises:
        InputTypeError: It asks for something that cannot be given.
        DataFileError: The files cannot be read.
    """
    wanted = wanted_by(expected, Wanted.POLARS, table.asset)
    if wanted is Wanted.LAZY:
        return rows
    try:
        frame = collected(table.asset, str(table.place), rows)
    except DataFileError as error:
        raise (first_damaged(table, manifest, versions) or error) from None
    if wanted is Wanted.POLARS:
        return frame
    with scratch_session() as session, session.registered("gapless_loaded", ArrowStream(frame)) as source:
        every = Condition(f"SELECT * FROM {source}")
        return loaded_by_duckdb(session, every, wanted, table.files.new_folder)
