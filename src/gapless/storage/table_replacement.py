"""Replacing slices of one table: what is checked before, and the statements that do it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from gapless.storage.duckdb_connection import Session
from gapless.storage.errors import (
    DatabaseFailure,
    PartitionColumnTypeError,
    PartitionExpressionError,
    RowsOutsidePartitionError,
    SchemaChangeError,
)
from gapless.storage.frames import ArrowStream, StagedFrame, column_named_by, numbered, typed_frame
from gapless.storage.predicates import Kind, Membership
from gapless.storage.product_membership import ProductMembership
from gapless.storage.schema_policy import Limits, fitting_cast, limits_of, merge
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionColumn, PartitionSlice, Refused
from gapless.storage.table_name import TableName, quoted

__all__ = ["Outcomes", "TableReplacement", "has_rows", "membership_of", "partition_order"]

Outcomes = dict[int, Committed | Refused]

_NUMBER = "gapless_frame"  # the column that says which staged frame a row comes from


@dataclass(slots=True)
class _Batch:
    """Frames of one schema, stacked and registered as one table of the session."""

    members: dict[int, StagedFrame]
    source: str
    number: str  # the quoted name of the column with the frame's position in `members`
    types: dict[str, str]
    refused: set[int] = field(default_factory=set)

    @property
    def first(self) -> StagedFrame:
        return next(iter(self.members.values()))

    @property
    def height(self) -> int:
        return sum(frame.frame.height for frame in self.members.values())

    def all_null(self, column: str) -> bool:
        return all(
            column in frame.null_columns or frame.frame[column].null_count() == frame.frame.height
            for frame in self.members.values()
        )

    def has_values(self, table_column: str) -> bool:
        folded = table_column.casefold()
        return any(name.casefold() == folded and not self.all_null(name) for name in self.types)

    def select(self, target: Mapping[str, str], rows: str = "") -> str:
        """The stacked rows in the table's types."""
        kinds = {name.casefold(): kind for name, kind in target.items()}
        pieces = [
            quoted(name)
            if kinds[name.casefold()] == kind
            else f"CAST({quoted(name)} AS {kinds[name.casefold()]}) AS {quoted(name)}"
            for name, kind in self.types.items()
        ]
        pieces += [f"CAST(NULL AS {kinds[name.casefold()]}) AS {quoted(name)}" for name in self.first.null_columns]
        return f"SELECT {', '.join([self.number, *pieces])} FROM {self.source}{rows}"


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
        self._batches: list[_Batch] = []
        self._merged: list[_Batch] = []

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
            self._batches.append(self._batch(members))
        for batch in self._batches:
            self._merge(batch)
        for batch in self._batches:
            refused |= self._check_rows(batch)
        for number in refused:
            del self.accepted[number]
        return refused

    def _batch(self, members: dict[int, StagedFrame]) -> _Batch:
        frames = [frame.frame for frame in members.values()]
        number = _NUMBER
        while any(number == name.casefold() for name in frames[0].columns):
            number += "_"
        stream = ArrowStream(numbered(frames, number))
        source = self._held.enter_context(self._session.registered(f"gapless_{id(stream)}", stream))
        described = self._session.execute(f"DESCRIBE SELECT * FROM {source}")
        types = {row[0]: row[1] for row in described if row[0] != number}
        return _Batch(members, source, quoted(number), types)

    def _merge(self, batch: _Batch) -> None:
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

    def _casts(self, batch: _Batch, conflicts: Mapping[str, str]) -> Iterator[str]:
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

    def _check_rows(self, batch: _Batch) -> dict[int, Refused]:
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
            for position, slot, count, example in self._places_found(batch, membership, rows, places):
                number = numbers[position]
                frame = batch.members[number]
                if slot is not None:
                    self._counts[number][frame.keys[slot]] = count
                elif number not in refused:
                    refused[number] = Refused(self._outside(frame, membership, count, example))
        batch.refused = set(refused)
        return refused

    def _places_found(
        self,
        batch: _Batch,
        membership: Membership | ProductMembership,
        rows: str,
        places: list[tuple[int, int, PartitionSlice]],
    ) -> list[tuple[int, int | None, int, str | None]]:
        """How many rows of which frame belong to which of its slices (None: to none of them), with an example."""
        bounds = membership.table_of(places)
        stream = ArrowStream(typed_frame(bounds.columns, bounds.types))
        with self._session.registered("gapless_bounds", stream) as slices:
            values = f"(SELECT {batch.number} AS frame, {membership.selected} FROM ({rows})) AS s"
            table = f"(SELECT {bounds.select} FROM {slices}) AS b"
            if len(places) > len(batch.members):
                belongs = " OR ".join(f"({test})" for test in bounds.belongs)
                return self._session.execute(
                    f"SELECT s.frame, b.slot, count(*), min({membership.shown}) FILTER (b.slot IS NULL)"
                    f" FROM {values} LEFT JOIN {table} ON s.frame = b.frame AND ({belongs}) GROUP BY s.frame, b.slot"
                )
            # One slice a frame: only what fails is looked for; by the cheapest test first, which nearly always passes
            # every row, because to plan the others takes DuckDB longer than to run this one.
            for tests in dict.fromkeys((bounds.belongs[:1], bounds.belongs)):
                fails = " AND ".join(f"({test}) IS NOT TRUE" for test in tests)
                outside = self._session.execute(
                    f"SELECT s.frame, NULL, count(*), min({membership.shown})"
                    f" FROM {values} JOIN {table} ON s.frame = b.frame WHERE {fails} GROUP BY s.frame"
                )
                if not outside:
                    break
        members = list(batch.members.values())
        return [(position, slot, members[position].frame.height, None) for position, slot, _ in places] + outside

    def _outside(
        self, frame: StagedFrame, membership: Membership | ProductMembership, count: int, example: str | None
    ) -> RowsOutsidePartitionError:
        note = ""
        if membership.kind is Kind.TEXT and any(part.window is not None for part in frame.output.slices):
            note = "Text belongs if it is the partition's key, or an ISO date or time inside it."
            if frame.output.finer_than_day:
                note = (
                    "Text belongs if it is the partition's key, or an ISO time inside it; a date alone cannot tell"
                    " partitions shorter than a day, nor can a time without its UTC offset in the hour that clocks"
                    " repeat."
                )
        return RowsOutsidePartitionError(
            str(frame.output.asset),
            frame.keys,
            membership.expression,
            count,
            frame.frame.height,
            example,
            membership.covers(frame.output.slices),
            str(self._table),
            note,
        )

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

    def _insert(self, batch: _Batch) -> None:
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
        told_by = PartitionColumn(slices.partition_expr or "", slices.timezone, slices.finer_than_day)
        return _told_by(session, told_by, columns, rows, asset, "")
    dimensions = enumerate(slices.by_dimension.items())
    return ProductMembership(
        {name: _told_by(session, told_by, columns, rows, asset, f"_{place}") for place, (name, told_by) in dimensions}
    )


def _told_by(
    session: Session, told_by: PartitionColumn, columns: Mapping[str, str], rows: str, asset: str, suffix: str
) -> Membership:
    expression, zone, finer = told_by.expression, told_by.timezone, told_by.finer_than_day
    column = column_named_by(expression, list(columns))
    if column is not None:
        return Membership.of(expression, column, columns[column], zone, finer, asset, suffix)
    try:
        ((_, type_name, *_rest),) = session.execute(f"DESCRIBE SELECT ({expression}\n) AS v FROM ({rows})")
    except DatabaseFailure as error:
        raise PartitionExpressionError(asset, expression, error.reason, tuple(columns)) from None
    return Membership.of(expression, None, type_name, zone, finer, asset, suffix)


def partition_order(frame: StagedFrame) -> float:
    """What to sort frames by: when their first partition begins; those without times stay where they are."""
    if not frame.output.slices:
        return 0.0
    first = frame.output.slices[0]
    starts = (part.window.start.timestamp() for part in (first, *first.sides.values()) if part.window is not None)
    return next(starts, 0.0)
