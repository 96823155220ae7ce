"""The keys of dynamic partitions in the ledger, in SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from gapless.errors import InvocationError
from gapless.ledger.columns import in_chunks, marks
from gapless.partitions.pages import PaginatedResults

__all__ = ["add", "existing", "listing", "page", "remove"]

_PAGE_UP = """
    SELECT position, partition FROM dynamic_partitions WHERE name = ? AND position > ? ORDER BY position LIMIT ?
"""
_PAGE_DOWN = """
    SELECT position, partition FROM dynamic_partitions WHERE name = ? AND position < ? ORDER BY position DESC LIMIT ?
"""
_BEFORE_ALL, _AFTER_ALL = 0, 1 << 62  # positions that no key has


def add(connection: sqlite3.Connection, name: str, keys: Sequence[str]) -> list[str]:
    """See `Ledger.add_dynamic_partitions`; `keys` are checked, each once."""
    known = existing(connection, name, keys)
    new = [key for key in keys if key not in known]
    connection.executemany("INSERT INTO dynamic_partitions (name, partition) VALUES (?,?)", [(name, k) for k in new])
    return new


def remove(connection: sqlite3.Connection, name: str, keys: Sequence[str]) -> list[str]:
    """See `Ledger.delete_dynamic_partitions`; `keys` are each once."""
    known = existing(connection, name, keys)
    gone = [key for key in keys if key in known]
    connection.executemany(
        "DELETE FROM dynamic_partitions WHERE name = ? AND partition = ?", [(name, key) for key in gone]
    )
    return gone


def listing(connection: sqlite3.Connection, name: str) -> list[str]:
    """See `Ledger.get_dynamic_partitions`."""
    rows = connection.execute("SELECT partition FROM dynamic_partitions WHERE name = ? ORDER BY position", (name,))
    return [key for (key,) in rows]


def existing(connection: sqlite3.Connection, name: str, keys: Sequence[str]) -> set[str]:
    """See `Ledger.get_existing_dynamic_partitions`."""
    return {
        key
        for chunk in in_chunks(keys)
        for (key,) in connection.execute(
            f"SELECT partition FROM dynamic_partitions WHERE name = ? AND partition IN ({marks(chunk)})",  # noqa: S608
            (name, *chunk),
        )
    }


def page(
    connection: sqlite3.Connection, name: str, limit: int, ascending: bool, cursor: str | None
) -> PaginatedResults:
    """See `Ledger.get_paginated_dynamic_partitions`."""
    if limit < 1:
        raise InvocationError(f"a page of {limit} keys was asked for", "Ask for at least one: limit=1.")
    # A position, not a key or a number of keys: it stays where it is, whatever is added and removed meanwhile.
    after = _position(cursor) if cursor is not None else _BEFORE_ALL if ascending else _AFTER_ALL
    rows = connection.execute(_PAGE_UP if ascending else _PAGE_DOWN, (name, after, limit + 1)).fetchall()
    shown = rows[:limit]
    return PaginatedResults([key for _, key in shown], str(shown[-1][0] if shown else after), len(rows) > limit)


def _position(cursor: str) -> int:
    if isinstance(cursor, str) and cursor.isascii() and cursor.isdigit() and int(cursor[:20]) <= _AFTER_ALL:
        return int(cursor[:20])
    raise InvocationError(f"{cursor!r} is not a cursor", "Pass that of the page before; None for the first page.")
