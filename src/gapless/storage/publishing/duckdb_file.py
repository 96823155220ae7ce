"""A published copy as one DuckDB file: built beside the old one, verified, and renamed over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from gapless.errors import StorageError
from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.database.messages import opening_failure
from gapless.storage.duckdb.database.session import Session
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.durable import sync
from gapless.storage.errors import DatabaseFailure, DatabaseLockedError
from gapless.storage.publishing.errors import PublishError
from gapless.storage.publishing.publication import PublishedTable, Source

__all__ = ["CONTENTS", "DuckDBFile"]

CONTENTS = TableName("main", "_gapless_published")  # says what was published, and tells our copies from other files
_CATALOG = "gapless_published"
_OPTIONS = "ROW_GROUP_SIZE 20480"


class DuckDBFile:
    """Programs that hold the old file open go on reading it; whoever opens it next reads the new one."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._building = target.with_name(f".{target.name}.building")

    @property
    def folder(self) -> Path:
        """Where it is built."""
        return self.target.parent

    @property
    def turn_path(self) -> Path:
        """What those who publish here take turns at."""
        return self.target.with_name(f".{self.target.name}")

    def prepare(self, sources: Sequence[Source]) -> None:
        """Clear away what a publisher that died has left.

        Raises:
            PublishError: What is there is not a copy of ours, or two assets would be one table.
        """
        self._discard()
        homes: dict[str, Source] = {}
        for source in sources:
            first = homes.setdefault(source.table.identity, source)
            if first is not source:
                raise PublishError(
                    str(self.target),
                    f"assets {str(first.asset)!r} and {str(source.asset)!r} would both be the table {source.table}",
                    "Publish them to two files, or --as parquet, where each has a folder of its own",
                )
        if self.target.exists() and not self._is_ours():
            raise PublishError(
                str(self.target),
                "there is a file of that name that Gapless has not published",
                "Choose another path, or move that file out of the way",
            )

    def begin(self, session: Session) -> None:
        """Before the tables of one session's database are added."""
        session.attach(self._building, _CATALOG, _OPTIONS)

    def end(self, session: Session) -> None:
        """After them."""
        session.detach(_CATALOG)

    def add(self, session: Session, source: Source, select: str) -> int:
        """Copy the rows of a SELECT; returns how many."""
        name = source.table
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {name.schema_sql(_CATALOG)}")
        ((rows,),) = session.execute(f"CREATE TABLE {name.sql(_CATALOG)} AS {select}")
        return int(rows)

    def finish(self, tables: Sequence[PublishedTable], now: datetime) -> int:
        """Write down what is in it, verify, and swap; returns its bytes.

        Raises:
            PublishError: It does not hold what was put in.
        """
        with scratch_session() as session:
            session.attach(self._building, _CATALOG, _OPTIONS)
            session.execute(
                f"CREATE TABLE {CONTENTS.sql(_CATALOG)} (asset VARCHAR, schema_name VARCHAR, table_name VARCHAR,"
                " partitions BIGINT, row_count BIGINT, run_id VARCHAR, version VARCHAR, published_at TIMESTAMPTZ)"
            )
            for one in tables:
                facts = [
                    one.asset,
                    one.table.schema,
                    one.table.table,
                    one.partitions,
                    one.rows,
                    one.run_id,
                    one.version,
                    now,
                ]
                session.execute(f"INSERT INTO {CONTENTS.sql(_CATALOG)} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", facts)
            session.detach(_CATALOG)  # which brings the log into the file
            session.attach(self._building, _CATALOG, "READ_ONLY")
            held = {}
            for one in tables:
                ((held[one.asset],),) = session.execute(f"SELECT count(*) FROM {one.table.sql(_CATALOG)}")
            session.detach(_CATALOG)
        if held != {one.asset: one.rows for one in tables} or self._log.exists():
            raise PublishError(
                str(self.target), "the copy does not hold what was put into it", "Look at the disk, and try again"
            )
        sync(self._building)
        nbytes = self._building.stat().st_size
        # A log that somebody who wrote to the old copy has left would be taken for one of the new copy.
        self.target.with_name(f"{self.target.name}.wal").unlink(missing_ok=True)
        self._building.replace(self.target)
        sync(self.folder)
        return nbytes

    def abandon(self) -> None:
        """After an error: leave nothing behind."""
        self._discard()

    @property
    def _log(self) -> Path:
        return self._building.with_name(f"{self._building.name}.wal")

    def _discard(self) -> None:
        for path in (self._building, self._log):
            path.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        """Whether the file that is there was published.

        Raises:
            PublishError: A program holds it open for writing.
        """
        if self.target.stat().st_size == 0:
            return True  # as mktemp makes them
        try:
            with scratch_session() as session:
                session.attach(self.target, _CATALOG, "READ_ONLY")
                try:
                    sql = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?"
                    return bool(session.execute(sql, [_CATALOG, CONTENTS.schema, CONTENTS.table]))
                finally:
                    session.detach(_CATALOG)
        except DatabaseFailure as error:
            failure = opening_failure(error.reason, self.target, 0)
            if isinstance(failure, DatabaseLockedError):
                raise PublishError(
                    str(self.target),
                    f"{failure.holder} holds the copy that is there open for writing",
                    "Close it there; what only reads is to open it read-only",
                ) from None
            return False
        except StorageError:
            return False
