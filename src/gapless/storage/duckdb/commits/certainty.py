"""Committing a group until it is certain what became of each of its values."""

from __future__ import annotations

from gapless.storage.duckdb.commits import commit_records
from gapless.storage.duckdb.commits.group_commit import (
    CommitUncertainError,
    GroupCommit,
    LookUpError,
    is_environmental,
)
from gapless.storage.duckdb.database.connection import Database
from gapless.storage.slices import Refused, Uncertain

__all__ = ["commit_left"]


def commit_left(group: GroupCommit, database: Database, lock_timeout: float) -> None:
    """Commit what is left of `group`; if a COMMIT itself fails, its records say whether it took.

    Args:
        lock_timeout: How long to wait while others hold the file, seconds.

    Raises:
        StorageError: The file as a whole is out of reach or full.
    """
    alone = False
    while left := group.left():
        try:
            with database.session(lock_timeout, "commit", "write") as session:
                group.run(session, left[:1] if alone else left)
            continue
        except CommitUncertainError as error:
            uncertain = error
        database.close()  # after such an error the connection may be good for nothing
        try:
            with database.session(lock_timeout, "read the commit records", "read") as session:
                took = commit_records.was_committed(session, uncertain.mark)
        except Exception as error:
            unknown = Uncertain(LookUpError(str(uncertain.failure), str(error)))
            group.outcomes |= dict.fromkeys(uncertain.expected, unknown)
            raise
        if took:
            group.outcomes |= uncertain.expected
        elif is_environmental(uncertain.failure):
            raise uncertain.failure
        elif alone or len(left) == 1:
            group.outcomes[left[0]] = Refused(uncertain.failure)
        else:
            alone = True
