"""Columns of polars frames by their very names, also those that polars takes for patterns: ``*`` and ``^…$``.

`with_columns`, `alias` and ``frame[name]`` take names as they are; `pl.col`, `select`, `drop` and `cast` do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from polars.selectors import Selector

__all__ = ["cast_named", "named_column", "named_columns"]


def named_column(name: str) -> pl.Expr:
    """The column of this name, like `pl.col`."""
    import polars.selectors as cs

    return cs.by_name(name)


def named_columns(names: Sequence[str]) -> Selector:
    """The columns of these names, in this order; of none, no column."""
    import polars.selectors as cs

    return cs.by_name(list(names))


def cast_named(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """`frame` with those of its columns cast to these types.

    Raises:
        polars.exceptions.PolarsError: A value does not fit.
    """
    return frame.with_columns(named_column(name).cast(kind) for name, kind in types.items())
