"""The rows that a check looks at, as the type that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["rows_as"]


def rows_as(rows: pl.LazyFrame, expected: Any, asset: str) -> Any:
    """`rows` as an annotation says, like the inputs of functions; a polars DataFrame if it says nothing in particular.

    Raises:
        InputTypeError: It asks for what rows cannot be given as.
    """
    from gapless.storage.duckdb.database.connection import scratch_session
    from gapless.storage.duckdb.loaded import Wanted, arrow_reader, as_arrow_table, wanted_by
    from gapless.storage.duckdb.staging.frames import ArrowStream

    match wanted_by(expected, Wanted.POLARS, asset):
        case Wanted.LAZY:
            return rows
        case Wanted.PANDAS:
            # By DuckDB, which does not need pyarrow for it, as polars would.
            stream = ArrowStream(rows.collect())
            with scratch_session() as session, session.registered("gapless_checked", stream) as source:
                return session.pandas(f"SELECT * FROM {source}")  # noqa: S608  our own name
        case Wanted.ARROW:
            return as_arrow_table(rows.collect())
        case Wanted.READER:
            return arrow_reader(rows.collect())
        case _:
            return rows.collect()
