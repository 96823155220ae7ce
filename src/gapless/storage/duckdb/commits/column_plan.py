"""Which columns a table has after values come in, by the schema policy of its asset."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from gapless.storage.duckdb.commits.commit_records import committed_partitions
from gapless.storage.duckdb.commits.schema_merge import Limits, fitting_cast, limits_of, merge, strict_conflicts
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.duckdb.membership.membership import membership_of
from gapless.storage.duckdb.membership.partition_order import may_precede
from gapless.storage.duckdb.staging.batch import Batch
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.errors import PartitionColumnTypeError, PartitionExpressionError
from gapless.storage.policies import SchemaPolicy
from gapless.storage.schema_change import SchemaChangeError
from gapless.storage.slices import PartitionSlice

__all__ = ["ColumnPlan", "has_rows"]

_AT_ONCE = 400  # columns that one query asks about


class ColumnPlan:
    """What becomes of a table's columns when `batches` come in.

    **A column that the frame lacks** is null in its rows if the column began later: if neither the partition itself
    nor one before it in time has a value there. Otherwise it was left out, which most often is a mistake, and the
    value is refused. So a backfill over a day on which columns were added ends in the same table whatever the order,
    and tomorrow's frame that lost a column is told so. Partitions without a time have no order; there, only
    what the partition itself held so far counts. Where columns really disappeared from one day to the next, the order
    does count, as it must: that they were there can be known only once a partition is stored that has them, and what
    is stored stays. The same holds for types that no type holds both of: who is stored first decides.

    A table without rows has no columns to keep. A value without rows adds none, and its types say nothing.

    Args:
        stored: The table's columns, name to type; empty if there is no table.
        batches: In partition order, those without rows last.

    Attributes:
        target: The columns afterwards, name to type, in order.
        retyped: Those that had no values so far and take on another type.
        anew: Whether the table begins anew: no old row stays.
    """

    def __init__(self, session: Session, table: TableName, stored: Mapping[str, str], batches: Sequence[Batch]) -> None:
        self._session = session
        self._table = table
        self._sql = table.sql(session.catalog)
        self._stored = stored
        self._batches = batches
        self._merged: list[Batch] = []
        self.target: dict[str, str] = {}
        self.retyped: set[str] = set()
        self.anew = False

    def settle(self) -> None:
        """Decide.

        Raises:
            SchemaChangeError: A batch does not fit; each of its members must be tried alone.
        """
        if self._differs() and not self._has_rows():
            self._begin_anew()
            return
        failure = self._fit(self._stored)
        if failure is None:
            return
        if not self._may_begin_anew():
            raise failure
        self._begin_anew()

    def _has_rows(self) -> bool:
        return has_rows(self._session, self._sql, self._stored)

    def _differs(self) -> bool:
        """Whether there is a table, and some batch with rows whose columns are not just its own."""
        columns = {name.casefold(): kind for name, kind in self._stored.items()}
        return bool(columns) and any(
            batch.height and columns != {name.casefold(): batch.types.get(name) for name in batch.columns}
            for batch in self._batches
        )

    def _begin_anew(self) -> None:
        self.anew = True
        if (failure := self._fit({})) is not None:
            raise failure

    def _fit(self, stored: Mapping[str, str]) -> SchemaChangeError | None:
        self.target, self.retyped, self._merged = dict(stored), set(), []
        for batch in self._batches:
            if conflicts := self._conflicts(batch, stored) | self._left_out(batch, stored):
                return self._failure(batch, conflicts)
        # Columns that a batch added are missing from the batches before it.
        for batch in self._batches:
            if conflicts := self._left_out(batch, {}):
                return self._failure(batch, conflicts)
        return None

    # --- types

    def _conflicts(self, batch: Batch, stored: Mapping[str, str]) -> dict[str, str]:
        """Take the columns of `batch` into the target; what cannot be, by column, each with a clause."""
        if self.target and not batch.height:
            strict = _policy(batch) is SchemaPolicy.STRICT
            return strict_conflicts(self.target, dict.fromkeys(batch.columns)) if strict else {}
        made: dict[str, str | None] = {name: batch.types.get(name) for name in batch.columns}
        if self.target and _policy(batch) is SchemaPolicy.STRICT:
            return strict_conflicts(self.target, made)
        merged = merge(self.target, made)
        if merged.conflicts:
            # A column without values has no type of its own.
            folded = {name.casefold(): name for name in made}
            without = self._without_values(merged.conflicts, stored)
            for name in merged.conflicts:
                column = folded[name.casefold()]
                if batch.all_null(column):
                    made[column] = None
                elif name in without:
                    self.target[name] = batch.types[column]
                    self.retyped.add(name)
            merged = merge(self.target, made)
        conflicts = dict(merged.conflicts)
        for column, limits in self._exceeded(merged.limited, batch.source, batch.types):
            conflicts[column] = f"column {column!r} holds {limits.values} that {limits.why}"
        earlier = [(self._sql, stored), *((other.source, other.types) for other in self._merged)]
        for where in earlier:
            for column, limits in self._exceeded(merged.limited_so_far, *where):
                conflicts[column] = f"column {column!r} holds {limits.values} in the table that {limits.why}"
        if not conflicts:
            self.target = merged.columns
            self._merged.append(batch)
        return conflicts

    def _without_values(self, columns: Sequence[str] | Mapping[str, str], stored: Mapping[str, str]) -> set[str]:
        """Those of the table's columns that hold nothing yet and get nothing from the batches that come before."""
        empty = {name for name in columns if not any(other.has_values(name) for other in self._merged)}
        asked = [name for name in empty if name in stored]
        return empty - set(self._with_values(asked, None))

    def _exceeded(
        self, kinds: Mapping[str, str], source: str, types: Mapping[str, str]
    ) -> Iterator[tuple[str, Limits]]:
        """Which of the columns, that become of these kinds, have values in `source` outside the limits of the kind."""
        if not kinds:
            return
        named = {name.casefold(): name for name in types}
        asked = [
            (column, named[column.casefold()], limits)
            for column, kind in kinds.items()
            if column.casefold() in named and (limits := limits_of(kind, types[named[column.casefold()]])) is not None
        ]
        for start in range(0, len(asked), _AT_ONCE):
            some = asked[start : start + _AT_ONCE]
            tests = [f"bool_or({quoted(name)} NOT BETWEEN {found.low} AND {found.high})" for _, name, found in some]
            (answers,) = self._session.execute(f"SELECT {', '.join(tests)} FROM {source}")
            yield from ((column, found) for (column, _, found), exceeds in zip(some, answers, strict=True) if exceeds)

    # --- columns that a frame lacks

    def _left_out(self, batch: Batch, stored: Mapping[str, str]) -> dict[str, str]:
        """The columns of the target that `batch` lacks although they began before it."""
        given = {name.casefold() for name in batch.columns}
        missing = [name for name in self.target if name.casefold() not in given]
        if not missing:
            return {}
        so_far = [name for name in missing if name in stored and name not in self.retyped]
        if any(part.key is None for part in _slices(batch)):
            found = set(so_far)  # the whole is made anew: nothing of an older one stays
        else:
            found = set(self._with_values(so_far, batch))
        for other in self._merged:
            if other is not batch and may_precede(_slices(other), _slices(batch)):
                named = {name.casefold(): name for name in other.types}
                found |= {
                    name for name in missing if name.casefold() in named and not other.all_null(named[name.casefold()])
                }
        return {name: f"column {name!r} is missing from the frame" for name in missing if name in found}

    def _with_values(self, columns: Sequence[str], until: Batch | None) -> Iterator[str]:
        """Those of the table's columns with a value in the partitions of `until` or before; with None, anywhere."""
        rows = Condition("TRUE") if until is None or not columns else self._until(until)
        for start in range(0, len(columns), _AT_ONCE):
            some = columns[start : start + _AT_ONCE]
            counts = ", ".join(f"count({quoted(name)})" for name in some)
            (found,) = self._session.execute(f"SELECT {counts} FROM {self._sql} WHERE {rows.sql}", rows.parameters)
            yield from (name for name, count in zip(some, found, strict=True) if count)

    def _until(self, batch: Batch) -> Condition:
        """The table's rows of the batch's partitions and of those before them; all where that cannot be told."""
        output, slices = batch.first.output, _slices(batch)
        self._session.set_timezone(output.timezone)
        try:
            membership = membership_of(self._session, output, self._stored, f"SELECT * FROM {self._sql}")
            return membership.until(slices)
        except (PartitionExpressionError, PartitionColumnTypeError):
            return Condition("TRUE")

    # --- beginning anew

    def _may_begin_anew(self) -> bool:
        """Whether the asset allows it, and no partition is lost by it."""
        if not self._stored or any(_policy(batch) is SchemaPolicy.STRICT for batch in self._batches):
            return False
        slices = [part for batch in self._batches for part in _slices(batch)]
        if any(part.key is None for part in slices):
            return True
        replaces = all(_policy(batch) is SchemaPolicy.REPLACE for batch in self._batches)
        return replaces and not self._holds_others(slices)

    def _holds_others(self, slices: Sequence[PartitionSlice]) -> bool:
        """Whether the table holds a row that lies in none of these."""
        output = self._batches[0].first.output
        self._session.set_timezone(output.timezone)
        try:
            membership = membership_of(self._session, output, self._stored, f"SELECT * FROM {self._sql}")
            inside = membership.where(slices)
        except (PartitionExpressionError, PartitionColumnTypeError):
            return True
        sql = f"SELECT 1 FROM {self._sql} WHERE ({inside.sql}) IS NOT TRUE LIMIT 1"
        return bool(self._session.execute(sql, inside.parameters))

    # --- words

    def _failure(self, batch: Batch, conflicts: Mapping[str, str]) -> SchemaChangeError:
        output = batch.first.output
        return SchemaChangeError(
            str(output.asset),
            tuple(key for member in batch.members.values() for key in member.keys),
            str(self._table),
            tuple((self._stored or self.target).items()),
            tuple((name, batch.types.get(name, "NULL")) for name in batch.columns),
            tuple(conflicts.values()),
            tuple(self._casts(batch, conflicts)),
            output.schema_policy,
            self._others() if output.schema_policy is SchemaPolicy.REPLACE and not self.anew else None,
        )

    def _others(self) -> int:
        """How many partitions the table holds beside those that come in."""
        made = {part.key for batch in self._batches for part in _slices(batch)}
        held = committed_partitions(self._session, str(self._batches[0].first.output.asset), self._table)
        return sum(record.rows > 0 and key not in made for key, record in held.items())

    def _casts(self, batch: Batch, conflicts: Mapping[str, str]) -> Iterator[str]:
        """Polars expressions that would make the frame's columns fit."""
        targets = {name.casefold(): kind for name, kind in self.target.items()}
        in_conflict = {name.casefold() for name in conflicts} & targets.keys()
        for name, kind in batch.types.items():
            if name.casefold() in in_conflict and (cast := fitting_cast(targets[name.casefold()], kind)):
                yield f"pl.col({json.dumps(name, ensure_ascii=False)}){cast}"


def has_rows(session: Session, table: str, columns: Mapping[str, str]) -> bool:
    """Whether `table`, quoted, whose columns are these (none if it does not exist), has any row."""
    return bool(columns) and bool(session.execute(f"SELECT 1 FROM {table} LIMIT 1"))


def _policy(batch: Batch) -> SchemaPolicy:
    return batch.first.output.schema_policy


def _slices(batch: Batch) -> list[PartitionSlice]:
    return [part for member in batch.members.values() for part in member.output.slices]
