"""What tells the rows of one slice from other rows: a hash that neither order nor grouping changes.

DuckDB hashes each row over its columns by name, in the table's types; the hashes of a slice's rows are combined by two
operations that do not mind their order, exclusive or and sum. Equal rows give an equal version in every process and on
every machine with the same major version of DuckDB, which the version begins with, since another may hash otherwise.
It tells accidents apart, not forgeries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from functools import cache

from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.membership import Membership
from gapless.storage.duckdb.membership.slot_finder import rows_by_slot
from gapless.storage.duckdb.staging.batch import Batch
from gapless.storage.duckdb.table_name import quoted

__all__ = ["row_hash", "slice_versions"]

# Values that are equal, but lie in columns of different width, shall be told by equal hashes: a table's column may be
# widened between two commits.
_WIDENED = {
    "TINYINT": "BIGINT",
    "SMALLINT": "BIGINT",
    "INTEGER": "BIGINT",
    "UTINYINT": "BIGINT",
    "USMALLINT": "BIGINT",
    "UINTEGER": "BIGINT",
    "FLOAT": "DOUBLE",
}

_Totals = tuple[int, int, int]  # rows; the exclusive or and the sum of their hashes
_EMPTY: _Totals = (0, 0, 0)


def slice_versions(
    session: Session,
    batch: Batch,
    target: Mapping[str, str],
    membership: Membership | None,
    by_rows: Collection[int],
) -> dict[int, dict[str | None, str]]:
    """The version of each slice of each member of `batch`, by the member's number and the partition's key.

    Args:
        target: The table's columns, name to type.
        membership: Which rows belong to which slice; not needed without `by_rows`.
        by_rows: The members of which not every row goes into the first slice.
    """
    columns = _hashed(batch, target)
    numbers = list(batch.members)
    found: dict[tuple[int, int], _Totals] = {
        (number, 0): (batch.heights[number], either, total) for number, (either, total) in batch.hashes.items()
    }
    if batch.height and len(by_rows) + len(found) < len(numbers):
        totals = session.execute(
            f"SELECT {batch.number}, {_totals(_row_hash(columns))} FROM ({batch.select(target)}) GROUP BY ALL"
        )
        # Not counted again: that would cost as much as to hash another column.
        found |= {
            (numbers[position], 0): (batch.heights[numbers[position]], either, total)
            for position, either, total in totals
        }
    if batch.height and by_rows and membership is not None:
        found = {at: totals for at, totals in found.items() if at[0] not in by_rows}
        found |= _totals_by_slot(session, batch, target, membership, by_rows, columns)
    return {
        number: {
            key: _version(columns, found.get((number, slot), _EMPTY))
            for slot, key in enumerate(batch.members[number].keys)
        }
        for number in numbers
    }


def row_hash(batch: Batch, target: Mapping[str, str]) -> str:
    """SQL of the hash of a row of `batch` in the types of the table's columns `target`."""
    return _row_hash(_hashed(batch, target))


def _hashed(batch: Batch, target: Mapping[str, str]) -> dict[str, str]:
    """The columns that count, with their types in the table.

    One that the value lacks does not: it may have been added to the table later. A value without rows may have columns
    that the table lacks.
    """
    kinds = {name.casefold(): kind for name, kind in target.items()}
    names = (*batch.types, *batch.null_columns) if batch.height else ()
    return {name: kinds[name.casefold()] for name in names}


def _totals_by_slot(
    session: Session,
    batch: Batch,
    target: Mapping[str, str],
    membership: Membership,
    by_rows: Collection[int],
    columns: Mapping[str, str],
) -> dict[tuple[int, int], _Totals]:
    numbers = list(batch.members)
    positions = [position for position, number in enumerate(numbers) if number in by_rows]
    places = [
        (position, slot, part)
        for position in positions
        for slot, part in enumerate(batch.members[numbers[position]].output.slices)
    ]
    # What lies outside all slices, and is stored nevertheless, goes with the first.
    with ExitStack() as held:
        rows = f"{batch.select(target)} WHERE {batch.number} IN ({', '.join(map(str, positions))})"
        row_hash = {"row_hash": _row_hash(columns)}
        found = rows_by_slot(session, membership, rows, batch.number, places, held, row_hash)
        totals = session.execute(
            f"SELECT frame, coalesce(slot, 0), count(*), {_totals('row_hash')} FROM ({found}) GROUP BY ALL"
        )
    return {(numbers[position], slot): (rows, either, total) for position, slot, rows, either, total in totals}


def _totals(row_hash: str) -> str:
    return f"bit_xor({row_hash}), sum({row_hash})"


def _row_hash(columns: Mapping[str, str]) -> str:
    values = [
        f"{quoted(name)}::{_WIDENED[kind]}" if kind in _WIDENED else quoted(name)
        for name, kind in sorted(columns.items(), key=lambda column: column[0].casefold())
    ]
    return f"hash({', '.join(values)})"


def _version(columns: Mapping[str, str], totals: _Totals) -> str:
    """``d2-`` and 32 hexadecimal digits. A slice without rows has the same one whatever its columns."""
    rows, either, total = totals
    names = sorted(name.casefold() for name in columns) if rows else []
    told = "\0".join([*names, f"{rows}:{either}:{total}"])
    digest = hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{_algorithm()}-{digest}"


@cache
def _algorithm() -> str:
    import duckdb

    return f"d{duckdb.__version__.partition('.')[0]}"
