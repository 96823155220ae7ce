"""Replacing slices of one table: what is checked before, and the statements that do it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from gapless.errors import StorageError
from gapless.storage.duckdb.commits.column_plan import ColumnPlan, has_rows
from gapless.storage.duckdb.commits.content_hash import row_hash, slice_versions
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.membership import Membership, membership_of
from gapless.storage.duckdb.membership.partition_order import first_start
from gapless.storage.duckdb.membership.row_check import hashes_if_inside, leave_out, outside_error, places_found
from gapless.storage.duckdb.staging.batch import Batch, batches_of
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.errors import DatabaseFailure, PartitionColumnTypeError
from gapless.storage.policies import BoundaryPolicy
from gapless.storage.slices import Committed, PartitionSlice, Refused

__all__ = ["OneByOneError", "Outcomes", "TableReplacement", "partition_order"]

Outcomes = dict[int, Committed | Refused]


class OneByOneError(StorageError):
    """The members must be committed one after the other; nobody is told."""


class TableReplacement:
    """Replaces the slices of `members`, all of one table, through `session`.

    Attributes:
        table: Where they lie.
        is_first: Whether there is no such table yet.
        accepted: The members that passed every check, in partition order.
    """

    def __init__(self, session: Session, table: TableName, members: Mapping[int, StagedValue], held: ExitStack) -> None:
        self._session = session
        self._sql = table.sql(session.catalog)
        self._held = held
        self.table = table
        self._stored = session.columns(table)
        self.is_first = not self._stored
        self._plan = ColumnPlan(session, table, self._stored, [])
        self._counts: dict[int, dict[str | None, int]] = {}
        self._dropped: dict[int, dict[str | None, int]] = {}
        self._membership: Membership | None = None
        self.accepted = dict(sorted(members.items(), key=lambda member: partition_order(member[1])))
        self._batches: list[Batch] = []

    # --- before the transaction

    def prepare(self) -> dict[int, Refused]:
        """Check everything that can be checked; who fails is no longer accepted.

        Raises:
            StorageError: Something is wrong with the group as a whole; each member must be tried alone.
        """
        refused: dict[int, Refused] = {}
        unread = dict(self.accepted)
        while True:
            batches, lost = batches_of(self._session, unread, self._held)
            # Values without rows come last: they say nothing about columns.
            self._batches = sorted([*self._batches, *batches], key=_batch_order)
            self._plan = self._new_plan()
            self._plan.settle()
            self._membership = None
            for batch in self._batches:
                lost |= self._check_rows(batch)
            if not lost:
                return refused
            # What the refused had shall leave no trace in the table's columns: all again, without them.
            refused |= lost
            for number in lost:
                del self.accepted[number]
            self._batches = [batch for batch in self._batches if not batch.members.keys() & lost.keys()]
            settled = {number for batch in self._batches for number in batch.members}
            unread = {number: value for number, value in self.accepted.items() if number not in settled}

    def _new_plan(self) -> ColumnPlan:
        return ColumnPlan(self._session, self.table, self._stored, self._batches)

    def _has_rows(self) -> bool:
        return has_rows(self._session, self._sql, self._stored)

    def _check_rows(self, batch: Batch) -> dict[int, Refused]:
        output = batch.first.output
        self._counts |= {number: dict.fromkeys(member.keys, 0) for number, member in batch.members.items()}
        if not output.expressions:
            for number, member in batch.members.items():
                self._counts[number][member.keys[0]] = batch.heights[number]
            return {}
        if not batch.height and (self._plan.anew or not self._has_rows()):
            # Nothing to judge and nothing to delete; and a column without values may not have its type yet.
            return {}
        membership = self._membership_for(batch)
        refused: dict[int, Refused] = {}
        places: list[tuple[int, int, PartitionSlice]] = []
        for position, (number, member) in enumerate(batch.members.items()):
            try:
                membership.refuse_unsuited(member.output.slices)
            except PartitionColumnTypeError as error:
                refused[number] = Refused(error)
                continue
            places += ((position, slot, part) for slot, part in enumerate(member.output.slices))
        if not places or not batch.height:
            return refused
        if _is_checked(batch, self._plan.target):
            for number, member in batch.members.items():
                self._counts[number][member.keys[0]] = batch.heights[number]
            return refused
        strays: dict[int, int] = {}
        numbers = list(batch.members)
        rows = batch.select(self._plan.target)
        batch.hashes = {}
        if len(places) == len(numbers) and all(len(member.keys) == 1 for member in batch.members.values()):
            told = row_hash(batch, self._plan.target)
            hashes = hashes_if_inside(self._session, batch, membership, rows, places, told)
            if hashes is not None:
                batch.hashes = {numbers[position]: of_rows for position, of_rows in hashes.items()}
                for number, member in batch.members.items():
                    self._counts[number][member.keys[0]] = batch.heights[number]
                return refused
        for position, slot, count, example in places_found(self._session, batch, membership, rows, places):
            number = numbers[position]
            member = batch.members[number]
            if slot is not None:
                self._counts[number][member.keys[slot]] += count
            elif number in refused:
                continue
            elif member.output.boundary_policy is BoundaryPolicy.REFUSE:
                refused[number] = Refused(
                    outside_error(member, batch.heights[number], membership, self.table, count, example)
                )
            elif doubt := self._doubt(member, f"SELECT 1 FROM ({rows}) WHERE {batch.number} = {position}", membership):
                refused[number] = Refused(doubt)  # nobody knows whether they are outside
            elif member.output.boundary_policy is BoundaryPolicy.DROP:
                strays[number] = count
                self._dropped[number] = {member.keys[0] if len(member.keys) == 1 else None: count}
            else:
                self._counts[number][member.keys[0]] += count
                self._refuse_mutual(number, f"SELECT 1 FROM ({rows}) WHERE {batch.number} = {position}", membership)
        if strays and not refused:
            leave_out(self._session, batch, strays, self._held)
        return refused

    def _doubt(self, member: StagedValue, rows: str, membership: Membership) -> StorageError | None:
        """Why a member is refused of whose rows nobody can tell which of two hours they are of; None if there are none.

        Args:
            rows: A SELECT of the member's rows that another condition can be added to.
        """
        for doubt in filter(None, map(membership.doubt, member.output.slices)):
            if self._session.execute(f"{rows} AND {doubt.rows.sql} LIMIT 1", doubt.rows.parameters):
                return doubt.error
        return None

    def _refuse_mutual(self, number: int, rows: str, membership: Membership) -> None:
        """What a member stores outside its own slices is to be replaced by a later one that makes those.

        Args:
            rows: A SELECT of the member's rows that another condition can be added to.

        Raises:
            OneByOneError: Some lie in slices of another member.
        """
        others = [part for other, value in self.accepted.items() if other != number for part in value.output.slices]
        if others:
            condition = membership.where(others)
            if self._session.execute(f"{rows} AND {condition.sql} LIMIT 1", condition.parameters):
                raise OneByOneError

    def _membership_for(self, batch: Batch) -> Membership:
        """How the rows tell their slices, in the table's types as they will be."""
        if self._membership is None:
            output = batch.first.output
            self._session.set_timezone(output.timezone)
            rows = batch.select(self._plan.target) if batch.height else f"SELECT * FROM {self._sql}"
            self._membership = membership_of(self._session, output, self._plan.target, rows)
        return self._membership

    # --- inside the transaction

    def replace(self) -> None:
        """Change the table's columns if need be, delete the old rows of the accepted slices and insert the new ones.

        Raises:
            StorageError: The transaction must be rolled back.
        """
        if not self.accepted:
            return
        self._shape()
        if self._stored and not self._plan.anew:
            self._delete()
        for batch in self._batches:
            self._insert(batch)

    def _shape(self) -> None:
        execute, plan = self._session.execute, self._plan
        if not self._stored or plan.anew:
            execute(f"CREATE SCHEMA IF NOT EXISTS {self.table.schema_sql(self._session.catalog)}")
            columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in plan.target.items())
            execute(f"CREATE {'OR REPLACE ' if plan.anew else ''}TABLE {self._sql} ({columns})")
            return
        for name, kind in plan.target.items():
            if name not in self._stored:
                execute(f"ALTER TABLE {self._sql} ADD COLUMN {quoted(name)} {kind}")
            elif self._stored[name] != kind:
                using = f" USING CAST(NULL AS {kind})" if name in plan.retyped else ""
                execute(f"ALTER TABLE {self._sql} ALTER COLUMN {quoted(name)} SET DATA TYPE {kind}{using}")

    def _delete(self) -> None:
        slices = [part for member in self.accepted.values() for part in member.output.slices]
        if any(part.key is None for part in slices):
            self._session.execute(f"DELETE FROM {self._sql}")
            return
        if self._membership is None:
            return  # the table is empty
        condition = self._membership.where(slices)
        self._session.execute(f"DELETE FROM {self._sql} WHERE {condition.sql}", condition.parameters)

    def _insert(self, batch: Batch) -> None:
        if not batch.height:
            return
        names = ", ".join(map(quoted, (*batch.types, *batch.null_columns)))
        inserted = self._session.execute(
            f"INSERT INTO {self._sql} ({names}) SELECT {names} FROM ({batch.select(self._plan.target)})"
        )
        if inserted != [(batch.height,)]:
            raise DatabaseFailure(
                self._session.database, "Insert", f"{inserted} rows went into {self.table}, expected {batch.height}"
            )

    def versions(self) -> dict[int, dict[str | None, str]]:
        """The content hash of each slice of each member."""
        found: dict[int, dict[str | None, str]] = {}
        for batch in self._batches:
            several = {number for number, member in batch.members.items() if len(member.keys) > 1}
            found |= slice_versions(self._session, batch, self._plan.target, self._membership, several)
        return found

    def columns_of(self, number: int) -> tuple[str, ...]:
        """The columns of a member's value, in the order that its function gave."""
        return self._batch_of(number).columns

    def _batch_of(self, number: int) -> Batch:
        return next(batch for batch in self._batches if number in batch.members)

    def outcome(self, number: int) -> Committed:
        """What an accepted member's commit will have done."""
        return Committed(
            self._counts[number],
            self._batch_of(number).sizes[number],
            dict(self._plan.target),
            str(self.table),
            dropped=self._dropped.get(number) or dict(self.accepted[number].dropped),
        )


def partition_order(value: StagedValue) -> float:
    """What to sort values by: when their first partition begins; those without times stay where they are."""
    return first_start(value.output.slices)


def _batch_order(batch: Batch) -> tuple[bool, float]:
    return not batch.height, partition_order(batch.first)


def _is_checked(batch: Batch, target: Mapping[str, str]) -> bool:
    """Whether `split` has looked at the rows of every member, and they mean in the table what they meant there."""
    kinds = {name.casefold(): kind for name, kind in target.items()}
    return (
        all(member.is_part for member in batch.members.values())
        and not batch.null_columns
        and all(kinds[name.casefold()] == kind for name, kind in batch.types.items())
    )
