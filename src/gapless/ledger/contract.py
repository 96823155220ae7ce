"""What happened: the values that the ledger records, and the contract that every ledger keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from gapless.ledger.schedule_records import ScheduleRecord, TickRecord, TickState
from gapless.partitions.pages import PaginatedResults

__all__ = [
    "Claim",
    "Event",
    "EventKind",
    "Ledger",
    "Outcome",
    "RunRecord",
    "RunState",
    "Status",
    "StatusRecord",
]


class Status(StrEnum):
    """The state of one (asset, partition). It documents the life cycle, the SQL and the UI at once.

    A partition without a record is *missing*.
    """

    MISSING = "missing"  # never made, or wiped
    QUEUED = "queued"  # in the plan of a live run, its turn has not come
    RUNNING = "running"  # a live run holds its lease
    MATERIALIZED = "materialized"  # its rows are durably committed
    FAILED = "failed"  # the last attempt raised or was refused; older rows may still be there (committed_at)
    SKIPPED = "skipped"  # not attempted, because something that it depends on failed


class RunState(StrEnum):
    """The state of a run."""

    RUNNING = "running"  # its process is alive
    SUCCEEDED = "succeeded"  # every planned partition is materialized
    FAILED = "failed"  # at least one partition failed, was skipped, or could not be made
    CANCELED = "canceled"  # stopped by a person (Ctrl-C, SIGTERM, cancel); finished partitions stay
    CRASHED = "crashed"  # its process died, or it broke down; reconciled with what its data says


class EventKind(StrEnum):
    """What an event reports. History is append-only."""

    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    MATERIALIZED = "materialized"
    FAILED = "failed"
    SKIPPED = "skipped"
    INTERRUPTED = "interrupted"  # was running when its run was canceled or crashed; its old state stands again
    RETRIED = "retried"  # an attempt failed and another follows
    LOG = "log"  # context.log
    RECONCILED = "reconciled"  # found durably committed after a crash
    WIPED = "wiped"
    CHECKED = "checked"  # a check looked at a slice; the payload says which, and what it found


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run.

    Attributes:
        plan: The plan as plain JSON values, see `gapless.planning.plan.Plan.to_json`. It can be large: only
            `Ledger.run` loads it, in lists of runs it is empty.
        targeted: Number of (asset, partition)s in the plan.
        host, pid, process_started, boot: Who runs it, from `gapless.ledger.process.this_process`; together they tell
            a live process from a reused pid. ``process_started`` is in seconds since the host's boot, 0 if unknown.
        trigger: ``manual``, ``schedule:NAME``, ``wipe``, ``retention``, ``restore``, ``compare``.
        job: The job's name, if it came from one.
    """

    run_id: str
    state: RunState
    created_at: datetime
    targeted: int
    plan: Mapping[str, Any]
    trigger: str = "manual"
    job: str | None = None
    ended_at: datetime | None = None
    host: str = ""
    pid: int = 0
    process_started: float = 0.0
    error: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    boot: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one (asset, partition) in a run; recorded in one transaction with its status and lease.

    Attributes:
        kind: INTERRUPTED and every kind with a status release the lease; RETRIED, LOG and CHECKED keep it.
        at: When it happened; for MATERIALIZED and RECONCILED, when the rows were committed.
        status: MATERIALIZED, FAILED or SKIPPED; None for INTERRUPTED, RETRIED, LOG and CHECKED (the state before
            stands). FAILED and SKIPPED leave what is known of older committed rows.
        reason: One line: the error's type and message, or why it was skipped.
        payload: JSON values: traceback, metadata, rows, bytes, duration_s, columns, attempts. Of a materialized
            partition also version, code_version, inputs, and restored_from if it is an older version's rows again. Of
            CHECKED: check, passed, severity, blocking, description, metadata.
        data_version: What tells the committed rows from others: their content hash, or what the user called them.
    """

    asset: str
    partition: str | None
    kind: EventKind
    at: datetime
    status: Status | None
    reason: str | None = None
    rows: int | None = None
    nbytes: int | None = None
    code_version: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    data_version: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of history. `event_id` grows with time."""

    event_id: int
    run_id: str
    at: datetime
    kind: EventKind
    asset: str | None = None
    partition: str | None = None
    reason: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


