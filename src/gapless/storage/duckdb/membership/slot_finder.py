"""Which slice of a value each of its rows lies in, where the value has several.

A row's slice is looked up by its bounds, in a sorted list so to speak (an ``ASOF JOIN``): to compare every row with
every slice takes a hundred times as long where a value holds a year of days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.column_membership import ColumnMembership
from gapless.storage.duckdb.membership.membership import Membership
from gapless.storage.duckdb.staging.frames import ArrowStream, typed_frame
from gapless.storage.slices import PartitionSlice

__all__ = ["rows_by_slot"]

_Places = Sequence[tuple[int, int, PartitionSlice]]


def rows_by_slot(
    session: Session,
    membership: Membership,
    rows: str,
    number: str,
    places: _Places,
    held: ExitStack,
    carried: Mapping[str, str] | None = None,
) -> str:
    """A SELECT of each row's ``frame``, ``slot`` and the values that tell it, ``v…``; ``slot`` is NULL outside of all.

    Args:
        rows: A SELECT of the values' rows.
        number: Its column with the value that the row is of.
        places: The number of the value, that of the slice in it, and the slice; no two of one value overlap.
        held: Lets go of what the SELECT needs.
        carried: What else to select of `rows`: name to expression.
    """
    # DuckDB takes frames for small, and would compare every row with every slice after all (measured: 30 times slower).
    session.execute("SET asof_loop_join_threshold = 0")
    more = "".join(f", {expression} AS {name}" for name, expression in (carried or {}).items())
    found = f"SELECT {number} AS frame, {membership.selected}{more} FROM ({rows})"
    if isinstance(membership, ColumnMembership):
        return _with_side(session, membership, found, places, "slot", held)
    sides: list[str] = []
    points: dict[tuple[int, int], list[int]] = {(frame, slot): [] for frame, slot, _ in places}
    for name, member in membership.dimensions.items():
        numbers: dict[tuple[int, str | None], int] = {}
        of_dimension: list[tuple[int, int, PartitionSlice]] = []
        for frame, slot, part in places:
            side = part.sides[name]
            if (frame, side.key) not in numbers:
                numbers[frame, side.key] = len(numbers)
                of_dimension.append((frame, numbers[frame, side.key], side))
            points[frame, slot].append(numbers[frame, side.key])
        sides.append(f"side{member.suffix}")
        found = _with_side(session, member, found, of_dimension, sides[-1], held)
    cells = zip(*((*at, *point) for at, point in points.items()), strict=True)
    columns = dict(zip(("frame", "slot", *sides), cells, strict=True))
    table = _registered(session, columns, dict.fromkeys(columns, int), held)
    same = " AND ".join(f"p.{name} = t.{name}" for name in ("frame", *sides))
    return f"SELECT p.*, t.slot FROM ({found}) AS p LEFT JOIN {table} AS t ON {same}"


def _with_side(
    session: Session, membership: ColumnMembership, rows: str, places: _Places, name: str, held: ExitStack
) -> str:
    """`rows` with the number of the slice in column `name`: of the first test that finds one."""
    bounds = membership.table_of(places)
    table = f"(SELECT {bounds.select} FROM {_registered(session, bounds.columns, bounds.types, held)})"
    found, names = rows, []
    for place, (value, low, high) in enumerate(membership.finders(places)):
        names.append(f"{name}_{place}")
        if high is None:
            join, hit = f"LEFT JOIN {table} AS b ON p.frame = b.frame AND {value} = b.{low}", "b.slot"
        else:
            known = f"(SELECT * FROM {table} WHERE {low} IS NOT NULL)"
            join = f"ASOF LEFT JOIN {known} AS b ON p.frame = b.frame AND {value} >= b.{low}"
            hit = f"CASE WHEN {value} < b.{high} THEN b.slot END"
        found = f"SELECT p.*, {hit} AS {names[-1]} FROM ({found}) AS p {join}"
    return f"SELECT * EXCLUDE ({', '.join(names)}), coalesce({', '.join(names)}) AS {name} FROM ({found})"


def _registered(
    session: Session, columns: Mapping[str, Sequence[Any]], types: Mapping[str, type], held: ExitStack
) -> str:
    stream = ArrowStream(typed_frame(columns, types))
    return held.enter_context(session.registered(f"gapless_bounds_{id(stream)}", stream))
