"""One SQLite file, shared by threads and processes: opening it, its transactions, and its failures in our words."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gapless.ledger.errors import (
    LedgerAccessError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerFullError,
    LedgerNewerError,
)
from gapless.ledger.schema import APPLICATION_ID, VERSION, migrate

__all__ = ["SQLiteFile"]

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SQLiteFile:
    """A ledger's file behind one connection, which its threads take in turn.

    Nothing is created before the first write; until then, reads find an empty ledger. Not to be used in a forked
    child: open it again there.

    Args:
        path: The file.
        busy_timeout_s: How long to wait for another process that writes, seconds.
    """

    def __init__(self, path: Path, busy_timeout_s: float = 30.0) -> None:
        self.path = path
        self.busy_timeout_s = busy_timeout_s
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._nothing: sqlite3.Connection | None = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees one moment of the ledger, however many queries it makes."""
        with self._lock, self._own_words():
            yield from self._transaction(self._opened(create=False), "BEGIN")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is kept whole, or not at all if the block raises."""
        with self._lock, self._own_words():
            # IMMEDIATE: the wait for other writers happens here, where nothing has been read yet. A transaction that
            # reads first and then wants to write fails at once when another one wrote in between.
            yield from self._transaction(self._opened(create=True), "BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            for connection in (self._connection, self._nothing):
                if connection is not None:
                    connection.close()
            self._connection = self._nothing = self._inode = None

    @staticmethod
    def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                # The first failure is the one to tell; SQLite may have rolled back by itself.
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise

    def _opened(self, *, create: bool) -> sqlite3.Connection:
        inode = self._inode_on_disk()
        if self._connection is not None:
            if inode == self._inode:
                return self._connection
            # The file was deleted or replaced under us: what we wrote on would be lost without a word.
            self._connection.close()
            self._connection = None
        if inode is None and not create:
            if self._nothing is None:
                self._nothing = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                migrate(self._nothing)
            return self._nothing
        if inode is None:
            _create_folder(self.path.parent)
        self._connection = self._connect()
        self._inode = self._inode_on_disk()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self.busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            self._check_identity(connection)
            self._use_wal(connection)
            # In WAL mode NORMAL loses nothing when a process dies. When the power fails, the last transactions may be
            # missing, and the commit records, which lie with the data, bring them back.
            connection.execute("PRAGMA synchronous = NORMAL")
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_identity(self, connection: sqlite3.Connection) -> None:
        """Refuse foreign and newer files before anything in them is changed."""
        # One statement sees one moment: while another process creates the ledger, two could see a half of it each.
        application_id, version, tables = connection.execute(
            "SELECT a.application_id, v.user_version, (SELECT COUNT(*) FROM sqlite_master)"
            " FROM pragma_application_id AS a, pragma_user_version AS v"
        ).fetchone()
        if application_id != APPLICATION_ID and (application_id or tables):
            raise LedgerDamagedError(str(self.path), "it is an SQLite file of another program")
        if version > VERSION:
            raise LedgerNewerError(str(self.path), version, VERSION)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self.busy_timeout_s
        while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                # On a file system that cannot do it the mode stays as it is, which is slower but right.
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself for this lock, which two processes want that create the ledger at once.
                if error.sqlite_errorcode & 0xFF not in _BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    def _inode_on_disk(self) -> tuple[int, int] | None:
        try:
            stat = os.stat(self.path)  # noqa: PTH116  called before every transaction; Path.stat takes twice as long
        except FileNotFoundError:
            return None
        return stat.st_dev, stat.st_ino

    @contextmanager
    def _own_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            exact = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            code = exact & 0xFF
            if code in _BUSY:
                raise LedgerBusyError(str(self.path), self.busy_timeout_s) from error
            if code == sqlite3.SQLITE_FULL or exact == sqlite3.SQLITE_IOERR_SHMSIZE:
                raise LedgerFullError(str(self.path)) from error
            if code in _DAMAGED:
                raise LedgerDamagedError(str(self.path), str(error)) from error
            if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
                raise LedgerAccessError(str(self.path), str(error)) from error
            raise
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise LedgerFullError(str(self.path)) from error
            raise LedgerAccessError(str(self.path), error.strerror or str(error)) from error


def _create_folder(folder: Path) -> None:
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if new and folder.name == ".gapless":
        (folder / ".gitignore").write_text("*\n")
