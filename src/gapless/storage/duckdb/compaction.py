"""Giving back the room in a DuckDB file that replaced rows have left.

DuckDB uses freed blocks again but keeps them in the file. Where enough are free, the file is written anew beside itself
and takes its own place in one step. Until that step the old file is whole, afterwards the new one; a process that dies
in between leaves a file that nobody reads, which the next compaction removes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gapless.errors import StorageError
from gapless.storage.duckdb.commits.commit_records import trim_records
from gapless.storage.duckdb.database.connection import ROW_GROUP_SIZE, Database, Session
from gapless.storage.duckdb.table_name import quoted
from gapless.storage.durable import sync
from gapless.storage.errors import DatabaseFailure
from gapless.storage.slices import Compaction

__all__ = ["compact"]

_KEPT_RECORDS = 20  # of each partition; the newest is the proof, the others are history
_WORTH_IT = 0.2  # share of free blocks from which on the file is written anew
_LEAST_FREED = 4 * 2**20  # bytes; below, it does not matter
_BESIDE = "gapless_compacted"  # the new file's name in SQL

# What a database can hold besides rows; the copy must have as much of each.
_INVENTORY = (
    "SELECT 'table', schema_name, table_name FROM duckdb_tables() WHERE database_name = ?",
    "SELECT 'view', schema_name, view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal",
    "SELECT 'index', schema_name, index_name FROM duckdb_indexes() WHERE database_name = ?",
    "SELECT 'sequence', schema_name, sequence_name FROM duckdb_sequences() WHERE database_name = ?",
    "SELECT 'type', schema_name, type_name FROM duckdb_types() WHERE database_name = ? AND NOT internal",
    "SELECT 'macro', schema_name, function_name FROM duckdb_functions() WHERE database_name = ? AND NOT internal",
)


def compact(database: Database, timeout: float) -> Compaction:
    """Make the file as small as is worth it. Nothing else of this machine writes to it meanwhile; reading goes on.

    Args:
        timeout: How long to wait for other processes, seconds.

    Raises:
        StorageError: The file cannot be opened, read or written; it is as it was.
    """
    path = database.path
    with database.session(timeout, "compact", "write") as session:
        before = _size(path)
        forgotten = _trim(session)
        session.execute(f"CHECKPOINT {quoted(session.catalog)}")
        free, used = _blocks(session)
        detail = "nothing to give back"
        if free >= _LEAST_FREED and free >= _WORTH_IT * (free + used):
            room = shutil.disk_usage(path.parent).free
            if room < used * 1.1:
                detail = f"not written anew: that needs {_megabytes(used)} beside it, and {_megabytes(room)} are free"
            else:
                _write_anew(session, path)
                detail = f"written anew without {_megabytes(free)} of free blocks"
                database.close()  # once the last session has ended, this one included
        if forgotten:
            detail += f"; {forgotten:,} old commit record{'s' if forgotten > 1 else ''} forgotten"
        return Compaction(str(path), before, _size(path), detail)


def _trim(session: Session) -> int:
    session.execute("BEGIN TRANSACTION")
    committed = False
    try:
        forgotten = trim_records(session, _KEPT_RECORDS)
        session.execute("COMMIT")
        committed = True
    finally:
        if not committed:
            session.rollback()
    return forgotten


def _blocks(session: Session) -> tuple[int, int]:
    """Free and used, bytes."""
    for row in session.execute(
        "SELECT database_name, block_size, free_blocks, used_blocks FROM pragma_database_size()"
    ):
        if row[0] == session.catalog:
            return row[1] * row[2], row[1] * row[3]
    return 0, 0


def _write_anew(session: Session, path: Path) -> None:
    beside = path.with_name(f"{path.name}.compacting")
    wal = path.with_name(f"{path.name}.wal")
    with _removed(beside):
        _copy(session, beside)
        shutil.copymode(path, beside)
        sync(beside)
        # A log beside the new file would be taken for its own.
        if wal.exists() and wal.stat().st_size:
            raise DatabaseFailure(
                str(path), "Checkpoint", f"{wal.name} still holds changes, so the file was left alone"
            )
        # While the old file is open, and locked: nobody can have written to it since it was copied.
        beside.replace(path)
    with suppress(OSError):  # some file systems cannot; the file itself is safe
        sync(path.parent)


@contextmanager
def _removed(beside: Path) -> Iterator[None]:
    """What an earlier compaction left is removed before; whatever is left of this one, afterwards."""
    leftovers = (beside, beside.with_name(f"{beside.name}.wal"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    try:
        yield
    finally:
        for leftover in leftovers:
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _copy(session: Session, beside: Path) -> None:
    """All of the database into a new file, checked to hold as much."""
    where = "'" + str(beside).replace("'", "''") + "'"
    options = f"TYPE duckdb, ROW_GROUP_SIZE {ROW_GROUP_SIZE}"
    if (version := _storage_version(session)) is not None:
        options += f", STORAGE_VERSION '{version}'"
    ((in_order,),) = session.execute("SELECT current_setting('preserve_insertion_order')")
    session.execute(f"ATTACH {where} AS {_BESIDE} ({options})")
    try:
        session.execute("SET preserve_insertion_order = true")
        session.execute(f"COPY FROM DATABASE {quoted(session.catalog)} TO {_BESIDE}")
        if _inventory(session, session.catalog) != _inventory(session, _BESIDE):
            raise DatabaseFailure(session.database, "Compaction", "the copy does not hold all that the file holds")
        session.execute(f"CHECKPOINT {_BESIDE}")
    except BaseException:
        with suppress(StorageError):
            session.execute(f"DETACH {_BESIDE}")
        raise
    finally:
        with suppress(StorageError):
            session.execute(f"SET preserve_insertion_order = {str(in_order).lower()}")
    session.execute(f"DETACH {_BESIDE}")


def _storage_version(session: Session) -> str | None:
    """That of the file, so that who can read it now still can; None if DuckDB does not say."""
    for name, version in session.execute("SELECT database_name, tags['storage_version'] FROM duckdb_databases()"):
        if name == session.catalog and version:
            return str(version).split()[0].rstrip("+")
    return None


def _inventory(session: Session, catalog: str) -> list[tuple[str, str, str, int]]:
    """Kind, schema, name and rows (0 of what has none) of everything in a database."""
    found = []
    for query in _INVENTORY:
        for kind, schema, name in session.execute(query, [catalog]):
            rows = 0
            if kind == "table":
                table = ".".join(map(quoted, (catalog, schema, name)))
                ((rows,),) = session.execute(f"SELECT count(*) FROM {table}")
            found.append((kind, schema, name, rows))
    return sorted(found)


def _size(path: Path) -> int:
    """The file and its log, bytes."""
    total = 0
    for part in (path, path.with_name(f"{path.name}.wal")):
        with suppress(FileNotFoundError):
            total += part.stat().st_size
    return total


def _megabytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MB"
