"""Publish: read assets in one picture, build a copy of them beside the old one, and swap."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gapless.errors import InvocationError
from gapless.storage.duckdb.commits.commit_records import RECORDS, committed_partitions
from gapless.storage.duckdb.database.connection import Database, scratch_session
from gapless.storage.duckdb.database.session import Session
from gapless.storage.errors import DiskFullError
from gapless.storage.parquet.files import is_disk_full
from gapless.storage.publishing.duckdb_file import DuckDBFile
from gapless.storage.publishing.errors import PublishError
from gapless.storage.publishing.parquet_folder import ParquetFolder
from gapless.storage.publishing.picture import discard, picture_of
from gapless.storage.publishing.publication import Form, Publication, PublishedTable, Source
from gapless.storage.slices import CommitRecord, InputSlices, PartitionSlice, version_of
from gapless.storage.turnstile import Turnstile, TurnTimeoutError

__all__ = ["form_of", "publish"]

_DOING = "publish"
_TURN = "publish a copy"  # not for as long as that takes, as at a database
_PATIENCE_S = 600.0  # while another publisher is at work on the same copy
_BESIDE = (".wal", ".tmp", ".lock", ".queue", ".compacting")  # what DuckDB and we put beside a database
_DUCKDB_SUFFIXES = frozenset({".duckdb", ".ddb", ".db"})


class _Copy(Protocol):
    """A copy that is being built."""

    target: Path

    @property
    def folder(self) -> Path: ...
    @property
    def turn_path(self) -> Path: ...
    def prepare(self, sources: Sequence[Source]) -> None: ...
    def begin(self, session: Session) -> None: ...
    def add(self, session: Session, source: Source, select: str) -> int: ...
    def end(self, session: Session) -> None: ...
    def finish(self, tables: Sequence[PublishedTable], now: datetime) -> int: ...
    def abandon(self) -> None: ...


def form_of(target: str, form: str | None = None) -> Form:
    """What is to be published there: what is asked for, else what the name says."""
    if form is not None:
        return Form(form)
    return Form.DUCKDB if Path(target).suffix.lower() in _DUCKDB_SUFFIXES else Form.PARQUET


def publish(
    sources: Sequence[Source],
    target: Path,
    form: Form,
    now: datetime,
    *,
    live: Collection[Path] = (),
    keep: int = 2,
    told: Callable[[PublishedTable], None] = lambda table: None,
) -> Publication:
    """Publish `sources` to `target`: whoever looks there finds the copy of before or this one, never half of one.

    All assets of one DuckDB file are read in one transaction: they fit together. Other processes wait for that file
    while its bytes are copied; where there is no room for that, while its tables are.

    Args:
        target: A DuckDB file, or a folder; absolute.
        live: The DuckDB files and folders of the project's own stores, which must not be overwritten.
        keep: Of a folder, how many publications stay, the newest included.
        told: Is given each table as soon as it is copied.

    Raises:
        PublishError: The target cannot be written, or what is there is not ours to replace.
        InvocationError: None of the assets was ever made.
        StorageError: The assets cannot be read.
    """
    resolved = Path(os.path.realpath(target))
    for store in (Path(os.path.realpath(path)) for path in live):
        if resolved == store:
            raise PublishError(str(target), "it is a database or folder of the project itself", "Choose another path")
        if store in resolved.parents:
            raise PublishError(str(target), f"it lies in {store}, where the project stores", "Choose another path")
        if resolved.parent == store.parent and resolved.name in {f"{store.name}{end}" for end in _BESIDE}:
            raise PublishError(str(target), f"that name belongs to {store}", "Choose another path")
    copy: _Copy = DuckDBFile(target) if form is Form.DUCKDB else ParquetFolder(target, keep)
    with _explained(target), _turn_at(copy, target):
        _staged(copy).unlink(missing_ok=True)  # a publisher that died has left these
        discard(_picture(copy))
        copy.prepare(sources)
        try:
            tables = [*_copied(copy, sources, told)]
            if not tables:
                names = ", ".join(str(source.asset) for source in sources)
                raise InvocationError(f"there is nothing to publish: {names} was never made", "Make it first")
            nbytes = copy.finish(tables, now)
        except BaseException:
            copy.abandon()
            raise
    made = {table.asset for table in tables}
    absent = tuple(str(source.asset) for source in sources if str(source.asset) not in made)
    return Publication(target, form, now, tuple(tables), nbytes, absent)


def _copied(copy: _Copy, sources: Sequence[Source], told: Callable[[PublishedTable], None]) -> Iterator[PublishedTable]:
    by_file: dict[Path, list[Source]] = {}
    for source in sources:
        if source.in_duckdb:
            by_file.setdefault(Database.at(source.store.database).path, []).append(source)
        elif (table := _copied_from_files(copy, source)) is not None:
            told(table)
            yield table
    for path, members in by_file.items():
        if not members[0].store.is_empty():
            for table in _copied_from_database(copy, path, members):
                told(table)
                yield table


def _copied_from_database(copy: _Copy, path: Path, sources: Sequence[Source]) -> list[PublishedTable]:
    """Of one file, in one transaction."""
    tables = []
    wait = max(source.store.lock_timeout for source in sources)
    with picture_of(path, wait, _DOING, _picture(copy)) as session:
        copy.begin(session)
        try:
            session.execute("BEGIN TRANSACTION")
            there = session.tables()
            for source in sources:
                if source.table.identity in there:
                    has_records = RECORDS.identity in there
                    records = committed_partitions(session, str(source.asset), source.table) if has_records else {}
                    rows = copy.add(session, source, f"SELECT * FROM {source.table.sql(session.catalog)}")
                    tables.append(_described(source, rows, records))
            session.execute("COMMIT")
        except BaseException:
            session.rollback()
            raise
        finally:
            copy.end(session)
    return tables


def _copied_from_files(copy: _Copy, source: Source) -> PublishedTable | None:
    """Of a store that keeps no tables."""
    records = source.store.committed(source.asset, source.metadata)
    if not records:
        return None
    staged = _staged(copy)
    try:
        _stage(copy, source, staged)
        with scratch_session() as session:
            copy.begin(session)
            try:
                where = "'" + str(staged).replace("'", "''") + "'"
                rows = copy.add(session, source, f"SELECT * FROM read_parquet({where})")
            finally:
                copy.end(session)
    finally:
        staged.unlink(missing_ok=True)
    return _described(source, rows, records)


def _stage(copy: _Copy, source: Source, staged: Path) -> None:
    """All rows as one file, without holding them in memory."""
    import polars as pl

    whole = InputSlices(source.asset, (PartitionSlice(None),), None, metadata=source.metadata)
    try:
        source.store.load(whole, pl.LazyFrame).sink_parquet(staged)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).rpartition("underlying IO error: ")[2].split())
        if is_disk_full(error):
            raise DiskFullError(str(staged), reason) from None
    else:
        return
    unreadable = source.store.unreadable(source.asset) if hasattr(source.store, "unreadable") else None
    raise unreadable or PublishError(
        str(copy.target), f"asset {str(source.asset)!r} cannot be copied: {reason}", "Correct that, and try again"
    )


def _staged(copy: _Copy) -> Path:
    """Where rows wait on their way into the copy; of whoever has the turn."""
    return copy.turn_path.with_name(f"{copy.turn_path.name}.staged.parquet")


def _picture(copy: _Copy) -> Path:
    """Where a database's file is, as it was at one instant, while it is read; likewise."""
    return copy.turn_path.with_name(f"{copy.turn_path.name}.source")


