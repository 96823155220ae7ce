"""Replacing slices of one table: what is checked before, and the statements that do it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from gapless.storage.duckdb.batch import Batch, stacked
from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.frames import StagedFrame
from gapless.storage.duckdb.membership import membership_of
from gapless.storage.duckdb.predicates import Membership
from gapless.storage.duckdb.product_membership import ProductMembership
from gapless.storage.duckdb.row_check import outside_error, places_found
from gapless.storage.duckdb.schema_merge import Limits, fitting_cast, limits_of, merge
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.errors import (
    DatabaseFailure,
    PartitionColumnTypeError,
    SchemaChangeError,
)
from gapless.storage.slices import Committed, PartitionSlice, Refused

__all__ = ["Outcomes", "TableReplacement", "has_rows", "partition_order"]

Outcomes = dict[int, Committed | Refused]


class TableReplacement:
    """Replaces the slices of `members`, all of one table, through `session`.

    Attributes:
        accepted: The members that passed every check, in partition order.
    """

    def __init__(self, session: Session, table: TableName, members: Mapping[int, StagedFrame], held: ExitStack) -> None:
        self._session = session
        self._table = table
        self._sql = table.sql(session.catalog)
        self._held = held
        self._stored = session.columns(table)
        self._target = dict(self._stored)
        self._retyped: set[str] = set()
        self._anew = False
        self._counts: dict[int, dict[str | None, int]] = {}
        self._membership: Membership | ProductMembership | None = None
        self.accepted = dict(sorted(members.items(), key=lambda member: partition_order(member[1])))
        self._batches: list[Batch] = []
        self._merged: list[Batch] = []

    # --- before the transaction

    def prepare(self) -> dict[int, Refused]:
        """Check everything that can be checked; who fails is no longer accepted.

        Raises:
            StorageError: Something is wrong with the group as a whole; each member must be tried alone.
        """
        refused: dict[int, Refused] = {}
        by_shape: dict[object, dict[int, StagedFrame]] = {}
        for number, frame in self.accepted.items():
            by_shape.setdefault(frame.shape_key, {})[number] = frame
        for members in by_shape.values():
            self._batches.append(stacked(self._session, members, self._held))
        for batch in self._batches:
            self._merge(batch)
        for batch in self._batches:
            refused |= self._check_rows(batch)
        for number in refused:
            del self.accepted[number]
        return refused

    def _merge(self, batch: Batch) -> None:
        if not batch.height and self._target:
            return  # a frame without rows says nothing about columns: an error page read as CSV has one of its own
        made: dict[str, str | None] = {name: batch.types.get(name) for name in batch.first.columns}
        merged = merge(self._target, made)
        if merged.conflicts:
            # A column without values has no type of its own.
            folded = {name.casefold(): name for name in made}
            for name in merged.conflicts:
                column = folded.get(name.casefold())
                if column is not None and batch.all_null(column):
                    made[column] = None
                elif column is not None and self._has_no_values(name):
                    self._target[name] = batch.types[column]
                    self._retyped.add(name)
            merged = merge(self._target, made)
        conflicts = dict(merged.conflicts)
        for column, kind in merged.limited.items():
            if (limits := self._exceeded(column, kind, batch.source, batch.types)) is not None:
                conflicts[column] = f"column {column!r} holds {limits.values} that {limits.why}"
        for column, kind in merged.limited_so_far.items():
            earlier = [(self._sql, self._stored), *((other.source, other.types) for other in self._merged)]
            limits = next((found for where in earlier if (found := self._exceeded(column, kind, *where))), None)
            if limits is not None:
                conflicts[column] = f"column {column!r} holds {limits.values} in the table that {limits.why}"
        if not conflicts:
            self._target = merged.columns
            self._merged.append(batch)
        elif self._replaces_everything():
            self._anew = True
            self._target = {name: kind or "VARCHAR" for name, kind in made.items()}
        else:
            raise SchemaChangeError(
                str(batch.first.output.asset),
                tuple(key for frame in batch.members.values() for key in frame.keys),
                str(self._table),
                tuple(self._stored.items()),
                tuple((name, batch.types.get(name, "NULL")) for name in batch.first.columns),
                tuple(conflicts.values()),
                tuple(self._casts(batch, conflicts)),
            )

    def _casts(self, batch: Batch, conflicts: Mapping[str, str]) -> Iterator[str]:
        """Polars expressions that would make the frame's columns fit."""
        targets = {name.casefold(): kind for name, kind in self._target.items()}
        in_conflict = {name.casefold() for name in conflicts}
        for name, kind in batch.types.items():
            if name.casefold() in in_conflict and (cast := fitting_cast(targets[name.casefold()], kind)):
                yield f"pl.col({json.dumps(name, ensure_ascii=False)}){cast}"

    def _has_no_values(self, column: str) -> bool:
        """Whether the table's column holds nothing yet and gets nothing from the frames that come before."""
        if column not in self._stored or any(other.has_values(column) for other in self._merged):
            return False
        return self._session.execute(f"SELECT count({quoted(column)}) FROM {self._sql}") == [(0,)]

    def _exceeded(self, column: str, kind: str, source: str, types: Mapping[str, str]) -> Limits | None:
        """The limits of type `kind`, if `source` has values of `column` outside them."""
        name = next((name for name in types if name.casefold() == column.casefold()), None)
        limits = limits_of(kind, types[name]) if name is not None else None
        if name is None or limits is None:
            return None
        outside = f"{quoted(name)} NOT BETWEEN {limits.low} AND {limits.high}"
        found = self._session.execute(f"SELECT 1 FROM {source} WHERE {outside} LIMIT 1")
        return limits if found else None

    def _replaces_everything(self) -> bool:
        """Whether no row of the table stays, so that it may begin anew with other columns."""
        if len(self._batches) > 1 or not self._stored:
            return False
        if any(key is None for frame in self.accepted.values() for key in frame.keys):
            return True
        return not has_rows(self._session, self._sql, self._stored)

    def _check_rows(self, batch: Batch) -> dict[int, Refused]:
        output = batch.first.output
        if not output.expressions:
            for number, frame in batch.members.items():
                self._counts[number] = dict.fromkeys(frame.keys, 0) | {frame.keys[0]: frame.frame.height}
            return {}
        if not batch.height and not has_rows(self._session, self._sql, self._stored):
            # Nothing to judge and nothing to delete; and a column without values may not have its type yet.
            self._counts |= {number: dict.fromkeys(frame.keys, 0) for number, frame in batch.members.items()}
            return {}
        self._session.set_timezone(output.timezone)
        rows = batch.select(self._target) if batch.height else f"SELECT * FROM {self._sql}"
        membership = self._membership = membership_of(self._session, output, self._target, rows)
        refused: dict[int, Refused] = {}
        places: list[tuple[int, int, PartitionSlice]] = []
        numbers = list(batch.members)
        for position, (number, frame) in enumerate(batch.members.items()):
            try:
                membership.refuse_unsuited(frame.output.slices)
            except PartitionColumnTypeError as error:
                refused[number] = Refused(error)
                continue
            places += ((position, slot, part) for slot, part in enumerate(frame.output.slices))
            self._counts[number] = dict.fromkeys(frame.keys, 0)
        if places and batch.height:
            for position, slot, count, example in places_found(self._session, batch, membership, rows, places):
                number = numbers[position]
                frame = batch.members[number]
                if slot is not None:
                    self._counts[number][frame.keys[slot]] = count
                elif number not in refused:
                    refused[number] = Refused(outside_error(frame, membership, self._table, count, example))
        batch.refused = set(refused)
        return refused

    # --- inside the transaction

    def replace(self) -> None:
        """Change the table's columns if need be, delete the old rows of the accepted slices and insert the new ones.

        Raises:
            StorageError: The transaction must be rolled back.
        """
        if not self.accepted:
            return
        self._shape()
        if self._stored and not self._anew:
            self._delete()
        for batch in self._batches:
            self._insert(batch)

    def _shape(self) -> None:
        execute = self._session.execute
        if not self._stored or self._anew:
            execute(f"CREATE SCHEMA IF NOT EXISTS {self._table.schema_sql(self._session.catalog)}")
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self._target.items())
            execute(f"CREATE {'OR REPLACE ' if self._anew else ''}TABLE {self._sql} ({columns})")
            return
        for name, kind in self._target.items():
            if name not in self._stored:
                execute(f"ALTER TABLE {self._sql} ADD COLUMN {quoted(name)} {kind}")
            elif self._stored[name] != kind:
                using = f" USING CAST(NULL AS {kind})" if name in self._retyped else ""
                execute(f"ALTER TABLE {self._sql} ALTER COLUMN {quoted(name)} SET DATA TYPE {kind}{using}")

    def _delete(self) -> None:
        slices = [part for frame in self.accepted.values() for part in frame.output.slices]
        if any(key is None for frame in self.accepted.values() for key in frame.keys):
            self._session.execute(f"DELETE FROM {self._sql}")
            return
        if self._membership is None:
            return  # the table is empty
        condition = self._membership.where(slices)
        self._session.execute(f"DELETE FROM {self._sql} WHERE {condition.sql}", condition.parameters)

    def _insert(self, batch: Batch) -> None:
        expected = sum(frame.frame.height for number, frame in batch.members.items() if number in self.accepted)
        if not expected:
            return
        rows = ""
        if batch.refused:
            positions = [str(i) for i, number in enumerate(batch.members) if number in self.accepted]
            rows = f" WHERE {batch.number} IN ({', '.join(positions)})"
        names = ", ".join(map(quoted, (*batch.types, *batch.first.null_columns)))
        inserted = self._session.execute(
            f"INSERT INTO {self._sql} ({names}) SELECT {names} FROM ({batch.select(self._target, rows)})"
        )
        if inserted != [(expected,)]:
            raise DatabaseFailure(
                self._session.database, "Insert", f"{inserted} rows went into {self._table}, expected {expected}"
            )

    def outcome(self, number: int) -> Committed:
        """What an accepted member's commit will have done."""
        frame = self.accepted[number]
        return Committed(self._counts[number], frame.nbytes, dict(self._target), str(self._table))


def has_rows(session: Session, table: str, columns: Mapping[str, str]) -> bool:
    """Whether `table`, quoted, whose columns are these (none if it does not exist), has any row."""
    return bool(columns) and bool(session.execute(f"SELECT 1 FROM {table} LIMIT 1"))


def partition_order(frame: StagedFrame) -> float:
    """What to sort frames by: when their first partition begins; those without times stay where they are."""
    if not frame.output.slices:
        return 0.0
    first = frame.output.slices[0]
    starts = (part.window.start.timestamp() for part in (first, *first.sides.values()) if part.window is not None)
    return next(starts, 0.0)
