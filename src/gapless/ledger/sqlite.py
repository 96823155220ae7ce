"""The ledger of one machine: a single SQLite file, for any number of processes and threads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

from gapless.ledger import dynamic_partitions, events, leases, runs, statuses, ticks
from gapless.ledger.columns import to_micros
from gapless.ledger.contract import Claim, Event, EventKind, Outcome, RunRecord, RunState, Status, StatusRecord
from gapless.ledger.schedule_records import ScheduleRecord, TickRecord, TickState
from gapless.ledger.sqlite_file import SQLiteFile
from gapless.partitions.dynamic import checked_dynamic_keys, listed_dynamic_keys, refuse_blank_keys
from gapless.partitions.key_text import fault_in_key
from gapless.partitions.pages import PaginatedResults

__all__ = ["SQLiteLedger"]

_PRUNED_AT_ONCE = 5_000  # rows; so that other processes never wait long for a prune


class SQLiteLedger:
    """Keeps the contract of `gapless.ledger.contract.Ledger`, which documents the methods.

    Nothing is created before the first write; until then, an empty ledger is read. A context manager that closes.

    Args:
        path: The file. It may lie on a local disk only: SQLite's locks do not hold on network file systems.
        busy_timeout_s: How long to wait for another process that writes, seconds.

    Raises:
        LedgerError: Any method; see `gapless.ledger.errors`. What was recorded before is intact.
    """

    def __init__(self, path: str | Path, *, busy_timeout_s: float = 30.0) -> None:
        self._file = SQLiteFile(Path(path), busy_timeout_s)

    def __repr__(self) -> str:
        return f"SQLiteLedger({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """The file; it need not exist yet."""
        return self._file.path

    def start_run(self, run: RunRecord) -> None:
        with self._file.write() as connection:
            runs.start(connection, run)

    def end_run(self, run_id: str, state: RunState, now: datetime, error: str | None = None) -> None:
        with self._file.write() as connection:
            runs.end(connection, run_id, state, now, error)

    def end_crashed(
        self, run_id: str, outcomes: Sequence[Outcome], now: datetime, error: str = "its process died"
    ) -> bool:
        with self._file.write() as connection:
            if runs.state_of(connection, run_id) is not RunState.RUNNING:
                return False
            statuses.record(connection, run_id, outcomes, found_late=True)
            return runs.end(connection, run_id, RunState.CRASHED, now, error)

    def run(self, run_id: str) -> RunRecord | None:
        with self._file.read() as connection:
            return runs.find(connection, run_id)

    def runs(self, *, limit: int | None = None, states: Collection[RunState] | None = None) -> list[RunRecord]:
        with self._file.read() as connection:
            return runs.listing(connection, limit, states)

    def dead_runs(self) -> list[RunRecord]:
        with self._file.read() as connection:
            return runs.dead(connection)

    def request_cancel(self, run_id: str) -> None:
        with self._file.write() as connection:
            runs.request_cancel(connection, run_id)

    def cancel_requested(self, run_id: str) -> bool:
        with self._file.read() as connection:
            return runs.cancel_requested(connection, run_id)

    def claim(
        self, run_id: str, asset: str, partitions: Sequence[str | None], now: datetime, since: datetime | None = None
    ) -> Claim:
        with self._file.write() as connection:
            return leases.claim(connection, run_id, asset, partitions, now, since)

    def release(self, run_id: str, asset: str, partitions: Sequence[str | None]) -> None:
        with self._file.write() as connection:
            leases.release(connection, run_id, asset, partitions)

    def leases(self, run_id: str) -> list[tuple[str, str | None]]:
        with self._file.read() as connection:
            return leases.of_run(connection, run_id)

    def record(self, run_id: str, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            with self._file.write() as connection:
                statuses.record(connection, run_id, outcomes)

    def statuses(self, asset: str, partitions: Iterable[str | None] | None = None) -> dict[str | None, StatusRecord]:
        with self._file.read() as connection:
            return statuses.listing(connection, asset, partitions)

    def counts(self) -> dict[str, dict[Status, int]]:
        with self._file.read() as connection:
            return statuses.counts(connection)

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
        with self._file.read() as connection:
            return events.listing(connection, run_id, asset, partition, kinds, after, limit)

    def wipe(self, asset: str, partitions: Sequence[str | None] | None, run_id: str, now: datetime) -> int:
        with self._file.write() as connection:
            return statuses.wipe(connection, asset, partitions, run_id, now)

    def schedule(self, name: str) -> ScheduleRecord:
        with self._file.read() as connection:
            return ticks.schedule(connection, name)

    def set_schedule(self, name: str, *, running: bool | None = None, cursor: datetime | None = None) -> None:
        with self._file.write() as connection:
            ticks.change_schedule(connection, name, running, cursor)

    def start_tick(self, tick: TickRecord) -> bool:
        with self._file.write() as connection:
            return ticks.start(connection, tick)

    def end_tick(
        self,
        schedule: str,
        scheduled_at: datetime,
        state: TickState,
        *,
        run_id: str | None = None,
        note: str | None = None,
    ) -> None:
        with self._file.write() as connection:
            ticks.end(connection, schedule, scheduled_at, state, run_id, note)

    def ticks(self, schedule: str | None = None, *, limit: int | None = None) -> list[TickRecord]:
        with self._file.read() as connection:
            return ticks.listing(connection, schedule, limit)

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> list[str]:
        keys = checked_dynamic_keys(partitions_def_name, partition_keys)
        refuse_blank_keys(partitions_def_name, keys)
        if not keys:
            return []
        with self._file.write() as connection:
            return dynamic_partitions.add(connection, partitions_def_name, keys)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        return bool(self.delete_dynamic_partitions(partitions_def_name, [partition_key]))

    def delete_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> list[str]:
        keys = checked_dynamic_keys(partitions_def_name, partition_keys)
        if not self.get_existing_dynamic_partitions(partitions_def_name, keys):
            return []
        with self._file.write() as connection:
            return dynamic_partitions.remove(connection, partitions_def_name, keys)

    def get_dynamic_partitions(self, partitions_def_name: str) -> list[str]:
        with self._file.read() as connection:
            return dynamic_partitions.listing(connection, partitions_def_name)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        return bool(self.get_existing_dynamic_partitions(partitions_def_name, [partition_key]))

    def get_existing_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> set[str]:
        keys = listed_dynamic_keys(partitions_def_name, partition_keys)
        with self._file.read() as connection:
            return dynamic_partitions.existing(
                connection, partitions_def_name, [key for key in keys if fault_in_key(key) is None]
            )

    def get_paginated_dynamic_partitions(
        self, partitions_def_name: str, limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults:
        with self._file.read() as connection:
            return dynamic_partitions.page(connection, partitions_def_name, limit, ascending, cursor)

    def prune(self, before: datetime) -> int:
        pruned = 0
        while True:
            with self._file.write() as connection:
                count = events.prune(connection, to_micros(before), _PRUNED_AT_ONCE)
            pruned += count
            if count < _PRUNED_AT_ONCE:
                return pruned

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> SQLiteLedger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
