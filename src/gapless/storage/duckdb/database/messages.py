"""What DuckDB's messages mean, in our words."""

from __future__ import annotations

import re
from pathlib import Path

from gapless.errors import StorageError
from gapless.storage.errors import DatabaseFailure, DatabaseLockedError, DatabaseUnusableError, DiskFullError

__all__ = ["one_line", "opening_failure", "translated"]

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?)(?: by user (?P<user>\S+))? \(PID (?P<pid>\d+)\)")
_DISK_FULL = ("No space left on device", "File too large", "Disk quota exceeded", "disk is full", "out of disk space")


def translated(error: Exception, database: str) -> StorageError:
    """DuckDB's error in our words."""
    message = one_line(str(error))
    if any(sign in str(error) for sign in _DISK_FULL):
        return DiskFullError(database, message)
    return DatabaseFailure(database, type(error).__name__.removesuffix("Exception").removesuffix("Error"), message)


def opening_failure(message: str, path: Path, timeout: float) -> StorageError | None:
    """Why the file at `path` did not open, after waiting `timeout` seconds; None if the message is not of that kind."""
    if "Could not set lock" in message or "Conflicting lock" in message:
        found = _HOLDER.search(message)
        holder = f"{Path(found['program']).name} (process {found['pid']})" if found else "another program"
        return DatabaseLockedError(str(path), holder, timeout)
    if "Unique file handle conflict" in message:
        holder = (
            "another connection of this very process, not opened by Gapless"
            " (give its code a DuckDBResource, and use get_connection() instead of duckdb.connect())"
        )
        return DatabaseLockedError(str(path), holder, timeout)
    if "not a valid DuckDB database" in message:
        return DatabaseUnusableError(
            str(path), "it is not a DuckDB file", "Choose another path, or move that file out of the way"
        )
    if "newer version of DuckDB" in message or "version number" in message:
        return DatabaseUnusableError(
            str(path), "another version of DuckDB made it", "Upgrade the duckdb package to that version or a later one"
        )
    if "Is a directory" in message:
        return DatabaseUnusableError(str(path), "it is a directory", "Give the path of a file")
    if "No such file" in message or "does not exist" in message:
        return DatabaseUnusableError(str(path), "it does not exist", "Materialize an asset first, or correct the path")
    if "Permission denied" in message or "Read-only file system" in message or "read-only" in message.casefold():
        return DatabaseUnusableError(
            str(path), "this user may not open it", "Give this user the right to read and write it"
        )
    if any(sign in message for sign in _DISK_FULL):
        return None
    if any(sign in message.casefold() for sign in ("corrupt", "checksum", "could not read", "serializ", "invalid")):
        return DatabaseUnusableError(
            str(path),
            f"it is damaged ({one_line(message)})",
            "Restore it from a copy, or move it out of the way and materialize its assets again",
        )
    return None


def one_line(message: str) -> str:
    """The message without its line breaks, its kind and its excerpt of the SQL."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("LINE ", "^"))]
    return re.sub(r"^[A-Z][A-Za-z]*( [A-Z][A-Za-z]*)* Error: ", "", " ".join(kept))
