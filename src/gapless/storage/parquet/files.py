"""Where the files of a store lie, and the few things that it does with them; and how a local folder does them."""

from __future__ import annotations

import errno
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gapless.errors import StorageError
from gapless.storage.duckdb.staging.staging_folder import STAGING, StagingFolder
from gapless.storage.durable import sync
from gapless.storage.errors import DiskFullError
from gapless.storage.parquet.errors import BaseDirectoryError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ABANDONED", "Files", "Found", "LocalFiles", "older"]

ABANDONED = timedelta(days=1)  # a file that no commit names is being written, or its writer was killed
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}")  # what is being written, before it has its name


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is there.

    Attributes:
        name: Relative to the base, with slashes.
        size: Bytes.
        modified: When it was last written, seconds since the epoch; 0 if the storage does not say.
    """

    name: str
    size: int
    modified: float


def older(found: Sequence[Found], now: datetime, age: timedelta) -> Iterator[Found]:
    """Those that are older than `age`, by this machine's clock and by the storage's.

    The storage's clock is at least at the youngest file's time: a machine whose clock is ahead deletes nothing that is
    new. What has no time is not old.
    """
    youngest = max((file.modified for file in found), default=0.0)
    limit = min(now.timestamp(), youngest) - age.total_seconds()
    return (file for file in found if 0 < file.modified < limit)


class Files(Protocol):
    """Files below one base, named by paths relative to it, with slashes. Safe to use on several threads.

    Whatever a method has written when it returns is durable. All of them raise `StorageError`.
    """

    @property
    def place(self) -> str:
        """The base, for people."""
        ...

    def path(self, name: str) -> str:
        """What polars and DuckDB open."""
        ...

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The contents of some files; None for one that is not there."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Create a file with this content, all at once; False, and nothing changed, if there is one already."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Create a file with this content or replace one, all at once."""
        ...

    def write_frame(self, name: str, rows: pl.DataFrame | pl.LazyFrame, row_group_size: int | None = None) -> int:
        """Write a new Parquet file; returns its size in bytes."""
        ...

    def settle(self, names: Sequence[str]) -> None:
        """Make the folders of files that were just written durable, too."""
        ...

    def scan(self, names: Sequence[str]) -> pl.LazyFrame:
        """The rows of Parquet files of one schema, in this order."""
        ...

    def find(self, folder: str) -> Iterator[Found]:
        """All files below `folder`, however deep."""
        ...

    def unfinished(self) -> Iterator[Found]:
        """What is being written and no file yet, or was when a writer was killed."""
        ...

    def is_empty(self, folder: str) -> bool:
        """Whether nothing lies below `folder`."""
        ...

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; those that are not there are no matter."""
        ...

    def new_folder(self) -> Path:
        """An empty folder of this machine, for rows that are too many for memory, as long as they wait."""
        ...

    def tidy(self) -> None:
        """Leave nothing of what `new_folder` made behind, if nobody uses it any more."""
        ...


def is_disk_full(error: Exception) -> bool:
    """Whether there was no room for what was to be written."""
    # polars tells some of them by their text alone.
    told = any(sign in str(error) for sign in ("No space left", "quota exceeded", "File too large"))
    return told or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LocalFiles:
    """Files in a folder of this machine.

    Args:
        base: Absolute. It is made when something is first written.
    """

    def __init__(self, base: Path) -> None:
        self._base = base

    @property
    def place(self) -> str:
        return str(self._base)

    def path(self, name: str) -> str:
        return str(self._base / name)

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        return [self._read(name) for name in names]

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._base / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._told(error) from None

    def create(self, name: str, data: bytes) -> bool:
        # If only the folder cannot be brought to the disk, that is an error, though the file is there: whoever looks
        # finds it, but it may be gone after a power cut. It cannot be taken back: others may build on it already.
        try:
            path, written = self._written(name, data)
            try:
                os.link(written, path)  # unlike a rename, it fails if there is one
            except FileExistsError:
                return False
            finally:
                written.unlink()
            sync(path.parent)
        except OSError as error:
            raise self._told(error) from None
        return True

    def put(self, name: str, data: bytes) -> None:
        try:
            path, written = self._written(name, data)
            try:
                written.replace(path)
            except BaseException:
                written.unlink(missing_ok=True)
                raise
            sync(path.parent)
        except OSError as error:
            raise self._told(error) from None

    def write_frame(self, name: str, rows: pl.DataFrame | pl.LazyFrame, row_group_size: int | None = None) -> int:
        import polars as pl

        path = self._base / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                if isinstance(rows, pl.DataFrame):
                    rows.write_parquet(path, row_group_size=row_group_size)
                else:
                    rows.sink_parquet(path, row_group_size=row_group_size)
                sync(path)
                return path.stat().st_size
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._told(error) from None
        except pl.exceptions.PolarsError as error:  # so it tells what the system told it, too
            raise self._told(OSError(" ".join(str(error).split()))) from None

    def settle(self, names: Sequence[str]) -> None:
        try:
            folders = {folder for name in names for folder in Path(name).parents}
            for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
                sync(self._base / folder)
        except OSError as error:
            raise self._told(error) from None

    def scan(self, names: Sequence[str]) -> pl.LazyFrame:
        import polars as pl

        return pl.scan_parquet([self._base / name for name in names], glob=False, hive_partitioning=False)

    def find(self, folder: str) -> Iterator[Found]:
        return self._found(folder, unfinished=False)

    def unfinished(self) -> Iterator[Found]:
        return self._found("", unfinished=True)

    def _found(self, folder: str, unfinished: bool) -> Iterator[Found]:
        for where, _, files in os.walk(self._base / folder):
            for file in files:
                if bool(_UNFINISHED.fullmatch(file)) is not unfinished:
                    continue
                path = Path(where, file)
                with suppress(FileNotFoundError):  # gone since
                    about = path.stat()
                    yield Found(path.relative_to(self._base).as_posix(), about.st_size, about.st_mtime)

    def is_empty(self, folder: str) -> bool:
        try:
            with os.scandir(self._base / folder) as found:
                return all(_UNFINISHED.fullmatch(entry.name) for entry in found)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            raise self._told(error) from None

    def delete(self, names: Sequence[str]) -> None:
        for name in names:
            # The folder stays: somebody may be about to write into it.
            try:
                (self._base / name).unlink(missing_ok=True)
            except OSError as error:
                raise self._told(error) from None

    def new_folder(self) -> Path:
        try:
            self._base.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._told(error) from None
        return StagingFolder.beside(self._base / "rows").new()

    def tidy(self) -> None:
        if (self._base / STAGING).exists():
            StagingFolder.beside(self._base / "rows").tidy()

    def _written(self, name: str, data: bytes) -> tuple[Path, Path]:
        """The path of `name`, and a file beside it that holds `data` already."""
        path = self._base / name
        self._make(path.parent)
        written = path.with_name(f".{uuid.uuid4().hex}")
        try:
            with written.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        return path, written

    def _make(self, folder: Path) -> None:
        """Make a folder, and its name in its parent durable."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        with suppress(FileExistsError):  # another writer was faster
            folder.mkdir()
        sync(folder.parent)

    def _told(self, error: OSError) -> StorageError:
        """What went wrong, in our words."""
        if is_disk_full(error):
            return DiskFullError(self.place, error.strerror or str(error))
        where = Path(error.filename or self._base)
        where = where.parent if where.name.startswith(".") else where  # not the file that was only being written
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP) and error.filename2:
            reason, fix = "its file system has no hard links", "Choose a folder on another disk"
        elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
            reason = f"this user may not use {where} ({error.strerror})"
            fix = "Give this user the right to read and write there, or choose another folder"
        elif isinstance(error, NotADirectoryError):
            reason, fix = f"{where} is no folder", "Choose another folder"
        else:
            reason, fix = str(error), "Correct base_dir, or mend that disk"
        return BaseDirectoryError(self.place, reason, fix)
