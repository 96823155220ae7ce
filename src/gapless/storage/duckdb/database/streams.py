"""Rows as batches of polars frames, without ever holding all of them: of lazy frames, and of Arrow streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ArrowStream", "batches_of_lazy", "batches_of_stream"]

_BATCH_ROWS = 50_000


class ArrowStream:
    """What gives an Arrow stream, and nothing else.

    DuckDB would import pyarrow for a bare polars frame, which takes a tenth of a second. polars remembers the type of
    what it is given, and a remembered DuckDB type makes DuckDB's bindings complain when the interpreter ends.
    """

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A fresh stream for every scan, if the source can be read again."""
        return self._source.__arrow_c_stream__(requested_schema)

    def for_pyarrow(self) -> ArrowStream:
        """The same rows of a polars frame, their text in the layout that pyarrow can filter: it cannot filter views."""
        return ArrowStream(self._source.to_arrow()) if hasattr(self._source, "to_arrow") else self


def batches_of_lazy(rows: pl.LazyFrame, new_folder: Callable[[], Path]) -> Iterator[pl.DataFrame]:
    """The result of a lazy frame, in order; at least one batch.

    Args:
        new_folder: Makes a folder for the result, where this version of polars cannot do without.
    """
    if not hasattr(rows, "collect_batches"):
        yield from _sunk_batches(rows, new_folder())
        return
    empty = True
    for batch in rows.collect_batches(chunk_size=_BATCH_ROWS, maintain_order=True, lazy=True):
        empty = False
        yield batch
    if empty:
        yield rows.collect_schema().to_frame()


def batches_of_stream(source: Any, new_folder: Callable[[], Path]) -> Iterator[pl.DataFrame]:
    """The record batches of an object with ``__arrow_c_stream__``; at least one."""
    import polars as pl

    stream = ArrowStream(source)
    if hasattr(pl, "scan_arrow_c_stream"):
        yield from batches_of_lazy(pl.scan_arrow_c_stream(stream), new_folder)
    else:
        yield pl.DataFrame(stream)


def _sunk_batches(rows: pl.LazyFrame, folder: Path) -> Iterator[pl.DataFrame]:
    """The result by way of a file."""
    import shutil

    import polars as pl

    file = folder / "rows.parquet"
    try:
        try:
            rows.sink_parquet(file, compression="lz4")
        except pl.exceptions.InvalidOperationError as error:
            if "sink" not in str(error).casefold():
                raise
            yield rows.collect()  # what that version cannot stream
            return
        stored = pl.scan_parquet(file, glob=False)
        start = 0
        while (batch := stored.slice(start, _BATCH_ROWS).collect()).height or not start:
            yield batch
            start += _BATCH_ROWS
    finally:
        shutil.rmtree(folder, ignore_errors=True)
