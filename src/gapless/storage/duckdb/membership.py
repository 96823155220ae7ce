"""How the rows of a table tell which slices they belong to."""

from __future__ import annotations

from collections.abc import Mapping

from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.frames import column_named_by
from gapless.storage.duckdb.predicates import Membership
from gapless.storage.duckdb.product_membership import ProductMembership
from gapless.storage.errors import DatabaseFailure, PartitionExpressionError
from gapless.storage.slices import InputSlices, OutputSlices, PartitionColumn

__all__ = ["membership_of"]


def membership_of(
    session: Session, slices: OutputSlices | InputSlices, columns: Mapping[str, str], rows: str
) -> Membership | ProductMembership:
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
) -> Membership:
    expression = told_by.expression
    column = column_named_by(expression, list(columns))
    if column is not None:
        return Membership.of(told_by, column, columns[column], asset, suffix, session)
    try:
        ((_, type_name, *_rest),) = session.execute(f"DESCRIBE SELECT ({expression}\n) AS v FROM ({rows})")
    except DatabaseFailure as error:
        raise PartitionExpressionError(asset, expression, error.reason, tuple(columns)) from None
    return Membership.of(told_by, None, type_name, asset, suffix, session)
