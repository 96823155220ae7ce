"""What can go wrong with a store of Parquet files; the old rows are still there in every case.

StorageError
├── StoreUnreachableError  the store as a whole cannot be used now (in storage/errors.py)
│   ├── BaseDirectoryError settings that name no place, or a place that cannot be used
│   ├── ObjectStorageError the object storage refuses, or does not answer
│   └── StoreBusyError     others are at work in it
│       └── CommitRaceError other writers committed to the table all the time
├── MissingPackageError    a place that needs a package which is not installed
├── CommitLogError         a file of a commit log that cannot be read
├── CommitUnknownError     a commit that the storage did not answer
├── DataFileError          a data file that the commit log names cannot be read
├── StoredWholeError       partitions of a table that was stored whole
├── PackedFilesError       files are asked for, but partitions share one
├── VersionGoneError       a version that is to be restored is not kept any more
└── VersionColumnsError    a version that is to be restored has other columns than the table takes
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from gapless.errors import StorageError
from gapless.storage.errors import StoreBusyError, StoreUnreachableError, slice_name
from gapless.storage.schema_change import schema_diff

__all__ = [
    "BaseDirectoryError",
    "CommitLogError",
    "CommitRaceError",
    "CommitUnknownError",
    "DataFileError",
    "MissingPackageError",
    "ObjectStorageError",
    "PackedFilesError",
    "StoredWholeError",
    "VersionColumnsError",
    "VersionGoneError",
]


@dataclass(eq=False)
class BaseDirectoryError(StoreUnreachableError):
    """The store's settings name no place, or one that cannot be used.

    Attributes:
        reason: What is wrong with it, a clause.
        fix: What to do, a sentence without its full stop.
    """

    place: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"Parquet files cannot be kept in {self.place}: {self.reason}. {self.fix}."


@dataclass(eq=False)
class MissingPackageError(StorageError):
    """The place needs a package that is not installed.

    Attributes:
        extra: What to install of Gapless; None if no extra brings the package.
    """

    place: str
    package: str
    extra: str | None

    def __str__(self) -> str:
        install = f"'gapless[{self.extra}]'" if self.extra else self.package
        return (
            f"{self.place} needs the package {self.package}, which is not installed. Install it: pip install {install}"
        )


@dataclass(eq=False)
class ObjectStorageError(StoreUnreachableError):
    """The object storage refuses a request, or does not answer.

    Attributes:
        place: The bucket or folder, as a URL.
        endpoint: The server's address; None for the provider's own.
        doing: What was to be done, an infinitive: ``read``, ``write`` …
        reason: What it answered, a clause.
        fix: What to check, a sentence without its full stop.
    """

    place: str
    endpoint: str | None
    doing: str
    reason: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.place} at {self.endpoint}" if self.endpoint else self.place
        return f"cannot {self.doing} {where}: {self.reason}. {self.fix}."


@dataclass(eq=False)
class CommitRaceError(StoreBusyError):
    """Other writers committed to the table each time, before we could.

    Attributes:
        tries: How often we tried.
        waited: For how long, seconds.
    """

    asset: str
    partitions: tuple[str | None, ...]
    place: str
    tries: int
    waited: float

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: other processes commit to {self.place} all the time; tried"
            f" {self.tries} times in {self.waited:.0f} s. Nothing was replaced. Run this again when there are fewer of"
            " them; to go on for longer, set lock_timeout on the IO manager."
        )


@dataclass(eq=False)
class CommitLogError(StorageError):
    """A file of a table's commit log cannot be read.

    Attributes:
        reason: What is wrong with it, a clause.
        fix: What to do, a sentence without its full stop.
    """

    file: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"the commit log {self.file} cannot be read: {self.reason}. {self.fix}."


@dataclass(eq=False)
class CommitUnknownError(StorageError):
    """Whether a commit was made is not known: the storage did not answer, nor when it was asked afterwards.

    Attributes:
        entry: The entry of the commit log that was to be made.
        reason: What went wrong first.
    """

    entry: str
    reason: str

    def __str__(self) -> str:
        return (
            f"whether {self.entry} was written is not known: {self.reason.rstrip('.')}. All of it was, or nothing; once"
            " the storage answers, the next command of Gapless finds out."
        )


@dataclass(eq=False)
class DataFileError(StorageError):
    """A data file that the commit log names cannot be read.

    Attributes:
        reason: What is wrong, a clause.
        partition: Whose file it is; None if that is not known, or it is that of the whole table.
        file: Its path or URL, if it is known which.
        others: How many other partitions have files that cannot be read.
    """

    asset: str
    place: str
    reason: str
    partition: str | None = None
    file: str | None = None
    others: int = 0

    def __str__(self) -> str:
        if self.partition is not None or self.file is not None:
            one = self.asset if self.partition is None else f"{self.asset} --partition {shlex.quote(self.partition)}"
            others = (
                f", and so it is with {self.others:,} other partition{'s' * (self.others > 1)}" if self.others else ""
            )
            return (
                f"{slice_name(self.asset, (self.partition,))}: its file {self.file or f'in {self.place}'} cannot be"
                f" read: {self.reason}{others}. Put the file back from a copy, make it again: gapless materialize"
                f" {one}; or go back to an older version: gapless restore {one}"
            )
        return (
            f"asset {self.asset!r}: the files in {self.place} cannot be read: {self.reason}. If something else than"
            f" Gapless deleted or changed them, restore them from a copy, or make them again:"
            f" gapless materialize {self.asset}"
        )


@dataclass(eq=False)
class StoredWholeError(StorageError):
    """A partition is asked for, but the table was stored whole, before the asset had partitions."""

    asset: str
    partitions: tuple[str | None, ...]
    place: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: {self.place} was stored whole, before the asset had"
            f" partitions; which of its rows belong to a partition is not known. Begin anew: gapless wipe {self.asset}"
        )


@dataclass(eq=False)
class PackedFilesError(StorageError):
    """The files of some partitions are asked for, but they share one with others.

    Attributes:
        shared: How many of the files also hold other rows.
    """

    asset: str
    shared: int

    def __str__(self) -> str:
        return (
            f"asset {self.asset!r}: {self.shared} of the files hold rows of other partitions, or old ones, too, because"
            " small partitions were packed. Read them with scan() of the IO manager; to keep a file for each"
            " partition, set pack_below=0 on it, and make the partitions again."
        )


@dataclass(eq=False)
class VersionGoneError(StorageError):
    """A version that is to be restored is not kept any more, or never was."""

    asset: str
    partition: str | None
    number: int
    kept_for: str

    def __str__(self) -> str:
        keys = () if self.partition is None else (self.partition,)
        return (
            f"{slice_name(self.asset, keys)}: the rows of commit {self.number} are not kept any more; versions that"
            f" were replaced are kept for {self.kept_for}. See what can be restored with: gapless history {self.asset}"
        )


@dataclass(eq=False)
class VersionColumnsError(StorageError):
    """A version that is to be restored has other columns than the table's schema policy takes.

    Attributes:
        number: Of the commit that made it.
        table_columns, version_columns: (name, type) pairs, in order.
        changes: What does not fit, a clause for each.
        is_strict: Whether another policy would take them.
    """

    asset: str
    partition: str | None
    number: int
    place: str
    table_columns: tuple[tuple[str, str], ...]
    version_columns: tuple[tuple[str, str], ...]
    changes: tuple[str, ...]
    is_strict: bool

    def __str__(self) -> str:
        one = self.asset if self.partition is None else f"{self.asset} --partition {shlex.quote(self.partition)}"
        evolve = '; to take its columns, too, declare schema_policy="evolve" on the asset' if self.is_strict else ""
        return (
            f"{slice_name(self.asset, (self.partition,))}: commit {self.number} cannot be restored, because its"
            f" columns do not fit the table {self.place}: {'; '.join(self.changes)}. Nothing was replaced.\n"
            f"{schema_diff(self.table_columns, self.version_columns, 'version')}\n"
            f"Rows are restored as they were. Choose a version with the table's columns: gapless history {one}; or make"
            f" the partition again: gapless materialize {one}{evolve}"
        )
