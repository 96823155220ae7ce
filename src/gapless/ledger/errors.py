"""What can go wrong with a ledger.

LedgerError
├── LedgerAccessError      its file or folder cannot be opened, read or written
├── LedgerBusyError        another process has been writing for too long
├── LedgerFullError        the disk is full
├── LedgerDamagedError     the file is damaged, or no ledger at all
├── LedgerNewerError       written by a newer Gapless
├── UnknownRunError        no such run (LookupError)
├── UnknownTickError       that tick was never started (LookupError)
├── RunExistsError         a run of that id is already recorded
└── RunEndedError          the run has ended and may not take partitions any more
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gapless.errors import LedgerError

__all__ = [
    "LedgerAccessError",
    "LedgerBusyError",
    "LedgerDamagedError",
    "LedgerFullError",
    "LedgerNewerError",
    "RunEndedError",
    "RunExistsError",
    "UnknownRunError",
    "UnknownTickError",
]


@dataclass(eq=False)
class LedgerAccessError(LedgerError):
    """The ledger's file or folder cannot be opened, read or written."""

    path: str
    reason: str  # the system's words, without a full stop

    def __str__(self) -> str:
        return (
            f"cannot use the ledger {self.path}: {self.reason}. It and its folder must lie on a working disk, and be"
            " readable and writable by you; mend that, or set GAPLESS_HOME to another folder."
        )


@dataclass(eq=False)
class LedgerBusyError(LedgerError):
    """Another process has been writing to the ledger for too long."""

    path: str
    waited_s: float

    def __str__(self) -> str:
        return (
            f"the ledger {self.path} is locked by another process; waited {self.waited_s:g} s for it. Nothing was"
            " changed; close the program that has the file open, and try again. Runs at work: gapless runs list"
        )


@dataclass(eq=False)
class LedgerFullError(LedgerError):
    """There is no room left for the ledger."""

    path: str

    def __str__(self) -> str:
        return (
            f"no room left on the disk for the ledger {self.path}. What it held before is intact; free some space and"
            " run the same command again: what is committed in the data stays, and is found there."
        )


@dataclass(eq=False)
class LedgerDamagedError(LedgerError):
    """The file is damaged, or no ledger at all."""

    path: str
    reason: str  # what was found, a clause without a full stop

    def __str__(self) -> str:
        return (
            f"{self.path} is not a ledger that can be read: {self.reason}. Move it away, with the -wal and -shm files"
            f" beside it (mv {self.path} {self.path}.damaged), and run again; a new ledger is begun, your data stays."
        )


@dataclass(eq=False)
class LedgerNewerError(LedgerError):
    """The ledger was written by a newer Gapless; it is left as it is."""

    path: str
    found: int  # the ledger's schema version
    supported: int  # the newest that this Gapless knows

    def __str__(self) -> str:
        return (
            f"the ledger {self.path} has version {self.found}, and this Gapless knows versions up to {self.supported}."
            " It was left as it is. Upgrade with: pip install -U gapless"
        )


@dataclass(eq=False)
class UnknownRunError(LedgerError, LookupError):
    """There is no such run."""

    run_id: str

    def __str__(self) -> str:
        return f"there is no run {self.run_id!r}. List the runs with: gapless runs list"


@dataclass(eq=False)
class UnknownTickError(LedgerError, LookupError):
    """A tick ended that was never started."""

    schedule: str
    scheduled_at: datetime

    def __str__(self) -> str:
        return (
            f"schedule {self.schedule!r} has no tick at {self.scheduled_at.isoformat()}; a tick is recorded with"
            " start_tick before it acts."
        )


@dataclass(eq=False)
class RunExistsError(LedgerError):
    """A run of that id is already recorded."""

    run_id: str

    def __str__(self) -> str:
        return f"run {self.run_id!r} is already recorded; every run needs an id of its own."


@dataclass(eq=False)
class RunEndedError(LedgerError):
    """The run has ended and may not take partitions any more."""

    run_id: str
    state: str

    def __str__(self) -> str:
        return (
            f"run {self.run_id!r} has ended ({self.state}), so it cannot take partitions any more; another process may"
            " have found it dead. What it finished stays; start a new run for the rest."
        )