def _described(source: Source, rows: int, records: Mapping[str | None, CommitRecord]) -> PublishedTable:
    versions = {key: record.version for key, record in records.items() if record.version is not None}
    newest = max(records.values(), key=lambda record: (record.number, record.committed_at), default=None)
    return PublishedTable(
        asset=str(source.asset),
        table=source.table,
        partitions=None if None in records else len(records),
        rows=rows,
        run_id=None if newest is None else newest.run_id,
        version=version_of(versions) if versions and len(versions) == len(records) else None,
    )


@contextmanager
def _turn_at(copy: _Copy, target: Path) -> Iterator[None]:
    """Nobody else publishes there meanwhile; so what lies there half built is of nobody who lives."""
    if not target.parent.is_dir():
        raise PublishError(str(target), f"the folder {target.parent} does not exist", "Create it, or correct the path")
    if isinstance(copy, DuckDBFile) and target.is_dir():
        raise PublishError(str(target), "it is a folder", "Name a file in it, or publish --as parquet")
    if isinstance(copy, ParquetFolder):
        if target.exists() and not target.is_dir():
            raise PublishError(str(target), "it is a file", "Name a folder, or publish --as duckdb")
        copy.refuse_others()
        target.mkdir(exist_ok=True)
    if not os.access(copy.folder, os.W_OK | os.X_OK):
        raise PublishError(
            str(target), f"this user may not write to {copy.folder}", "Give this user the right to, or choose another"
        )
    turn = Turnstile(copy.turn_path)
    try:
        turn.acquire(_PATIENCE_S, _TURN)
    except TurnTimeoutError as error:
        reason = f"{error.holder} has been publishing there for more than {_PATIENCE_S:.0f} s"
        raise PublishError(str(target), reason, "Wait until it has ended, or end it") from None
    try:
        yield
    finally:
        turn.release()


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    """The disk's errors as errors of the target."""
    try:
        yield
    except DiskFullError as error:
        reason = error.reason
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise PublishError(
                str(target),
                f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else ""),
                "Correct that, or choose another path",
            ) from error
        reason = str(error.strerror)
    else:
        return
    raise PublishError(
        str(target), f"there is no room: {reason}. What was there stays", "Free some space on that disk, and try again"
    )
