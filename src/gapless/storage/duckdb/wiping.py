"""Deleting slices and the records of their commits."""

from __future__ import annotations

from gapless.storage.duckdb.commits.commit_records import RECORDS, forget_slices
from gapless.storage.duckdb.database.session import Session
from gapless.storage.duckdb.reading import condition_of
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.slices import OutputSlices

__all__ = ["wiped"]


def wiped(session: Session, target: OutputSlices, table: TableName) -> int:
    """Delete the rows of these slices and their commit records in one transaction; returns how many rows.

    Raises:
        StorageError: The partitions cannot be told, or the file cannot be written; it is as it was.
    """
    columns = session.columns(table)
    keys = tuple(part.key for part in target.slices) or (None,)
    whole = None in keys
    condition = None if whole or not columns else condition_of(session, target, table, columns)
    session.execute("BEGIN TRANSACTION")
    committed = False
    try:
        deleted = 0
        if columns:
            where = f" WHERE {condition.sql}" if condition else ""
            sql = f"DELETE FROM {table.sql(session.catalog)}{where}"
            ((deleted,),) = session.execute(sql, condition.parameters if condition else ())
        if session.columns(RECORDS):
            forget_slices(session, str(target.asset), table, (None,) if whole else keys)
        session.execute("COMMIT")
        committed = True
    finally:
        if not committed:
            session.rollback()
    return int(deleted)
