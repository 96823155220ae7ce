"""The SQL that tells rows: a condition, and slices as a table to join rows with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["BoundsTable", "Condition"]


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of SQL and the values that are bound to its question marks, in order."""

    sql: str
    parameters: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundsTable:
    """Slices as the columns of a small table, for a join with the rows that claim to be theirs.

    Attributes:
        columns: By name: ``frame``, ``slot`` and the bounds.
        types: The Python type of each column's values, which may be None.
        select: What to select from the table, so that the bounds have the type of the value.
        belongs: SQL tests of the row's value ``v``; it belongs to the slice if one of them is true. The cheapest first.
    """

    columns: dict[str, tuple[Any, ...]]
    types: dict[str, type]
    select: str
    belongs: tuple[str, ...]
