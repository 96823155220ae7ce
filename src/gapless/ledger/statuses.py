"""The current state of every (asset, partition) in the ledger, in SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from gapless.ledger.columns import (
    WHOLE,
    from_micros,
    from_micros_or_none,
    in_chunks,
    marks,
    partition_from,
    text,
    to_json,
    to_micros,
)
from gapless.ledger.contract import EventKind, Outcome, Status, StatusRecord
from gapless.ledger.events import ADD_EVENT, add_event
from gapless.ledger.runs import live_ids

__all__ = ["counts", "listing", "record", "wipe"]

_STORED = {Status.MATERIALIZED: "materialized", Status.FAILED: "failed", Status.SKIPPED: "skipped"}
_STATUSES = {status.value: status for status in Status}
_KINDS = {kind: kind.value for kind in EventKind}

# Without a commit, what is known of the older rows stands, for they are still there. The last parameter is 1 if an
# older commit must not replace a newer one. That the run holds the lease says more than two instants: the clock may
# have gone backwards between them.
_SET_STATUS = """
    INSERT INTO statuses AS old
        (asset, partition, status, run_id, updated_at, committed_at, rows, nbytes, code_version, data_version, reason)
    VALUES (?,?,?,?,?,?,?,?,?,?,?)
    ON CONFLICT (asset, partition) DO UPDATE SET
        status = excluded.status,
        run_id = excluded.run_id,
        updated_at = excluded.updated_at,
        committed_at = COALESCE(excluded.committed_at, old.committed_at),
        rows = CASE WHEN excluded.committed_at IS NULL THEN old.rows ELSE excluded.rows END,
        nbytes = CASE WHEN excluded.committed_at IS NULL THEN old.nbytes ELSE excluded.nbytes END,
        code_version =
            CASE WHEN excluded.committed_at IS NULL THEN old.code_version ELSE excluded.code_version END,
        data_version =
            CASE WHEN excluded.committed_at IS NULL THEN old.data_version ELSE excluded.data_version END,
        reason = excluded.reason
    WHERE ? = 0 OR old.committed_at IS NULL OR old.committed_at <= excluded.committed_at
        OR (old.run_id <> excluded.run_id AND EXISTS (
            SELECT 1 FROM leases AS l
            WHERE l.asset = excluded.asset AND l.partition = excluded.partition AND l.run_id = excluded.run_id))
