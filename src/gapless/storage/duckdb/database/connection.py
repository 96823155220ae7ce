"""Opening a DuckDB file in turn. What is run in it goes through the sessions on it, and nothing else.

The file is attached to an in-memory instance, with row groups of about twenty thousand rows: a group of slices then
fills row groups of its own, which DuckDB writes straight to the file instead of through its write-ahead log (measured:
half the time of a commit), and zone maps prune finer.
"""

from __future__ import annotations

import atexit
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gapless.errors import StorageError
from gapless.storage.duckdb.database.memory_limit import MemoryLimit
from gapless.storage.duckdb.database.messages import opening_failure, translated
from gapless.storage.duckdb.database.session import Session
from gapless.storage.duckdb.table_name import quoted
from gapless.storage.errors import DatabaseLockedError, DatabaseUnusableError
from gapless.storage.turnstile import Turnstile, TurnTimeoutError

if TYPE_CHECKING:
    import duckdb


__all__ = ["ROW_GROUP_SIZE", "Database", "Mode", "Session", "scratch_session"]

Mode = Literal["look", "read", "write"]

ROW_GROUP_SIZE = 20_480  # rows; a multiple of DuckDB's vector of 2,048
_IDLE_S = 1.0  # an unused connection is closed after this, so that other programs can open the file
_LONGEST_RETRY_S = 0.25
_TELL_AFTER_S = 5.0  # a shorter wait is not worth a word
_LOG = logging.getLogger("gapless")
_RESERVED_CATALOGS = frozenset(
    {"memory", "temp", "system", "main", "pg_catalog", "information_schema"}
    | {"files", "gapless_compacted", "gapless_published"}  # what is attached beside a database
)


