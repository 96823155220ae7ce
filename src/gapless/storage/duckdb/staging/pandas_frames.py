"""pandas frames on their way into a DuckDB table, by DuckDB's own reading of them: pyarrow is not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.database.messages import one_line
from gapless.storage.duckdb.errors import UnreadableValueError
from gapless.storage.duckdb.staging.column_types import NULL_TYPE, refuse_column_types
from gapless.storage.duckdb.staging.frames import refuse_column_names
from gapless.storage.errors import ColumnNamesError, DatabaseFailure
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["batches_of_pandas", "is_pandas_frame"]


def is_pandas_frame(value: Any) -> bool:
    """Whether `value` is a pandas DataFrame, or of a class derived from it. Imports nothing."""
    return any(
        kind.__name__ == "DataFrame" and kind.__module__.partition(".")[0] == "pandas" for kind in type(value).__mro__
    )


def batches_of_pandas(output: OutputSlices, frame: Any, new_folder: Callable[[], Path]) -> Iterator[pl.DataFrame]:
    """The rows of a pandas DataFrame; missing values, NaN among them, are null.

    The levels of its index that have a name become the first columns, but where a column has that name already; a
    level without one, as pandas makes by itself, is left out.

    Raises:
        StorageError: The frame cannot be stored.
    """
    asset, keys = str(output.asset), tuple(part.key for part in output.slices)
    levels = [level for level, name in enumerate(frame.index.names) if name is not None and name not in frame.columns]
    if levels:
        frame = frame.reset_index(level=levels)
    for name in frame.columns:
        if not isinstance(name, str):
            raise ColumnNamesError(
                asset, keys, f"a column is called {name!r}, which is no text", "Rename it: .rename(columns=str)"
            )
    refuse_column_names(output, list(frame.columns))  # DuckDB would rename what it cannot tell apart
    import duckdb

    with scratch_session() as session:
        try:
            with session.registered("gapless_pandas", frame) as source:
                described = session.execute(f"DESCRIBE SELECT * FROM {source}")
                refuse_column_types(output, {row[0]: row[1] for row in described if row[1] != NULL_TYPE})
                yield from session.batches(f"SELECT * FROM {source}", (), new_folder)
        except (DatabaseFailure, duckdb.Error) as error:
            reason = error.reason if isinstance(error, DatabaseFailure) else one_line(str(error))
            failure = UnreadableValueError(asset, keys, "pandas.DataFrame", reason)
        else:
            return
    raise failure
