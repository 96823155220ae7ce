"""The commit of a group of staged frames: check everything first, then replace all slices in one transaction.

DuckDB's COMMIT after an error succeeds and rolls back, and there are no savepoints. So nothing is ever committed after
an error: the transaction is rolled back, and the frames are replayed one by one, so that a bad one fails alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from gapless.errors import StorageError
from gapless.storage.duckdb.commit_records import RECORDS, NewRecord, create_records, insert_records
from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.frames import StagedFrame
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.duckdb.table_replacement import Outcomes, TableReplacement, partition_order
from gapless.storage.errors import DatabaseFailure, DatabaseLockedError, DatabaseUnusableError, DiskFullError
from gapless.storage.slices import Committed, Refused

__all__ = ["CommitUncertainError", "GroupCommit"]


@dataclass(eq=False)
class CommitUncertainError(Exception):
    """COMMIT itself failed; only the records tell whether it took.

    Attributes:
        committed_us: What marks the transaction's records, microseconds since the epoch.
        failure: What COMMIT said.
        expected: The outcomes if it took.
    """

    committed_us: int
    failure: StorageError
    expected: Outcomes


class GroupCommit:
    """Commits frames, as many as possible in one transaction.

    Attributes:
        outcomes: What is certain so far, by the frame's number.
    """

    def __init__(self, frames: Mapping[int, StagedFrame], tables: Mapping[int, TableName]) -> None:
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
        by_table: dict[TableName, dict[int, StagedFrame]] = {}
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
        has_records = bool(session.columns(RECORDS))
        committed = False
        session.execute("BEGIN TRANSACTION")
        try:
            ((committed_us,),) = session.execute("SELECT epoch_us(now())")
            if not has_records:
                create_records(session)
            for replacement in replacements:
                replacement.replace()
                for number, frame in replacement.accepted.items():
                    outcomes[number] = outcome = replacement.outcome(number)
                    records += _records_of(frame, outcome)
            insert_records(session, records, committed_us)
            try:
                session.execute("COMMIT")
            except StorageError as failure:
                uncertain = CommitUncertainError(committed_us, failure, outcomes)
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


def _records_of(frame: StagedFrame, outcome: Committed) -> list[NewRecord]:
    total = sum(outcome.rows.values())
    return [
        NewRecord(
            str(frame.output.asset),
            key,
            frame.output.run_id,
            rows,
            outcome.nbytes if total == 0 else outcome.nbytes * rows // total,
        )
        for key, rows in outcome.rows.items()
    ]
