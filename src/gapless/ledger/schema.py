"""The ledger's tables, as numbered steps from an empty file to the newest version.

A step that was released is never edited: a change is a new step at the end. The number of steps that a file went
through is its version, and lies in the file (``user_version``). Instants are integer microseconds since 1970 UTC.

The SQL keeps to what SQLite and PostgreSQL share, but for ``WITHOUT ROWID`` and the two pragmas.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

__all__ = ["APPLICATION_ID", "MIGRATIONS", "VERSION", "migrate", "version_of"]

APPLICATION_ID = 0x6761706C  # "gapl": in the file's header, it tells a ledger from any other SQLite file

_RUNS = (
    """
    CREATE TABLE runs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        ended_at BIGINT,
        targeted BIGINT NOT NULL,
        trigger_name TEXT NOT NULL,
        job TEXT,
        host TEXT NOT NULL,
        pid BIGINT NOT NULL,
        process_started DOUBLE PRECISION NOT NULL,
        boot TEXT NOT NULL,
        error TEXT,
        tags TEXT NOT NULL,
        cancel_requested INTEGER NOT NULL DEFAULT 0
    )
    """,
    "CREATE INDEX runs_by_age ON runs (created_at, seq)",
    "CREATE INDEX runs_by_state ON runs (state)",
    # Apart from the runs: a plan may be large, and ending a run must not rewrite it.
    "CREATE TABLE plans (run_id TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID",
)

_STATUSES = (
    """
    CREATE TABLE statuses (
        asset TEXT NOT NULL,
        partition TEXT NOT NULL,
        status TEXT NOT NULL,
        run_id TEXT NOT NULL,
        updated_at BIGINT NOT NULL,
        committed_at BIGINT,
        rows BIGINT,
        nbytes BIGINT,
        code_version TEXT,
        reason TEXT,
        PRIMARY KEY (asset, partition)
    ) WITHOUT ROWID
    """,
    # No index by run: there are only as many leases as slices being made, and each is written and deleted.
    """
    CREATE TABLE leases (
        asset TEXT NOT NULL,
        partition TEXT NOT NULL,
        run_id TEXT NOT NULL,
        claimed_at BIGINT NOT NULL,
        PRIMARY KEY (asset, partition)
    ) WITHOUT ROWID
    """,
)

_EVENTS = (
    # AUTOINCREMENT: an id is never given twice, even after the newest events were pruned.
    """
    CREATE TABLE events (
        event_id INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id TEXT NOT NULL,
        at BIGINT NOT NULL,
        kind TEXT NOT NULL,
        asset TEXT,
        partition TEXT,
        reason TEXT,
        payload TEXT
    )
    """,
    "CREATE INDEX events_by_run ON events (run_id)",
    "CREATE INDEX events_by_partition ON events (asset, partition)",
)

_SCHEDULES = (
    "CREATE TABLE schedules (name TEXT PRIMARY KEY, running INTEGER, cursor_at BIGINT) WITHOUT ROWID",
    """
    CREATE TABLE ticks (
        schedule TEXT NOT NULL,
        scheduled_at BIGINT NOT NULL,
        state TEXT NOT NULL,
        covers_after BIGINT NOT NULL,
        run_id TEXT,
        note TEXT,
        PRIMARY KEY (schedule, scheduled_at)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX ticks_by_age ON ticks (scheduled_at)",
)

_DYNAMIC_PARTITIONS = (
    # AUTOINCREMENT: a key that is added again comes last, even after the newest were removed.
    """
    CREATE TABLE dynamic_partitions (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        partition TEXT NOT NULL,
        UNIQUE (name, partition)
    )
    """,
    "CREATE INDEX dynamic_partitions_in_order ON dynamic_partitions (name, position)",
)

# At the end, whatever it means: that is where a column can be added.
_DATA_VERSION = ("ALTER TABLE statuses ADD COLUMN data_version TEXT",)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (*_RUNS, *_STATUSES, *_EVENTS, *_SCHEDULES),
    _DYNAMIC_PARTITIONS,
    _DATA_VERSION,
)

VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the file that is open, 0 for a fresh one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Take the file through the steps that it lacks, all of them or none.

    Safe to be called by several processes at once: the version is looked at again once the file is ours.
    """
    if version_of(connection) >= len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in migrations[version_of(connection) :]:
            for statement in step:
                connection.execute(statement)
        if version_of(connection) < len(migrations):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
            connection.execute(f"PRAGMA user_version = {len(migrations):d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
