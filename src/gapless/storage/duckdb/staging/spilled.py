"""Rows that are too many for memory: put down in Parquet files as they come, and read back as often as needed."""

from __future__ import annotations

import os
import re
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gapless.storage.duckdb.errors import StagedFileError
from gapless.storage.duckdb.staging.frames import ArrowStream, with_null_columns
from gapless.storage.duckdb.staging.staged_value import Source, StagedValue
from gapless.storage.duckdb.table_name import quoted
from gapless.storage.errors import DiskFullError
from gapless.storage.named_columns import named_columns

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.database.connection import Session

__all__ = ["SpilledRows", "StagedFiles"]


class SpilledRows:
    """Rows in Parquet files of a folder of their own, which is removed with the last reference to this.

    Attributes:
        columns: All names, in order.
        schema: Name to type of the columns but those of type Null; in a file, those may be missing that have no value
            in it.
        files: In the order of the rows.
        height: Rows.
        nbytes: What they would take in memory, bytes, approximately.
    """

    def __init__(self, folder: Path) -> None:
        self.columns: tuple[str, ...] = ()
        self.schema: dict[str, pl.DataType] = {}
        self.files: list[Path] = []
        self.height = 0
        self.nbytes = 0
        self._folder = folder
        self._sizes: list[int] = []
        self._widths: list[int] = []
        self.remove: Callable[[], object] = weakref.finalize(self, _remove, folder, os.getpid())

    def add(self, frame: pl.DataFrame) -> None:
        """Put down more rows: of the same columns, but where those before had none of a type, these may.

        Raises:
            DiskFullError: There is no room for them, or they cannot be written.
        """
        import polars as pl
        from polars.exceptions import ComputeError

        self.columns = tuple(frame.columns)
        frame = frame.select(named_columns([name for name, kind in frame.schema.items() if kind != pl.Null]))

        file = self._folder / f"{len(self.files)}.parquet"
        try:
            frame.write_parquet(file, compression="lz4")
        except (OSError, ComputeError) as error:
            self.remove()
            raise DiskFullError(str(file), str(error)) from None
        self.files.append(file)
        self._sizes.append(file.stat().st_size)
        self._widths.append(frame.width)
        self.schema |= frame.schema
        self.height += frame.height
        self.nbytes += int(frame.estimated_size())

    @property
    def null_columns(self) -> tuple[str, ...]:
        """The columns of type Null."""
        return tuple(name for name in self.columns if name not in self.schema)

    @property
    def _partial(self) -> bool:
        """Whether a file lacks a column."""
        return min(self._widths) < len(self.schema)

    def damage(self) -> tuple[Path, str] | None:
        """The first file that is not as it was written, and what is wrong with it, a clause."""
        for file, size in zip(self.files, self._sizes, strict=True):
            try:
                found = file.stat().st_size
            except OSError as error:
                return file, f"cannot be read: {error.strerror or error}"
            if found != size:
                return file, f"has {found:,} bytes instead of {size:,}"
        return None

    def frames(self) -> Iterator[pl.LazyFrame]:
        """The rows, a piece at a time, each with all columns."""
        import polars as pl

        for file in self.files:
            piece = pl.scan_parquet(file, glob=False)
            if self._partial:
                there = piece.collect_schema()
                absent = {name: kind for name, kind in self.schema.items() if name not in there}
                piece = piece.with_columns(pl.lit(None, kind).alias(name) for name, kind in absent.items())
            yield self._whole(piece)

    def scan(self) -> pl.LazyFrame:
        """The rows, for as long as the files are there."""
        import polars as pl

        if self._partial:
            return pl.concat(list(self.frames()))
        return self._whole(pl.scan_parquet(self.files, glob=False))

    def _whole(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        typed = [name for name in self.columns if name in self.schema]
        return with_null_columns(rows.select(named_columns(typed)), self.null_columns, self.columns)

    def lazy(self) -> pl.LazyFrame:
        """The rows, a piece at a time; the files stay for as long as anything refers to the frame."""
        from polars.io.plugins import register_io_source

        def pieces(
            with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
        ) -> Iterator[pl.DataFrame]:
            left = n_rows
            for piece in self.frames():
                if with_columns is not None:
                    piece = piece.select(named_columns(with_columns))
                if predicate is not None:
                    piece = piece.filter(predicate)
                if left is not None:
                    piece = piece.head(left)
                frame = piece.collect()
                yield frame
                if left is not None and (left := left - frame.height) <= 0:
                    return

        return register_io_source(pieces, schema=self.scan().collect_schema())

    def select_from(self, session: Session, held: ExitStack) -> tuple[str, dict[str, str]]:
        """The rows in DuckDB, until `held` is closed: what to select from, and name to type of its columns."""
        import polars as pl

        # The types that a frame in memory would have there; Parquet knows no milliseconds and no fixed lengths.
        stream = ArrowStream(pl.DataFrame(schema=self.schema))
        empty = held.enter_context(session.registered(f"gapless_{id(stream)}", stream))
        types = {row[0]: row[1] for row in session.execute(f"DESCRIBE SELECT * FROM {empty}")}
        files = ", ".join(map(_path_literal, self.files))
        columns = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in types.items())
        by_name = ", union_by_name = true" if self._partial else ""
        # Not a folder's name, such as day=1, is to become a column.
        reader = f"read_parquet([{files}], hive_partitioning = false{by_name})"
        return f"(SELECT {columns} FROM {reader})", types


@dataclass(frozen=True, slots=True)
class StagedFiles(StagedValue):
    """Checked rows in files that wait for their commit."""

    spilled: SpilledRows

    @property
    def nbytes(self) -> int:
        return 0

    def rows(self) -> pl.LazyFrame:
        return self.spilled.scan()

    def source(self, session: Session, held: ExitStack) -> Source:
        rows = self.spilled
        if (damage := rows.damage()) is not None:
            raise StagedFileError(str(self.output.asset), self.keys, str(damage[0]), damage[1])
        session.limit_memory(len(rows.columns), held)
        sql, types = rows.select_from(session, held)
        return Source(sql, types, rows.columns, rows.null_columns, rows.height, rows.nbytes)

    def discard(self) -> None:
        self.spilled.remove()


def _remove(folder: Path, maker: int) -> None:
    if os.getpid() == maker:  # a forked child forgets its copy, too
        shutil.rmtree(folder, ignore_errors=True)


def _path_literal(path: Path) -> str:
    # DuckDB takes brackets, asterisks and question marks for patterns; a class of one is only itself.
    plain = re.sub(r"([\[*?])", r"[\1]", str(path))
    return "'" + plain.replace("'", "''") + "'"
