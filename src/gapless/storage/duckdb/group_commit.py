"""The commit of a group of staged frames: check everything first, then replace all slices in one transaction.

DuckDB's COMMIT after an error succeeds and rolls back, and there are no savepoints. So nothing is ever committed after
an error: the transaction is rolled back, and the frames are replayed one by one, so that a bad one fails alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from gapless.errors import StorageError
from gapless.storage.duckdb.commit_records import (
    RECORDS,
    CommitMark,
    NewRecord,
    inputs_text,
    insert_records,
    next_mark,
    prepare_records,
    schema_text,
)
from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.staged_value import StagedValue
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.duckdb.table_replacement import Outcomes, TableReplacement, partition_order
from gapless.storage.errors import DatabaseFailure, DatabaseLockedError, DatabaseUnusableError, DiskFullError
from gapless.storage.slices import Committed, Refused

__all__ = ["CommitUncertainError", "GroupCommit"]


@dataclass(eq=False)
class CommitUncertainError(Exception):
    """COMMIT itself failed; only the records tell whether it took.

    Attributes:
        mark: What tells the transaction's records from others.
        failure: What COMMIT said.
        expected: The outcomes if it took.
    """

    mark: CommitMark
    failure: StorageError
    expected: Outcomes


class GroupCommit:
    """Commits frames, as many as possible in one transaction.

    Attributes:
        outcomes: What is certain so far, by the frame's number.
    """

    def __init__(self, frames: Mapping[int, StagedValue], tables: Mapping[int, TableName]) -> None:
        self._frames = frames
        self._tables = tables
        self.outcomes: Outcomes = {}

    def left(self) -> list[int]:
        """The frames without an outcome."""
        return [number for number in self._frames if number not in self.outcomes]

    def run(self, session: Session, numbers: Sequence[int]) -> None:
        """Commit these frames, or refuse them.

        Raises:
            StorageError: The database itself is out of reach or out of room; nothing more can be committed.
            CommitUncertainError: A COMMIT failed; the connection may be unusable.
        """
        try:
            self._together(session, numbers)
        except StorageError as error:
            if is_environmental(error):
                raise
            failure = error
        else:
            return
        if len(numbers) == 1:
            self.outcomes[numbers[0]] = Refused(self._told(numbers[0], failure))
            return
        # In partition order, so that which of two frames fails that do not fit together is no matter of who came first.
        for number in sorted(numbers, key=lambda number: partition_order(self._frames[number])):
            self.run(session, [number])

    def _together(self, session: Session, numbers: Sequence[int]) -> None:
        by_table: dict[TableName, dict[int, StagedValue]] = {}
        for number in numbers:
            by_table.setdefault(self._tables[number], {})[number] = self._frames[number]
        refused: Outcomes = {}
        with ExitStack() as held:
            replacements = [TableReplacement(session, table, members, held) for table, members in by_table.items()]
            for replacement in replacements:
                refused |= replacement.prepare()
            if any(replacement.accepted for replacement in replacements):
                self.outcomes |= self._replace(session, replacements)
        # Only now: had the transaction failed, the frames would have been looked at again, each alone.
        self.outcomes |= refused

    @staticmethod
    def _replace(session: Session, replacements: Sequence[TableReplacement]) -> Outcomes:
        outcomes: Outcomes = {}
        records: list[NewRecord] = []
        committed = False
        present = session.columns(RECORDS)
        session.execute("BEGIN TRANSACTION")
        try:
            prepare_records(session, present)
            mark = next_mark(session)
            for replacement in replacements:
                replacement.replace()
                versions = replacement.versions()
                schemas: dict[tuple[str, ...], str] = {}
                for number, frame in replacement.accepted.items():
                    outcome = replacement.outcome(number)
                    told = frame.output.provenance.data_version
                    its_versions = versions[number] if told is None else dict.fromkeys(outcome.rows, told)
                    outcomes[number] = outcome = replace(outcome, versions=its_versions)
                    columns = replacement.columns_of(number)
                    if columns not in schemas:
                        schemas[columns] = schema_text(_own_columns(columns, outcome.columns))
                    records += _records_of(frame, outcome, schemas[columns])
            insert_records(session, records, mark)
            try:
                session.execute("COMMIT")
            except StorageError as failure:
                uncertain = CommitUncertainError(mark, failure, outcomes)
            else:
                committed = True
        finally:
            if not committed:
                session.rollback()
        if not committed:
            raise uncertain
        return outcomes

    def _told(self, number: int, error: StorageError) -> StorageError:
        if isinstance(error, DatabaseFailure) and error.asset is None:
            frame = self._frames[number]
            return DatabaseFailure(error.database, error.kind, error.reason, str(frame.output.asset), frame.keys)
        return error


def is_environmental(error: StorageError) -> bool:
    """Whether every other slice would fail for the same reason."""
    return isinstance(error, (DatabaseLockedError, DatabaseUnusableError, DiskFullError)) or (
        isinstance(error, DatabaseFailure) and error.kind in ("Fatal", "Internal", "IO")
    )


def _own_columns(columns: Sequence[str], table: Mapping[str, str]) -> dict[str, str]:
    """What of the table's columns a value has, in the table's order."""
    own = {name.casefold() for name in columns}
    return {name: kind for name, kind in table.items() if name.casefold() in own}


def _records_of(frame: StagedValue, outcome: Committed, schema: str) -> list[NewRecord]:
    asset, provenance = str(frame.output.asset), frame.output.provenance
    inputs, total = inputs_text(provenance.inputs), sum(outcome.rows.values())
    return [
        NewRecord(
            asset,
            key,
            frame.output.run_id,
            rows,
            outcome.nbytes if total == 0 else outcome.nbytes * rows // total,
            outcome.versions[key],
            provenance.code_version,
            inputs,
            schema if rows else None,
        )
        for key, rows in outcome.rows.items()
    ]
