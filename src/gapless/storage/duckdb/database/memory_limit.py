"""How much memory DuckDB may use before it goes to disk, while there is work whose rows may be many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from gapless.errors import StorageError

__all__ = ["MemoryLimit"]

_Execute = Callable[[str], list[tuple[Any, ...]]]

_MEMORY = 480 * 2**20  # bytes
_COLUMN_MEMORY = 512 * 2**10  # bytes more for each column, which is written block by block


class MemoryLimit:
    """The limit of one instance of DuckDB, which all sessions on it share: it lasts as long as one of them wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._columns = 0  # the most that any of them has named

    def hold(self, execute: _Execute, columns: int, held: ExitStack) -> None:
        """Limit it, with room for rows of so many columns and for the widest table, until `held` is closed.

        Args:
            execute: Of a session on the instance.

        Raises:
            StorageError: DuckDB refused it.
        """
        with self._lock:
            self._users += 1
            held.callback(self._let_go, execute)
            ((widest,),) = execute("SELECT coalesce(max(column_count), 0) FROM duckdb_tables()")
            self._columns = max(self._columns, columns, widest)
            limit = _MEMORY + _COLUMN_MEMORY * self._columns
            execute(f"SET memory_limit = '{limit >> 20}MiB'")

    def _let_go(self, execute: _Execute) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._columns = 0
                with suppress(StorageError):
                    execute("RESET memory_limit")
