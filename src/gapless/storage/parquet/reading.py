"""The rows of some versions of one table, read from their files as its columns are now."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gapless.storage.named_columns import named_column
from gapless.storage.parquet.errors import DataFileError
from gapless.storage.parquet.files import Files
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.table_types import polars_types

if TYPE_CHECKING:
    import polars as pl

__all__ = ["collected", "scanned"]


def scanned(
    files: Files,
    folder: str,
    manifest: Manifest,
    versions: Sequence[Version],
    columns: Sequence[str],
    timezone: str = "UTC",
) -> pl.LazyFrame:
    """The rows of `versions`, in this order; no other file is touched.

    Args:
        columns: Which of the manifest's, in this order. Those that a version lacks are null in its rows, and narrower
            types are widened.
        timezone: The IANA zone that instants are shown in.
    """
    import polars as pl

    types = polars_types({name: manifest.columns[name] for name in columns}, timezone)
    pieces = [
        rows.select(_as_now(manifest.schemas[schema], types))
        for schema, rows in _pieces(files, folder, [version for version in versions if version.rows])
    ]
    return pl.concat(pieces) if pieces else pl.LazyFrame(schema=types)


def collected(asset: str, place: str, rows: pl.LazyFrame) -> pl.DataFrame:
    """`rows`, read now.

    Args:
        place: Where the files lie, for people.

    Raises:
        DataFileError: The files cannot be read.
    """
    from polars.exceptions import PolarsError

    try:
        return rows.collect()
    except (PolarsError, OSError) as error:
        told = str(error).partition("Resolved plan")[0].partition("This error occurred")[0]  # the rest is of no use
        reason = " ".join(told.split()).rstrip(".")
    raise DataFileError(asset, place, reason)


def _pieces(files: Files, folder: str, versions: Sequence[Version]) -> Iterator[tuple[str, pl.LazyFrame]]:
    """Neighbours of one schema in one scan, and the id of that schema."""
    for (schema, packed), together in itertools.groupby(versions, lambda version: (version.schema, version.packed)):
        if not packed:
            yield schema, files.scan([f"{folder}/{version.file}" for version in together])
            continue
        for file, first, rows in _ranges(together):
            yield schema, files.scan([f"{folder}/{file}"]).slice(first, rows)


def _ranges(versions: Iterator[Version]) -> Iterator[tuple[str, int, int]]:
    """File, first row and number of rows; neighbours in a packed file are one range."""
    file, first, rows = "", 0, 0
    for version in versions:
        if version.file == file and version.first_row == first + rows:
            rows += version.rows
            continue
        if rows:
            yield file, first, rows
        file, first, rows = version.file, version.first_row, version.rows
    if rows:
        yield file, first, rows


def _as_now(stored: Mapping[str, str], types: Mapping[str, pl.DataType]) -> Iterator[pl.Expr]:
    import polars as pl

    in_file = {name.casefold(): name for name in stored}
    was = polars_types(stored)
    for name, kind in types.items():
        own = in_file.get(name.casefold())
        if own is None:
            yield pl.lit(None, dtype=kind).alias(name)
        elif was[own] == kind:
            yield named_column(own).alias(name)
        else:
            yield named_column(own).cast(kind).alias(name)
