"""Which data files of a table cannot be read: looked at one by one, once reading them together has failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gapless.storage.parquet.errors import DataFileError
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.reading import collected, scanned
from gapless.storage.parquet.table_commit import TableFiles

if TYPE_CHECKING:
    import polars as pl

__all__ = ["damaged", "first_damaged", "rows_as_stored"]


def rows_as_stored(table: TableFiles, manifest: Manifest, versions: Sequence[Version]) -> pl.LazyFrame:
    """The rows of versions of one schema."""
    # Their own columns, not the table's: a column that they lack must not look as if they had it.
    own = replace(manifest, columns=manifest.schemas[versions[0].schema])
    return scanned(table.files, table.folder, own, versions, list(own.columns))


def damaged(table: TableFiles, manifest: Manifest, versions: Sequence[Version]) -> list[DataFileError]:
    """What is wrong with those of `versions` that cannot be read, though they are still their partitions' versions.

    Where no file is gone or torn, all rows are read.
    """
    held = [version for version in versions if version.rows]
    found = _found(table, manifest, held, few_rows=True) or _found(table, manifest, held, few_rows=False)
    now = table.log.current()  # a file may go as soon as its partition is made again
    return [error for version, error in found if now.versions.get(version.partition) == version]


def first_damaged(table: TableFiles, manifest: Manifest, versions: Sequence[Version]) -> DataFileError | None:
    """The first of `damaged`, which tells how many others there are; None if all can be read."""
    found = damaged(table, manifest, versions)
    return replace(found[0], others=len(found) - 1) if found else None


def _found(
    table: TableFiles, manifest: Manifest, versions: Sequence[Version], few_rows: bool
) -> list[tuple[Version, DataFileError]]:
    found = []
    for version in versions:
        rows = rows_as_stored(table, manifest, [version])
        try:
            collected(table.asset, str(table.place), rows.head(1) if few_rows else rows)
        except DataFileError as error:
            file = table.files.path(f"{table.folder}/{version.file}")
            reason = error.reason.removesuffix(f": {file}")
            found.append((version, replace(error, partition=version.partition, file=file, reason=reason)))
    return found