class Database:
    """One file in this process: all stores and threads share its one connection. Use `Database.at`."""

    _open_here: dict[Path, Database] = {}  # noqa: RUF012  # the process's registry
    _registry_lock = threading.Lock()

    def __init__(self, path: Path) -> None:
        self.path = path
        stem = path.name.split(".")[0] or "data"
        self.catalog = f"{stem}_db" if stem.casefold() in _RESERVED_CATALOGS else stem
        self._turnstile = Turnstile(path)
        self._changed = threading.Condition()
        self._writing = threading.Lock()  # two transactions that both create, or both replace, would conflict
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._read_only = False
        self._opening = False
        self._lent = False  # … and open already, in a session of another file
        self._leaving = False  # no new session comes in until the connection has been closed
        self._sessions = 0
        self._last_used = 0.0
        self._file: tuple[int, int] | None = None  # what was opened: device and inode
        self._known_columns: dict[str, dict[str, str]] = {}  # of its tables, until the next write
        self._memory = MemoryLimit()
        self._given_up = 0  # how often `stop_waiting` was called; a wait ends when it changes

    @classmethod
    def at(cls, path: Path) -> Database:
        """The one of `path`, whichever way it is spelled."""
        resolved = Path(os.path.realpath(path))
        with cls._registry_lock:
            if resolved not in cls._open_here:
                cls._open_here[resolved] = cls(resolved)
            return cls._open_here[resolved]

    @property
    def is_open(self) -> bool:
        """Whether this process holds the file open now."""
        return self._connection is not None

    @property
    def is_read_only(self) -> bool:
        """Whether nothing of this process can change the file as long as a session is open now."""
        return self._connection is not None and self._read_only

    def exists(self) -> bool:
        """Whether the file is there.

        Raises:
            DatabaseUnusableError: This user may not even look.
        """
        try:
            return self.path.exists()
        except PermissionError:
            reason = f"this user may not look into {self.path.parent}"
            fix = "Give this user the right to enter it, or choose another path"
            raise DatabaseUnusableError(str(self.path), reason, fix) from None

    def is_empty(self) -> bool:
        """Whether the file is not there, or holds nothing at all.

        Raises:
            DatabaseUnusableError: This user may not even look.
        """
        return not self.exists() or self.path.stat().st_size == 0

    @contextmanager
    def session(self, timeout: float, doing: str, mode: Mode) -> Iterator[Session]:
        """A session on the open database; opens it first if need be. Sessions of one thread must not nest.

        Args:
            timeout: How long to wait for other processes, seconds.
            doing: What it is for; other processes show it while they wait.
            mode: ``look`` opens a closed file for reading only; ``read`` so that it need not be opened again for the
                write that will follow, unless this user cannot write it.

        Raises:
            DatabaseLockedError: Another process held the file for too long.
            DatabaseUnusableError: The file cannot be opened, whoever else is there.
        """
        with self._writing if mode == "write" else nullcontext():
            connection = self._enter(timeout, doing, mode)
            try:
                # While we hold the file nobody else changes its tables; whoever writes looks for itself.
                known = None if mode == "write" else self._known_columns
                session = Session(connection.cursor(), self.catalog, self.path, known, self._memory)
                try:
                    yield session
                finally:
                    session.close()
                    if mode == "write":
                        self._known_columns = {}
            finally:
                self._leave()

    @contextmanager
    def lent_to(self, session: Session, catalog: str, timeout: float, doing: str) -> Iterator[None]:
        """Attach the file for reading to the session of another file, for the length of the block.

        This process cannot open it meanwhile. Files are lent in the order of their paths, so that nobody who holds one
        waits for somebody who holds the next.

        Raises:
            DatabaseLockedError: It was in use for too long.
            DatabaseUnusableError: It cannot be opened.
        """
        deadline = time.monotonic() + timeout
        before = self._given_up
        with self._changed:
            while self._connection is not None or self._opening:
                if self._connection is not None and not self._leaving:
                    self._ask_to_leave()
                else:
                    deadline = self._wait_here(deadline, timeout)
            self._opening = True
        try:
            given_up = self._take_turn(deadline, timeout, doing, before)
            try:
                self._attach(session.cursor, catalog, "READ_ONLY", deadline, timeout, given_up)
                try:
                    with self._changed:
                        self._lent = True
                        self._changed.notify_all()
                    yield
                finally:
                    with suppress(StorageError):
                        session.detach(catalog)
            finally:
                self._turnstile.release()
        finally:
            with self._changed:
                self._opening = self._lent = False
                self._changed.notify_all()

    def yield_turn(self) -> None:
        """Close if another process waits, or nobody has used it for a while; at once if no session is open."""
        with self._changed:
            if self._connection is None or self._leaving:
                return
            idle = not self._sessions and time.monotonic() - self._last_used > _IDLE_S
            if idle or self._turnstile.somebody_waits():
                self._ask_to_leave()

    def stop_waiting(self) -> None:
        """End every wait for another process that is under way, as if its time were up."""
        self._given_up += 1

    def keep_to_one_session(self) -> bool:
        """Let no other session in until the open one has ended, and the file is closed; False if there are others."""
        with self._changed:
            self._leaving = self._leaving or self._sessions == 1
            return self._sessions == 1

    def close(self) -> None:
        """Close as soon as no session is open; it opens again on demand."""
        with self._changed:
            if self._connection is not None:
                self._ask_to_leave()

    def _enter(self, timeout: float, doing: str, mode: Mode) -> duckdb.DuckDBPyConnection:
        deadline = time.monotonic() + timeout
        before = self._given_up
        with self._changed:
            while True:
                if self._connection is not None and not self._leaving:
                    if self._replaced():
                        self._ask_to_leave()  # what we hold open is not the file of that name any more
                        continue
                    if mode != "write" or not self._read_only:
                        self._sessions += 1
                        return self._connection
                    self._ask_to_leave()  # it was opened for reading only; open it again for writing
                    continue
                if self._connection is None and not self._opening:
                    self._opening = True
                    break
                deadline = self._wait_here(deadline, timeout)
        connection = None
        try:
            # Opened outside the lock: it may take as long as other processes like.
            connection, opened_read_only = self._open(deadline, timeout, doing, mode, before)
        finally:
            with self._changed:
                self._opening = False
                if connection is not None:
                    self._connection, self._read_only, self._sessions = connection, opened_read_only, 1
                    self._file = _identity(self.path)
                self._changed.notify_all()
        return connection

    def _wait_here(self, deadline: float, timeout: float) -> float:
        """Wait until something changes in this process; the new deadline.

        Whoever opens the file stands in the queue of processes for all of us, and is as patient there as need be: while
        one publishes, for longer than `timeout`. So nobody gives up before.

        Raises:
            DatabaseLockedError: The time is up.
        """
        if self._changed.wait(max(0.0, deadline - time.monotonic())):
            return deadline
        if not self._opening and not self._leaving:
            return deadline  # it changed at that very moment
        if timeout <= 0 or not self._opening or self._lent:
            raise DatabaseLockedError(str(self.path), "other work of this process", timeout)
        self._changed.wait_for(lambda: not self._opening or self._lent)
        return deadline if self._connection is None else time.monotonic() + timeout

    def _replaced(self) -> bool:
        """Whether the file was deleted or exchanged since it was opened: commits would go where nobody finds them."""
        now = _identity(self.path)
        if self._file is None:
            self._file = now
        return now != self._file

    def _leave(self) -> None:
        with self._changed:
            self._sessions -= 1
            self._last_used = time.monotonic()
            if self._leaving and not self._sessions:
                self._shut()

    def _ask_to_leave(self) -> None:
        self._leaving = True
        if not self._sessions:
            self._shut()

    def _shut(self) -> None:
        connection, self._connection, self._leaving = self._connection, None, False
        self._known_columns = {}
        try:
            if connection is not None:
                # A checkpoint that fails here (a full disk) harms nothing: the log still holds what was committed.
                with suppress(Exception):
                    connection.close()
        finally:
            self._turnstile.release()
            self._changed.notify_all()

    def _open(
        self, deadline: float, timeout: float, doing: str, mode: Mode, before: int
    ) -> tuple[duckdb.DuckDBPyConnection, bool]:
        exists = self.exists()
        if not self.path.parent.is_dir():
            raise DatabaseUnusableError(
                str(self.path),
                f"the directory {self.path.parent} does not exist",
                "Create it, or correct the database's path",
            )
        writable = os.access(self.path if exists else self.path.parent, os.W_OK)
        if not writable and mode == "write":
            raise DatabaseUnusableError(
                str(self.path),
                "it is read-only for this user" if exists else f"{self.path.parent} is read-only",
                "Give this user the right to write there, or choose another path",
            )
        given_up = self._take_turn(deadline, timeout, doing, before)
        read_only = mode == "look" or not writable
        try:
            return self._connect(deadline, timeout, read_only, given_up), read_only
        except BaseException:
            self._turnstile.release()
            raise

    def _take_turn(self, deadline: float, timeout: float, doing: str, before: int) -> Callable[[], bool]:
        """Wait for other processes; returns what tells whether to stop waiting, and is asked again and again.

        Args:
            before: `_given_up` when the wait began.
        """
        tell_at: float | None = time.monotonic() + _TELL_AFTER_S

        def given_up() -> bool:
            nonlocal tell_at
            if tell_at is not None and time.monotonic() >= tell_at:
                tell_at = None
                _LOG.warning("waiting for %s, which another process uses", self.path)
            return self._given_up != before

        try:
            self._turnstile.acquire(deadline - time.monotonic(), doing, given_up)
        except TurnTimeoutError as error:
            raise DatabaseLockedError(str(self.path), error.holder, timeout) from None
        return given_up

    def _connect(
        self, deadline: float, timeout: float, read_only: bool, given_up: Callable[[], bool]
    ) -> duckdb.DuckDBPyConnection:
        import duckdb

        # Beside the file, where DuckDB puts it when it opens a file itself; not in the working directory.
        aside = f"{self.path}.tmp"
        connection = duckdb.connect(config={"custom_user_agent": "gapless", "temp_directory": aside})
        options = "READ_ONLY" if read_only else f"ROW_GROUP_SIZE {ROW_GROUP_SIZE}"
        try:
            self._attach(connection, self.catalog, options, deadline, timeout, given_up)
        except StorageError:
            connection.close()
            raise
        return connection

    def _attach(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: str,
        options: str,
        deadline: float,
        timeout: float,
        given_up: Callable[[], bool],
    ) -> None:
        import duckdb

        where = "'" + str(self.path).replace("'", "''") + "'"
        pause = 0.005
        while True:
            try:
                connection.execute(f"ATTACH {where} AS {quoted(catalog)} (TYPE duckdb, {options})")
            except duckdb.Error as error:
                message = str(error)
                failure = opening_failure(message, self.path, timeout) or translated(error, str(self.path))
            else:
                return
            left = deadline - time.monotonic()
            if not isinstance(failure, DatabaseLockedError) or left <= 0 or given_up():
                raise failure
            time.sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_RETRY_S)

    @classmethod
    def _forget_all(cls) -> None:
        # A forked child can use neither its parent's connections nor its locks.
        for database in cls._open_here.values():
            database._turnstile.forget()
            _orphans.append(database._connection)
        cls._open_here = {}
        cls._registry_lock = threading.Lock()
        _orphans.extend(_scratch)
        _scratch.clear()
        _scratch_memory[0] = MemoryLimit()

    @classmethod
    def _close_all(cls) -> None:
        for database in list(cls._open_here.values()):
            database.close()


_scratch: list[Any] = []  # this process's database in memory, once it is needed
_scratch_memory = [MemoryLimit()]
_scratch_lock = threading.Lock()


@contextmanager
def scratch_session() -> Iterator[Session]:
    """A session on a database in memory, to evaluate SQL over frames and files. For one thread; they do not disturb."""
    import duckdb

    with _scratch_lock:
        if not _scratch:
            folder = Path(tempfile.gettempdir()) / f"gapless-{os.getpid()}.tmp"  # made if it is needed
            _scratch.append(duckdb.connect(config={"custom_user_agent": "gapless", "temp_directory": str(folder)}))
        cursor = _scratch[0].cursor()
    session = Session(cursor, "memory", Path(":memory:"), memory=_scratch_memory[0])
    try:
        yield session
    finally:
        session.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


_orphans: list[Any] = []  # connections that a fork copied: closing them here would write to the parent's file
os.register_at_fork(after_in_child=Database._forget_all)
atexit.register(Database._close_all)