"""

_SELECT = (
    "SELECT partition, status, run_id, updated_at, committed_at, rows, nbytes, code_version, reason, data_version"
    " FROM statuses"
)


def record(connection: sqlite3.Connection, run_id: str, outcomes: Sequence[Outcome], found_late: bool = False) -> None:
    """See `Ledger.record`; with `found_late`, `Ledger.end_crashed`."""
    events, states, ended = list[Any](), list[Any](), list[Any]()
    known: tuple[Any, ...]
    for outcome in outcomes:
        at = to_micros(outcome.at)
        asset = outcome.asset
        partition = WHOLE if outcome.partition is None else outcome.partition
        reason = outcome.reason if outcome.reason is None else text(outcome.reason)
        kind = outcome.kind
        events.append((run_id, at, _KINDS[kind], asset, partition, reason, to_json(outcome.payload)))
        if outcome.status is None:
            if kind is EventKind.INTERRUPTED:
                ended.append((asset, partition, run_id))
            continue
        ended.append((asset, partition, run_id))
        if outcome.status is Status.MATERIALIZED:
            known = (at, outcome.rows, outcome.nbytes, outcome.code_version, outcome.data_version, None)
        elif outcome.status in _STORED:
            known = (None, None, None, None, None, reason)
        else:
            raise ValueError(f"an outcome's status is materialized, failed, skipped or None, not {outcome.status}")
        only_if_newer = int(found_late and kind is EventKind.RECONCILED)
        states.append((asset, partition, _STORED[outcome.status], run_id, at, *known, only_if_newer))
    connection.executemany(ADD_EVENT, events)
    connection.executemany(_SET_STATUS, states)
    connection.executemany("DELETE FROM leases WHERE asset = ? AND partition = ? AND run_id = ?", ended)


def listing(
    connection: sqlite3.Connection, asset: str, partitions: Iterable[str | None] | None
) -> dict[str | None, StatusRecord]:
    """See `Ledger.statuses`."""
    keys = None if partitions is None else [WHOLE if key is None else key for key in partitions]
    found: dict[str | None, StatusRecord] = {}
    for row in _rows_of(connection, _SELECT, asset, keys):
        partition, status, run_id, updated_at, committed_at, rows, nbytes, code_version, reason, data_version = row
        key = None if partition == WHOLE else partition
        updated = from_micros(updated_at)
        # The two are equal for all that never failed since; making an instant costs as much as reading the row.
        committed = updated if committed_at == updated_at else from_micros_or_none(committed_at)
        found[key] = StatusRecord(
            asset,
            key,
            _STATUSES[status],
            run_id,
            updated,
            committed,
            rows,
            nbytes,
            code_version,
            reason,
            data_version,
        )
    leases = list(_rows_of(connection, "SELECT partition, run_id, claimed_at FROM leases", asset, keys))
    live = live_ids(connection) if leases else set()
    for partition, run_id, claimed_at in leases:
        if run_id in live:
            key = partition_from(partition)
            found[key] = _running(asset, key, run_id, from_micros(claimed_at), found.get(key))
    return found


def _running(asset: str, key: str | None, run_id: str, since: datetime, before: StatusRecord | None) -> StatusRecord:
    if before is None:
        return StatusRecord(asset, key, Status.RUNNING, run_id, since)
    return before._replace(status=Status.RUNNING, run_id=run_id, updated_at=since, reason=None)


def counts(connection: sqlite3.Connection) -> dict[str, dict[Status, int]]:
    """See `Ledger.counts`."""
    found: dict[str, dict[Status, int]] = {}
    for asset, status, count in connection.execute("SELECT asset, status, COUNT(*) FROM statuses GROUP BY 1, 2"):
        found.setdefault(asset, {})[_STATUSES[status]] = count
    leased = connection.execute(
        "SELECT l.asset, l.run_id, s.status, COUNT(*)"
        " FROM leases AS l LEFT JOIN statuses AS s ON s.asset = l.asset AND s.partition = l.partition GROUP BY 1, 2, 3"
    ).fetchall()
    live = live_ids(connection) if leased else set()
    for asset, run_id, status, count in leased:
        if run_id not in live:
            continue
        of_asset = found.setdefault(asset, {})
        of_asset[Status.RUNNING] = of_asset.get(Status.RUNNING, 0) + count
        if status is not None:
            of_asset[_STATUSES[status]] -= count
            if not of_asset[_STATUSES[status]]:
                del of_asset[_STATUSES[status]]
    return found


def wipe(
    connection: sqlite3.Connection, asset: str, partitions: Sequence[str | None] | None, run_id: str, now: datetime
) -> int:
    """See `Ledger.wipe`."""
    at = to_micros(now)
    if partitions is None:
        wiped = connection.execute("DELETE FROM statuses WHERE asset = ?", (asset,)).rowcount
        add_event(connection, run_id, at, EventKind.WIPED, payload={"partitions": wiped}, asset=asset)
        return wiped
    keys = list(dict.fromkeys(WHOLE if key is None else key for key in partitions))
    wiped = connection.executemany(
        "DELETE FROM statuses WHERE asset = ? AND partition = ?", [(asset, key) for key in keys]
    ).rowcount
    connection.executemany(ADD_EVENT, [(run_id, at, EventKind.WIPED.value, asset, key, None, None) for key in keys])
    return max(wiped, 0)


def _rows_of(
    connection: sqlite3.Connection, select: str, asset: str, keys: Sequence[str] | None
) -> Iterable[tuple[Any, ...]]:
    """The rows of one asset; with `keys`, only those, each once."""
    if keys is None:
        return connection.execute(f"{select} WHERE asset = ?", (asset,))
    return chain.from_iterable(
        connection.execute(f"{select} WHERE asset = ? AND partition IN ({marks(chunk)})", (asset, *chunk))
        for chunk in in_chunks(list(dict.fromkeys(keys)))
    )