class StatusRecord(NamedTuple):
    """The current state of one (asset, partition).

    A named tuple, since they are made by the ten thousand: a frozen dataclass takes four times as long.

    Attributes:
        status: MATERIALIZED, FAILED or SKIPPED, from the last outcome; RUNNING while a live lease is held.
        committed_at: When rows were last durably committed; None if never (or wiped).
        code_version: The asset's code version at that commit.
        data_version: Of the rows of that commit; None if unknown.
    """

    asset: str
    partition: str | None
    status: Status
    run_id: str
    updated_at: datetime
    committed_at: datetime | None = None
    rows: int | None = None
    nbytes: int | None = None
    code_version: str | None = None
    reason: str | None = None
    data_version: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to asking for leases.

    Attributes:
        granted: Partitions that are now this run's alone.
        held: Partition to the run that holds it.
        committed_since: Granted partitions that another run materialized at or after the `since` that was asked with,
            and not after `now`, as a clock that went backwards makes it seem; they need not be made again.
    """

    granted: frozenset[str | None]
    held: Mapping[str | None, str]
    committed_since: frozenset[str | None] = frozenset()


class Ledger(Protocol):
    """What every ledger keeps. All instants are timezone-aware; `now` is always an argument."""

    def start_run(self, run: RunRecord) -> None:
        """Records the run before it does anything, leaving a RUN_STARTED event.

        Raises:
            RunExistsError: There is a run of that id.
        """
        ...

    def end_run(self, run_id: str, state: RunState, now: datetime, error: str | None = None) -> None:
        """Records the end, leaving a RUN_ENDED event, and releases every lease that the run still holds.

        The first end stands: ending an ended run changes nothing.

        Raises:
            UnknownRunError: There is no such run.
        """
        ...

    def end_crashed(
        self, run_id: str, outcomes: Sequence[Outcome], now: datetime, error: str = "its process died"
    ) -> bool:
        """Records what was found of a dead run and ends it as CRASHED, in one transaction.

        False, and nothing happens, if the run is not RUNNING any more: another process was first. A RECONCILED
        outcome never replaces what is known of a later commit. Where the run holds the lease there is none of another
        run, whatever the clock says.
        """
        ...

    def run(self, run_id: str) -> RunRecord | None:
        """By full id, or by a prefix that only one run has."""
        ...

    def runs(self, *, limit: int | None = None, states: Collection[RunState] | None = None) -> list[RunRecord]:
        """Newest first, with empty plans."""
        ...

    def dead_runs(self) -> list[RunRecord]:
        """Runs in state RUNNING whose process, on this host, is gone; oldest first, with empty plans."""
        ...

    def request_cancel(self, run_id: str) -> None:
        """Ask a run to stop.

        Raises:
            UnknownRunError: There is no such run.
        """
        ...

    def cancel_requested(self, run_id: str) -> bool: ...

    def claim(
        self, run_id: str, asset: str, partitions: Sequence[str | None], now: datetime, since: datetime | None = None
    ) -> Claim:
        """Take the leases of `partitions`, all that are free, in one transaction.

        A lease of a run that is RUNNING is never handed out, even if its process is gone: that run has to be
        reconciled first (see `dead_runs`). Partitions that the run holds already are granted again.

        Raises:
            UnknownRunError: There is no such run.
            RunEndedError: The run has ended; others may be at work on its partitions.
        """
        ...

    def release(self, run_id: str, asset: str, partitions: Sequence[str | None]) -> None: ...
    def leases(self, run_id: str) -> list[tuple[str, str | None]]:
        """The (asset, partition)s that a run holds: what it is running."""
        ...

    def record(self, run_id: str, outcomes: Sequence[Outcome]) -> None:
        """Append events, set statuses and release leases, all in one transaction."""
        ...

    def statuses(self, asset: str, partitions: Iterable[str | None] | None = None) -> dict[str | None, StatusRecord]:
        """Current states by partition; only those recorded or running. With `partitions`, only those."""
        ...

    def counts(self) -> dict[str, dict[Status, int]]:
        """Recorded or running partitions by asset and status; no entry where there is none."""
        ...

    def events(
        self,
        *,
        run_id: str | None = None,
        asset: str | None = None,
        partition: str | None = None,
        kinds: Collection[EventKind] | None = None,
        after: int | None = None,
        limit: int | None = None,
    ) -> list[Event]:
        """Oldest first. `partition` only counts together with `asset`. With `limit`, the newest ones."""
        ...

    def wipe(self, asset: str, partitions: Sequence[str | None] | None, run_id: str, now: datetime) -> int:
        """Forget the states (all with None); returns how many there were.

        Leaves a WIPED event for each of `partitions`, recorded or not, since rows may have been there that the ledger
        does not know of; a single one, without partition, for a whole asset.
        """
        ...

    def schedule(self, name: str) -> ScheduleRecord: ...
    def set_schedule(self, name: str, *, running: bool | None = None, cursor: datetime | None = None) -> None:
        """Changes what is given."""
        ...

    def start_tick(self, tick: TickRecord) -> bool:
        """Record a tick before acting on it; False if that tick is already recorded."""
        ...

    def end_tick(
        self,
        schedule: str,
        scheduled_at: datetime,
        state: TickState,
        *,
        run_id: str | None = None,
        note: str | None = None,
    ) -> None:
        """Records how the tick ended and moves the schedule's cursor forward to it, in one transaction.

        The cursor never moves back. Without `run_id` or `note` the tick keeps those that it has.

        Raises:
            UnknownTickError: That tick was never started.
        """
        ...

    def ticks(self, schedule: str | None = None, *, limit: int | None = None) -> list[TickRecord]:
        """Newest first."""
        ...

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> list[str]:
        """Add keys after those that are there, in one transaction; returns the new ones, in order.

        A key that is there already keeps its place.

        Raises:
            InvocationError: What cannot be a key; nothing was added.
        """
        ...

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Remove a key, if it is there; returns whether it was. What is recorded about its partitions stays."""
        ...

    def delete_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> list[str]:
        """Remove keys, those that are there, in one transaction; returns these."""
        ...

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of that name, in the order in which they were added; empty if nobody has added any."""
        ...

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool: ...
    def get_existing_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> set[str]:
        """Those of `partition_keys` that are there.

        Raises:
            InvocationError: They are a bare string.
        """
        ...

    def get_paginated_dynamic_partitions(
        self, partitions_def_name: str, limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults:
        """At most `limit` keys, oldest first if `ascending`, after those of the page that gave `cursor`.

        What is added or removed between two pages neither repeats nor hides another key.

        Raises:
            InvocationError: A limit below one, or a cursor that no page gave.
        """
        ...

    def prune(self, before: datetime) -> int:
        """Forget the events from before that instant; returns how many. Runs, states and ticks stay."""
        ...

    def close(self) -> None:
        """Release whatever is held. The ledger can be used again afterwards."""
        ...
