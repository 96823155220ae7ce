"""How the rows of a table tell which slices they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.column_membership import ColumnMembership
from gapless.storage.duckdb.membership.product_membership import ProductMembership
from gapless.storage.duckdb.staging.frames import column_named_by
from gapless.storage.errors import DatabaseFailure, PartitionExpressionError
from gapless.storage.slices import InputSlices, OutputSlices, PartitionColumn

__all__ = ["Membership", "membership_of"]

Membership: TypeAlias = ColumnMembership | ProductMembership


def membership_of(
    session: Session, slices: OutputSlices | InputSlices, columns: Mapping[str, str], rows: str
) -> Membership:
    """How rows tell which of `slices` they belong to.

    Args:
        columns: The table's, name to type.
        rows: A SELECT whose columns the expressions are about.

    Raises:
        PartitionExpressionError: DuckDB cannot evaluate an expression.
    """
    asset = str(slices.asset)
    if not slices.by_dimension:
        told_by = PartitionColumn(
            slices.partition_expr or "", slices.timezone, slices.finer_than_day, slices.naive_zone
        )
        return _told_by(session, told_by, columns, rows, asset, "")
    dimensions = enumerate(slices.by_dimension.items())
    return ProductMembership(
        {name: _told_by(session, told_by, columns, rows, asset, f"_{place}") for place, (name, told_by) in dimensions}
    )


def _told_by(
    session: Session, told_by: PartitionColumn, columns: Mapping[str, str], rows: str, asset: str, suffix: str
) -> ColumnMembership:
    expression = told_by.expression
    column = column_named_by(expression, list(columns))
    if column is not None:
        return ColumnMembership.of(told_by, column, columns[column], asset, suffix, session)
    try:
        ((_, type_name, *_rest),) = session.execute(f"DESCRIBE SELECT ({expression}\n) AS v FROM ({rows})")
    except DatabaseFailure as error:
        raise PartitionExpressionError(asset, expression, error.reason, tuple(columns)) from None
    return ColumnMembership.of(told_by, None, type_name, asset, suffix, session)
