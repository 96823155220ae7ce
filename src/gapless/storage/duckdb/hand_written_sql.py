"""A person's own SQL on a DuckDB file: a connection for the length of a ``with`` block, in turn with the writer."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self

from gapless.errors import InvocationError, StorageError
from gapless.storage.duckdb.table_name import quoted

if TYPE_CHECKING:
    import duckdb

    from gapless.storage.duckdb.database.connection import Mode
    from gapless.storage.duckdb.database.session import Session

__all__ = ["HandWrittenSql", "OpenTransactionError"]

_HOW = "with database.get_connection() as connection: …"


@dataclass(eq=False)
class OpenTransactionError(StorageError):
    """A block of hand-written SQL ended in the middle of a transaction, which was rolled back."""

    database: str

    def __str__(self) -> str:
        return (
            f"the block of get_connection() on {self.database} ended with a transaction open; what it did was rolled"
            " back. End it with connection.execute('COMMIT'), or leave BEGIN out: each statement then commits itself."
        )


class _Held(threading.local):
    """What this thread has open: the connection of each file, and whether it may only read."""

    def __init__(self) -> None:
        self.connections: dict[Path, tuple[duckdb.DuckDBPyConnection, bool]] = {}


_held = _Held()


class HandWrittenSql:
    """A turn at the file: the block waits for other processes, and for the writer of this one.

    Inside, tables go by their names alone, new ones lie in the schema ``public`` as assets do, and each statement
    commits itself unless the block begins a transaction.
    Blocks of one thread may nest; the inner one then has the connection of the outer one.

    Args:
        path: The file, absolute.
        timeout: How long to wait while other processes hold the file, seconds.
        read_only: The whole block sees one consistent picture and can change nothing. It does not wait for the writer
            of this process.
        settings: DuckDB settings for the connection, by name; those that DuckDB keeps for a whole database hold for
            all that this process does with the file until it is closed.
    """

    def __init__(self, path: Path, timeout: float, read_only: bool, settings: Mapping[str, Any]) -> None:
        self._path, self._timeout, self._read_only, self._settings = path, timeout, read_only, dict(settings)
        self._entered = ExitStack()
        self._nested = False

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        """Wait for the turn.

        Raises:
            DatabaseLockedError: Another process held the file for too long.
            DatabaseUnusableError: The file cannot be opened, or is not there to be read.
            StorageError: A setting that DuckDB refuses.
            InvocationError: The block may write, and lies in one that may only read.
        """
        from gapless.storage.duckdb.database.connection import Database

        database = Database.at(self._path)
        if database.path in _held.connections:
            connection, read_only = _held.connections[database.path]
            if read_only and not self._read_only:
                raise InvocationError(
                    f"get_connection() on {self._path} was called inside of get_connection(read_only=True)",
                    "Leave read_only out of the outer one, or end that block first",
                )
            self._nested = True
            return connection
        with ExitStack() as stack:
            if not database.is_open:  # who opened it lets go of it
                stack.callback(database.close)
            mode: Mode = "look" if self._read_only else "write"
            session = stack.enter_context(database.session(self._timeout, "hand-written SQL", mode))
            if not self._read_only:
                # What is created without a schema lies where assets do, also in a file that has no asset yet.
                session.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(session.catalog)}.public")
            connection = session.hand_over()
            self._apply_settings(session)
            if self._read_only:
                session.execute("BEGIN TRANSACTION READ ONLY")
                stack.callback(session.rollback)
            else:
                stack.push(_Ending(session))
            _held.connections[database.path] = connection, self._read_only
            stack.callback(_held.connections.pop, database.path)
            self._entered = stack.pop_all()
        return connection

    def _apply_settings(self, session: Session) -> None:
        for name, value in self._settings.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            session.execute(f"SET {quoted(name)} = '" + text.replace("'", "''") + "'")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """Roll back what is not committed, and let the next one in.

        Raises:
            OpenTransactionError: The block ended well, but in the middle of a transaction.
        """
        if not self._nested:
            self._entered.__exit__(kind, error, frames)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise InvocationError(f"get_connection().{name} was used without `with`", f"Write: {_HOW}")


class _Ending:
    """Rolls back what is open when a block ends, and says so if the block does not know that it failed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._session.rollback() and error is None:
            raise OpenTransactionError(self._session.database)
