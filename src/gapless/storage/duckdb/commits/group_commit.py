"""The commit of a group of staged frames: check everything first, then replace all slices in one transaction.

DuckDB's COMMIT after an error succeeds and rolls back, and there are no savepoints. So nothing is ever committed after
an error: the transaction is rolled back, and the frames are replayed one by one, so that a bad one fails alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from gapless.errors import StorageError
from gapless.storage.duckdb.commits.commit_records import (
    RECORDS,
    CommitMark,
    NewRecord,
    forget_table,
    inputs_text,
    insert_records,
    next_mark,
    prepare_records,
    schema_text,
)
from gapless.storage.duckdb.commits.table_replacement import TableReplacement, partition_order
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.errors import DatabaseFailure, StoreUnreachableError, slice_name
from gapless.storage.slices import Committed, Refused, Uncertain

__all__ = ["CommitUncertainError", "GroupCommit", "LookUpError", "Outcomes", "broken", "is_environmental"]

Outcomes = dict[int, Committed | Refused | Uncertain]


@dataclass(eq=False)
class LookUpError(StorageError):
    """COMMIT failed, and the records, which would tell whether it took, cannot be read now.

    Attributes:
        failure: What COMMIT said.
        why: What reading the records said.
    """

    failure: str
    why: str

    def __str__(self) -> str:
        return (
            f"the COMMIT of a transaction failed: {self.failure.rstrip('.')}; whether it took could not be looked up at"
            f" once: {self.why.rstrip('.')}. Run this again: what the data says then counts."
        )


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
    expected: Mapping[int, Committed]


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

    def refuse_left(self, error: StorageError) -> None:
        """Refuse the frames without an outcome."""
        self.outcomes |= dict.fromkeys(self.left(), Refused(error))

    def run(self, session: Session, numbers: Sequence[int]) -> None:
        """Commit these frames, or refuse them.

        Raises:
            StorageError: The database itself is out of reach or out of room; nothing more can be committed.
            CommitUncertainError: A COMMIT failed; the connection may be unusable.
        """
        failure: BaseException
        try:
            self._together(session, numbers)
        except StorageError as error:
            if is_environmental(error):
                raise
            failure = error
        except (CommitUncertainError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a bug of ours, or a panic of polars, which is no Exception
            failure = error
        else:
            return
        left = [number for number in numbers if number not in self.outcomes]  # it may have failed after COMMIT
        if left and len(numbers) == 1:
            self.outcomes[left[0]] = Refused(self._told(left[0], failure))
            return
        # In partition order, so that which of two frames fails that do not fit together is no matter of who came first.
        for number in sorted(left, key=lambda number: partition_order(self._frames[number])):
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
    def _replace(session: Session, replacements: Sequence[TableReplacement]) -> dict[int, Committed]:
        outcomes: dict[int, Committed] = {}
        records: list[NewRecord] = []
        committed = False
        present = session.columns(RECORDS)
        session.execute("BEGIN TRANSACTION")
        try:
            prepare_records(session, present)
            mark = next_mark(session)
            for replacement in replacements:
                replacement.replace()
                if replacement.is_first:
                    for asset in {str(frame.output.asset) for frame in replacement.accepted.values()}:
                        forget_table(session, asset, replacement.table)
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
                    records += _records_of(frame, outcome, replacement.table, schemas[columns])
            insert_records(session, records, mark)
            try:
                session.execute("COMMIT")
            except Exception as error:
                failure = error if isinstance(error, StorageError) else broken(error)
                uncertain = CommitUncertainError(mark, failure, outcomes)
            else:
                committed = True
        finally:
            if not committed:
                session.rollback()
        if not committed:
            raise uncertain
        return outcomes

    def _told(self, number: int, error: BaseException) -> StorageError:
        frame = self._frames[number]
        if not isinstance(error, StorageError):
            return StorageError(f"{slice_name(str(frame.output.asset), frame.keys)}: {broken(error)}")
        if isinstance(error, DatabaseFailure) and error.asset is None:
            return DatabaseFailure(error.database, error.kind, error.reason, str(frame.output.asset), frame.keys)
        return error


def broken(error: BaseException) -> StorageError:
    """What to say of an error that nobody foresaw."""
    return StorageError(f"the store failed: {type(error).__name__}: {error}")


def is_environmental(error: StorageError) -> bool:
    """Whether every other slice would fail for the same reason."""
    return isinstance(error, StoreUnreachableError) or (
        isinstance(error, DatabaseFailure) and error.kind in ("Fatal", "Internal", "IO")
    )


def _own_columns(columns: Sequence[str], table: Mapping[str, str]) -> dict[str, str]:
    """What of the table's columns a value has, in the table's order."""
    own = {name.casefold() for name in columns}
    return {name: kind for name, kind in table.items() if name.casefold() in own}


def _records_of(frame: StagedValue, outcome: Committed, table: TableName, schema: str) -> list[NewRecord]:
    asset, provenance = str(frame.output.asset), frame.output.provenance
    inputs = inputs_text(provenance.inputs)
    return [
        NewRecord(
            asset,
            key,
            frame.output.run_id,
            rows,
            outcome.nbytes_of(key),
            outcome.versions[key],
            provenance.code_version,
            inputs,
            table.identity,
            schema if rows else None,
        )
        for key, rows in outcome.rows.items()
    ]
