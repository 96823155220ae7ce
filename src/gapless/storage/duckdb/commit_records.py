"""The commit records: which slices were replaced by which run, in the same file and transaction as the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from gapless.asset_key import AssetKey
from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.frames import ArrowStream, typed_frame
from gapless.storage.duckdb.table_name import RECORDS_SCHEMA, TableName
from gapless.storage.slices import CommitRecord

__all__ = [
    "RECORDS",
    "NewRecord",
    "committed_partitions",
    "create_records",
    "forget_slices",
    "insert_records",
    "records_of_runs",
    "was_committed",
]

RECORDS = TableName(RECORDS_SCHEMA, "commits")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NewRecord(NamedTuple):
    """One slice that a transaction replaces."""

    asset: str
    partition: str | None
    run_id: str
    rows: int
    nbytes: int


def create_records(session: Session) -> None:
    """Make the table if it is not there; inside the caller's transaction."""
    session.execute(f"CREATE SCHEMA IF NOT EXISTS {RECORDS.schema_sql(session.catalog)}")
    session.execute(
        f"CREATE TABLE IF NOT EXISTS {RECORDS.sql(session.catalog)} (asset VARCHAR NOT NULL, partition VARCHAR,"
        " run_id VARCHAR NOT NULL, rows BIGINT NOT NULL, nbytes BIGINT NOT NULL, committed_at TIMESTAMPTZ NOT NULL)"
    )


def insert_records(session: Session, records: Sequence[NewRecord], committed_us: int) -> None:
    """Inside the caller's transaction.

    Args:
        committed_us: Microseconds since the epoch, the same for all.
    """
    types = {"asset": str, "partition": str, "run_id": str, "rows": int, "nbytes": int}
    frame = typed_frame(dict(zip(types, zip(*records, strict=True), strict=True)), types)
    with session.registered("gapless_records", ArrowStream(frame)) as source:
        session.execute(
            f"INSERT INTO {RECORDS.sql(session.catalog)} BY NAME"
            f" SELECT *, make_timestamptz({committed_us}) AS committed_at FROM {source}"
        )


def was_committed(session: Session, committed_us: int) -> bool:
    """Whether the transaction with this mark is durably there."""
    if not session.columns(RECORDS):
        return False
    sql = f"SELECT 1 FROM {RECORDS.sql(session.catalog)} WHERE committed_at = make_timestamptz({committed_us}) LIMIT 1"
    return bool(session.execute(sql))


def forget_slices(session: Session, asset: str, partitions: Sequence[str | None]) -> None:
    """Drop the proofs of slices whose rows are being wiped, so that no crash recovery brings them back."""
    table = RECORDS.sql(session.catalog)
    if None in partitions:
        session.execute(f"DELETE FROM {table} WHERE asset = ?", [asset])
        return
    marks = ", ".join("?" * len(partitions))
    session.execute(f"DELETE FROM {table} WHERE asset = ? AND partition IN ({marks})", [asset, *partitions])


def records_of_runs(session: Session, run_ids: Sequence[str]) -> list[CommitRecord]:
    """The latest of each (run, asset, partition), oldest first."""
    if not run_ids or not session.columns(RECORDS):
        return []
    marks = ", ".join("?" * len(run_ids))
    found = session.execute(
        'SELECT asset, partition, run_id, arg_max("rows", committed_at), epoch_us(max(committed_at)) AS newest'
        f" FROM {RECORDS.sql(session.catalog)} WHERE run_id IN ({marks})"
        " GROUP BY ALL ORDER BY newest, asset, partition",
        list(run_ids),
    )
    return [
        CommitRecord(AssetKey.of(asset), partition, run_id, rows, _EPOCH + timedelta(microseconds=at))
        for asset, partition, run_id, rows, at in found
    ]


def committed_partitions(session: Session, asset: str) -> dict[str | None, CommitRecord]:
    """The newest record of each partition of `asset`, whichever run made it."""
    if not session.columns(RECORDS):
        return {}
    found = session.execute(
        'SELECT partition, arg_max(run_id, committed_at), arg_max("rows", committed_at), epoch_us(max(committed_at))'
        f" FROM {RECORDS.sql(session.catalog)} WHERE asset = ? GROUP BY partition",
        [asset],
    )
    key = AssetKey.of(asset)
    records = {
        partition: CommitRecord(key, partition, run_id, rows, _EPOCH + timedelta(microseconds=at))
        for partition, run_id, rows, at in found
    }
    if None not in records:
        return records
    # The asset was once made whole, which replaced whatever partitions it had before.
    whole = records[None].committed_at
    return {partition: record for partition, record in records.items() if record.committed_at >= whole}
