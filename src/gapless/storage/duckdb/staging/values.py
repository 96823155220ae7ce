"""Every kind of value that a function can return for a DuckDB table, as polars frames.

A frame stays what it is. Everything else is read a batch at a time, so that a value need not fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.streams import batches_of_lazy
from gapless.storage.duckdb.errors import BatchError
from gapless.storage.duckdb.staging.arrow_values import batches_of_arrow, is_of_pyarrow
from gapless.storage.duckdb.staging.frames import StagedFrame, staged_frame
from gapless.storage.duckdb.staging.gathering import fitting, gathered
from gapless.storage.duckdb.staging.pandas_frames import batches_of_pandas, is_pandas_frame, is_pandas_series
from gapless.storage.duckdb.staging.spilled import SpilledRows, StagedFiles
from gapless.storage.errors import OutputTypeError
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["rows_of", "staged"]


def staged(output: OutputSlices, value: Any, new_folder: Callable[[], Path]) -> StagedFrame | StagedFiles:
    """Read `value` and check what can be checked without the table. Called on worker threads.

    Args:
        value: A polars DataFrame or LazyFrame; a pandas DataFrame, of whose index the named levels become columns; what
            gives an Arrow stream (pyarrow's tables and readers, a DuckDB relation, …); an iterator of all these, the
            batches of one value.
        new_folder: Makes a folder for files, if there have to be any.

    Raises:
        StorageError: The value cannot be stored.
    """
    import polars as pl

    if isinstance(value, pl.DataFrame):
        return staged_frame(output, value)
    frames = _frames(output, value, new_folder)
    batches: Iterator[tuple[int, pl.DataFrame]]
    if frames is not None:
        batches = ((1, frame) for frame in frames)
    elif isinstance(value, Iterator):
        batches = _batches(output, value, new_folder)
    else:
        raise OutputTypeError(str(output.asset), _keys(output), _full_name(type(value)))
    rows = gathered(fitting(output, batches), new_folder)
    return staged_frame(output, rows) if isinstance(rows, pl.DataFrame) else StagedFiles(output, rows)


def rows_of(output: OutputSlices, value: Any, new_folder: Callable[[], Path]) -> pl.DataFrame | SpilledRows:
    """The rows of `value`, unchecked, in files where they are too many for memory.

    Raises:
        StorageError: It is nothing that has rows, or there is no room for the files.
    """
    frames = _frames(output, value, new_folder)
    if frames is None:
        raise OutputTypeError(str(output.asset), _keys(output), _full_name(type(value)))
    return gathered(frames, new_folder)


def _frames(output: OutputSlices, value: Any, new_folder: Callable[[], Path]) -> Iterator[pl.DataFrame] | None:
    """The rows of `value`; None if it is nothing that has rows."""
    import polars as pl

    if isinstance(value, pl.DataFrame):
        return iter([value])
    if isinstance(value, pl.LazyFrame):
        return batches_of_lazy(value, new_folder)
    if is_pandas_frame(value):
        return batches_of_pandas(output, value, new_folder)
    if isinstance(value, (type, pl.Series)) or is_pandas_series(value):
        return None
    if is_of_pyarrow(value) and not hasattr(value, "schema"):
        return None  # an array: values without the name of a column
    if hasattr(value, "__arrow_c_stream__") or hasattr(value, "__arrow_c_array__"):
        return batches_of_arrow(output, value, new_folder)
    return None


def _batches(
    output: OutputSlices, values: Iterator[Any], new_folder: Callable[[], Path]
) -> Iterator[tuple[int, pl.DataFrame]]:
    for number, value in enumerate(values, 1):
        frames = _frames(output, value, new_folder)
        if frames is None:
            problem = f"is {_named(value)}, not a frame"
            raise BatchError(str(output.asset), _keys(output), number, problem, "Give frames of the value's rows")
        yield from ((number, frame) for frame in frames)


def _named(value: Any) -> str:
    return "None" if value is None else f"a {_full_name(type(value))}"


def _keys(output: OutputSlices) -> tuple[str | None, ...]:
    return tuple(part.key for part in output.slices)


def _full_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
