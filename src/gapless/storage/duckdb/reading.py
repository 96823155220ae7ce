"""What of a table an input reads, as SQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gapless.storage.asked_columns import asked_columns
from gapless.storage.duckdb.commits.column_plan import has_rows
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.duckdb.membership.membership import membership_of
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.errors import ColumnTypeError, PartitionExpressionError
from gapless.storage.slices import InputSlices, OutputSlices

if TYPE_CHECKING:
    from gapless.storage.duckdb.database.connection import Session

__all__ = ["condition_of", "selection"]


def selection(session: Session, source: InputSlices, table: TableName, columns: Mapping[str, str]) -> Condition:
    """A SELECT of the rows and columns of `source`, in the order in which they lie in the table.

    It is to run in the time zone of `source`, which the session has afterwards.

    Args:
        columns: The table's, name to type.

    Raises:
        StorageError: There is no such column, or the partitions cannot be told.
    """
    session.set_timezone(source.timezone)
    sql = f"SELECT {', '.join(map(quoted, _wanted(source, columns, table)))} FROM {table.sql(session.catalog)}"
    if not source.slices:
        return Condition(f"{sql} LIMIT 0")
    if any(part.key is None for part in source.slices):
        return Condition(sql)
    condition = condition_of(session, source, table, columns)
    return Condition(f"{sql} WHERE {condition.sql}", condition.parameters)


def condition_of(
    session: Session, source: InputSlices | OutputSlices, table: TableName, columns: Mapping[str, str]
) -> Condition:
    """True for the rows of `source`, in the session's time zone, which it sets.

    Raises:
        StorageError: The partitions cannot be told.
    """
    session.set_timezone(source.timezone)
    name = table.sql(session.catalog)
    try:
        membership = membership_of(session, source, columns, f"SELECT * FROM {name}")
    except PartitionExpressionError:
        if has_rows(session, name, columns):
            raise
        return Condition("FALSE")  # only frames without values so far: the columns may not have their types yet
    membership.refuse_unsuited(source.slices)  # rows that were stored by hand: 07 must not read, or wipe, those of 7
    return membership.where(source.slices)


def _wanted(source: InputSlices, columns: Mapping[str, str], table: TableName) -> list[str]:
    """The columns to read, all of which can be read."""
    wanted = asked_columns(source, columns, str(table))
    for name in wanted:
        if columns[name].startswith("INTERVAL"):
            fix = 'Leave it out with the input\'s metadata {"columns": […]}'
            raise ColumnTypeError(str(source.asset), (), name, columns[name], fix)
    return wanted
